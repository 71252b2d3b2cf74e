"""What of an image has to do with its updates: whose signature it takes, and which versions are too old for it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imaging.bill import sha256
from imaging.command import BuildError, run, say

if TYPE_CHECKING:
    from pathlib import Path

DEVELOPMENT_ROOT = ".build/keys/root.pem"

WARNING = """
********************************************************************************
*  This release takes updates that are signed with a DEVELOPMENT KEY of this   *
*  machine. Do not ship it. A release is built with --keyring: docs/release.md *
********************************************************************************"""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the device believes."""

    keyring: Path
    """Certificates in PEM."""
    is_development: bool

    @property
    def listed(self) -> str:
        """Give it as a line of the manifest."""
        return f"keyring {sha256(self.keyring)}{' development' if self.is_development else ''}"


def find_trust(repository: Path, keyring: Path | None) -> Trust:
    """Take the given certificates, or those for development, which are made where there are none.

    :raises BuildError: when that is not a file of certificates, or holds a private key.
    """
    if keyring is None:
        path = repository / DEVELOPMENT_ROOT
        if not path.exists():
            run([repository / "scripts/make-keys"])
        return Trust(path, is_development=True)
    try:
        text = keyring.read_text("ascii")
    except (OSError, ValueError) as error:
        raise BuildError(f"{keyring}: {error}") from None
    if "PRIVATE KEY" in text:
        raise BuildError(f"{keyring} holds a private key, which has no business in an image")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise BuildError(f"{keyring} holds no certificate in PEM")
    return Trust(keyring, is_development=False)


def minimum_version(source: Path, wanted: str | None) -> str:
    """Give the oldest version that may follow this one; empty where every one may.

    :param wanted: what the command line says; else it stands in pyproject.toml.
    :raises BuildError: when that is no version, or the image itself is older.
    """
    table = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))
    minimum = wanted if wanted is not None else str(table.get("tool", {}).get("cme3000", {}).get("minimum-version", ""))
    if not minimum:
        return ""
    numbers = []
    for version in (minimum, str(table["project"]["version"])):
        if not re.fullmatch(r"\d+(\.\d+)*", version):
            raise BuildError(f"{version} is no version that can be compared: numbers with points")
        numbers.append([int(number) for number in version.split(".")])
    if numbers[0] > numbers[1]:
        raise BuildError(f"the minimum version {minimum} is above the image's own")
    return minimum


def add_update_files(root: Path, trust: Trust, minimum: str, date: str) -> None:
    """Write what RAUC and the appliance read.

    :param date: of the build, ISO.
    """
    (root / "etc/rauc/keyring.pem").write_bytes(trust.keyring.read_bytes())
    lines = [f"date = {date}"]
    if minimum:
        lines.append(f'minimum_version = "{minimum}"')
        # The appliance refuses older versions, and tells why. This is for the case that somebody else speaks for it.
        configuration = root / "etc/rauc/system.conf"
        text = configuration.read_text("utf-8")
        configuration.write_text(text.replace("\n[keyring]", f"min-bundle-version={minimum}\n\n[keyring]", 1), "utf-8")
    if trust.is_development:
        lines.append("development_key = true")
    (root / "etc/cme3000/build.toml").write_text("\n".join(lines) + "\n", "utf-8")


def warn(trust: Trust) -> None:
    """Say loudly when a release cannot be shipped."""
    if trust.is_development:
        say(WARNING)
