"""The root file system, layer by layer: Debian's packages, Python's, the appliance, the image's own files."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from imaging.command import listed, run, say
from imaging.emulation import alone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imaging.archive import Package

PYTHON = "python3.13"
HOME = "opt/cme3000"
SITE = f"{HOME}/lib/{PYTHON}/site-packages"

UNUSED = ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo")
"""Parts of Python's library that need what is not there, or test it."""

LAUNCHER = f"""#!/{HOME}/bin/python3 -I
import sys

from appliance.__main__ import main

sys.exit(main())
"""


def digest(*parts: str | bytes) -> str:
    """Give a short name for what these parts say together."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:16]


def base_layer(packages: Sequence[Package], essential: Iterable[str], cache: Path) -> Path:
    """Install the packages once; give the archive that has the result, and is kept by what went into it."""
    script = Path(__file__).with_name("install.sh")
    key = digest(
        script.read_bytes(), " ".join(UNUSED), *(f"{package.file.name} {package.sha256}" for package in packages)
    )
    layer = cache / f"debian-{key}.tar"
    if layer.exists():
        say(f"{len(packages)} Debian packages: installed before ({layer.name})")
        layer.touch()
        return layer
    say(f"installing {len(packages)} Debian packages; under emulation this takes minutes")
    root = cache / f"debian-{key}.making"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(mode=0o755)
    files = "".join(f"{package.file}\n" for package in packages)
    log = alone([script, root, " ".join(essential)], text=files)
    (cache / f"debian-{key}.log").write_text(log, "utf-8")
    library = f"usr/lib/{PYTHON}"
    if (root / library).exists():
        for name in UNUSED:
            shutil.rmtree(root / library / name, ignore_errors=True)
        compile_python(root, f"/{library}")
    _pack(root, layer)
    return layer


def python_layer(base: Path, lock: Path, cache: Path) -> tuple[Path, list[Path]]:
    """Install what the lock file pins, as compiled wheels for the device; give it as an archive, and the wheels."""
    pinned = _for_device(lock.read_text("utf-8"))
    key = digest(base.name, pinned, Path(__file__).read_bytes())
    wheels = cache / f"wheels-{digest(pinned)}"
    layer = cache / f"python-{key}.tar"
    for_device = (
        "--platform=manylinux2014_aarch64",
        "--platform=manylinux_2_28_aarch64",
        "--platform=manylinux_2_39_aarch64",
        "--python-version=313",
        "--only-binary=:all:",
    )
    pip = (sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check")
    if not wheels.exists():
        say("fetching Python packages")
        requirements = cache / f"wheels-{digest(pinned)}.txt"
        requirements.write_text(pinned, "utf-8")
        making = wheels.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        run([*pip, "download", "--no-deps", "--require-hashes", *for_device, "--dest", making, "-r", requirements])
        making.rename(wheels)
    found = sorted(wheels.glob("*.whl"))
    if not layer.exists():
        say(f"installing and compiling {len(found)} Python packages")
        root = cache / f"python-{key}.making"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(mode=0o755)
        unpack(base, root)
        site = root / SITE
        names = [wheel.name.split("-")[0] for wheel in found]
        install = (
            "install",
            "--no-deps",
            "--no-index",
            "--no-compile",
            "--ignore-requires-python",
            "--find-links",
            wheels,
            *for_device,
        )
        run([*pip, *install, "--target", site, *names])
        _drop_commands(site)
        compile_python(root, f"/{SITE}")
        kept = cache / f"python-{key}.kept"
        shutil.rmtree(kept, ignore_errors=True)
        (kept / SITE).parent.mkdir(parents=True)
        site.rename(kept / SITE)
        shutil.rmtree(root)
        _pack(kept, layer)
    return layer, found


def _drop_commands(site: Path) -> None:
    """Remove the commands, which name this machine's Python, and what is recorded about them: hashes of that name."""
    shutil.rmtree(site / "bin", ignore_errors=True)
    for record in site.glob("*.dist-info/RECORD"):
        lines = record.read_text("utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../../bin/")), "utf-8")


def _for_device(lock: str) -> str:
    """Give the lines of a lock file that hold on the device. pip would judge them by the machine it runs on."""
    from pip._vendor.packaging.markers import Marker  # of the pip that is used anyway

    device = {
        "implementation_name": "cpython",
        "platform_machine": "aarch64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": "3.13.0",
        "python_version": "3.13",
        "sys_platform": "linux",
        "os_name": "posix",
    }
    kept = []
    for requirement in lock.replace("\\\n", " ").splitlines():
        if not requirement.strip() or requirement.lstrip().startswith("#"):
            continue
        pinned, _, hashes = requirement.partition("--hash")
        name, _, marker = pinned.partition(";")
        if not marker.strip() or Marker(marker.strip()).evaluate(device):
            kept.append(f"{name.strip()} --hash{hashes.rstrip()}\n")
    return "".join(sorted(kept))


def compile_python(root: Path, folder: str) -> None:
    """Compile to bytecode that is never compared with its source: on a read-only root it cannot differ."""
    # Its processes share a semaphore, for which there must be a /dev/shm.
    shared = root / "dev/shm"
    shared.mkdir()
    command = ("chroot", str(root), f"/usr/bin/{PYTHON}", "-m", "compileall", "-q", "-j", "2")
    script = 'mount -t tmpfs tmpfs "$0" && exec "$@"'
    alone(["sh", "-c", script, str(shared), *command, "--invalidation-mode=unchecked-hash", folder])
    shared.rmdir()


def add_appliance(root: Path, source: Path, work: Path, epoch: int) -> Path:
    """Build the appliance's wheel, install it as an environment of its own, and give the wheel."""
    wheels = work / "wheel"
    pip = (sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check")
    build = ("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", wheels, source)
    run([*pip, *build], environment={"SOURCE_DATE_EPOCH": str(epoch)})
    run(
        [
            *pip,
            "install",
            "--no-deps",
            "--no-index",
            "--no-compile",
            "--find-links",
            wheels,
            "--target",
            work / "site",
            "cme3000",
        ]
    )
    _drop_commands(work / "site")
    run(["cp", "-a", f"{work / 'site'}/.", root / SITE])
    home = root / HOME
    (home / "bin").mkdir(exist_ok=True)
    (home / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.13\n", "utf-8")
    (home / "bin/python3").symlink_to(f"/usr/bin/{PYTHON}")
    launcher = home / "bin/cme3000"
    launcher.write_text(LAUNCHER, "utf-8")
    launcher.chmod(0o755)
    (root / "usr/bin/cme3000").symlink_to(f"/{HOME}/bin/cme3000")
    compile_python(root, f"/{SITE}/appliance")
    return next(wheels.glob("*.whl"))


def add_certificates(root: Path, package: Path) -> None:
    """Write the certificate authorities as one file, where OpenSSL and GnuTLS look.

    :param package: ca-certificates, unpacked. Its own script does the same in minutes, under emulation.
    """
    shared = "usr/share/ca-certificates/mozilla"
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    authorities = sorted((package / shared).glob("*.crt"))
    bundle.write_text("".join(f"{path.read_text('ascii').strip()}\n" for path in authorities), "ascii")
    folder = root / "usr/lib/ssl"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "cert.pem").symlink_to("/etc/ssl/certs/ca-certificates.crt")
    (folder / "certs").symlink_to("/etc/ssl/certs")


def trim(root: Path, patterns: str) -> None:
    """Remove what a list of shell patterns names."""
    for pattern in listed(patterns):
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for path in (root / "usr/share/doc").glob("*/*"):
        if path.name != "copyright":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def unpack(layer: Path, root: Path) -> None:
    """Lay a layer's files over those of the root."""
    run(["tar", "-x", "-p", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-f", layer, "-C", root])


def _pack(root: Path, layer: Path) -> None:
    making = layer.with_suffix(".part")
    run(
        ["tar", "-c", "--sort=name", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-f", making, "-C", root, "."]
    )
    making.rename(layer)
    shutil.rmtree(root)


def settle_times(root: Path, epoch: int) -> None:
    """Date every file by the commit: layers come from a cache, whenever that was filled."""
    for folder, names, files in os.walk(root):
        for name in (*names, *files):
            os.utime(Path(folder, name), (epoch, epoch), follow_symlinks=False)
    os.utime(root, (epoch, epoch))
