"""Debian packages from the archive that this machine uses for its own."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imaging.command import BuildError, run

if TYPE_CHECKING:
    from collections.abc import Iterable

SUITE = "trixie"
ARCHITECTURE = "arm64"
COMPONENTS = "main non-free-firmware"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT = Path("/etc/apt")


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Where packages come from."""

    main: str
    security: str = ""
    """Empty where the machine knows none."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package as a file."""

    name: str
    version: str
    architecture: str
    sha256: str
    source: str
    file: Path


def find_mirrors(apt: Path = APT, os_release: Path = Path("/etc/os-release")) -> Mirrors:
    """Read the machine's own apt configuration.

    :raises BuildError: when it names no Debian archive.
    """
    codename = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release.read_text("utf-8"), re.MULTILINE)).get(
        "VERSION_CODENAME", ""
    )
    main = security = ""
    for address, suites, components in _sources(apt):
        if "main" not in components:
            continue
        if any(suite.endswith("-security") for suite in suites):
            security = security or address
        elif {codename, SUITE} & set(suites):
            main = main or address
    if not main:
        raise BuildError("the machine's apt configuration names no Debian archive: give one with --mirror")
    return Mirrors(main, security)


def _sources(apt: Path) -> Iterable[tuple[str, list[str], list[str]]]:
    """Give address, suites and components of each source, of both of apt's formats (sources.list(5))."""
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]:
        for line in path.read_text("utf-8").splitlines() if path.exists() else []:
            found = re.match(r"\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
            if found:
                yield found[1], [found[2]], found[3].split()
    for path in sorted((apt / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text("utf-8")):
            text = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
            fields = {
                key.lower(): value.split()
                for key, value in re.findall(r"^([\w-]+):((?:.*\n?(?:[ \t].*\n?)*))", text, re.MULTILINE)
            }
            if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"]) != ["no"]:
                for address in fields.get("uris", []):
                    yield address, fields.get("suites", []), fields.get("components", [])


class Archive:
    """The archive, seen by an apt of its own: nothing of the machine's packages is looked at or changed."""

    def __init__(self, folder: Path, mirrors: Mirrors) -> None:
        """Keep lists and packages in `folder`."""
        self._folder = folder
        for name in ("lists/partial", "debs/partial", "etc"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        option = f"[signed-by={KEYRING}]"
        lines = [
            f"deb {option} {mirrors.main} {SUITE} {COMPONENTS}",
            f"deb {option} {mirrors.main} {SUITE}-updates {COMPONENTS}",
        ]
        if mirrors.security:
            lines.append(f"deb {option} {mirrors.security} {SUITE}-security {COMPONENTS}")
        (folder / "sources.list").write_text("\n".join(lines) + "\n", "utf-8")
        (folder / "apt.conf").write_text(
            f"""Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}";
Dir::Cache::archives "{folder}/debs";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/etc";
Dir::Etc::preferences "{folder}/etc/none";
Dir::Etc::preferencesparts "{folder}/etc";
APT::Architecture "{ARCHITECTURE}";
APT::Architectures {{ "{ARCHITECTURE}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
""",
            "utf-8",
        )

    def update(self) -> None:
        """Fetch the lists of packages."""
        self._apt("apt-get", "update", "-q", "--error-on=any")

    def essential(self) -> list[str]:
        """Give the packages that every Debian system has."""
        names = set()
        for stanza in self._apt("apt-cache", "dumpavail").split("\n\n"):
            if re.search(r"^Essential: yes$", stanza, re.MULTILINE):
                found = re.search(r"^Package: (\S+)$", stanza, re.MULTILINE)
                names.add(found[1]) if found else None
        return sorted(names)

    def of_priority(self, *priorities: str) -> list[str]:
        """Give the packages of these priorities."""
        names = set()
        for stanza in self._apt("apt-cache", "dumpavail").split("\n\n"):
            found = re.search(r"^Priority: (\S+)$", stanza, re.MULTILINE)
            if found and found[1] in priorities:
                name = re.search(r"^Package: (\S+)$", stanza, re.MULTILINE)
                names.add(name[1]) if name else None
        return sorted(names)

    def resolve(self, names: Iterable[str]) -> list[Package]:
        """Fetch these packages and all that they depend on."""
        wanted = list(names)
        install = ("apt-get", "install", "-q", "-y")
        simulated = re.findall(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", self._apt(*install, "-s", *wanted), re.MULTILINE)
        self._apt(*install, "--download-only", *wanted)
        return sorted(self._package(name.split(":")[0], version, arch) for name, version, arch in simulated)

    def kernel(self, meta: str) -> str:
        """Give the package that a meta package for the kernel stands for."""
        found = re.search(r"Depends: (linux-image-\S+)", self._apt("apt-cache", "depends", meta))
        if not found:
            raise BuildError(f"{meta} depends on no kernel")
        return found[1]

    def single(self, name: str) -> Package:
        """Fetch a package without what it depends on."""
        shown = self._apt("apt-cache", "show", "--no-all-versions", name)
        version = re.search(r"^Version: (\S+)$", shown, re.MULTILINE)
        architecture = re.search(r"^Architecture: (\S+)$", shown, re.MULTILINE)
        if not version or not architecture:
            raise BuildError(f"the archive has no package {name}")
        if not self._path(name, version[1], architecture[1]).exists():
            run(
                ["apt-get", "download", "-q", f"{name}={version[1]}"],
                folder=self._folder / "debs",
                environment={"APT_CONFIG": str(self._folder / "apt.conf")},
            )
        return self._package(name, version[1], architecture[1])

    def _path(self, name: str, version: str, architecture: str) -> Path:
        return self._folder / "debs" / f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"

    def _package(self, name: str, version: str, architecture: str) -> Package:
        path = self._path(name, version, architecture)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        fields = run(["dpkg-deb", "--showformat=${source:Package} ${source:Version}", "-W", path])
        return Package(name, version, architecture, digest, fields.strip(), path)

    def _apt(self, *command: str) -> str:
        return run(
            command,
            environment={
                "APT_CONFIG": str(self._folder / "apt.conf"),
                "DEBIAN_FRONTEND": "noninteractive",
                "LC_ALL": "C",
            }
            | ({"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}),
        )
