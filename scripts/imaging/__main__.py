"""Builds the image; `scripts/build-image --help`."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import sys
import time
import tomllib
from pathlib import Path

from imaging import bill, kernel, root, updates
from imaging.archive import Archive, Mirrors, Package, find_mirrors
from imaging.card import Layout, assemble, make_boot, read_layout
from imaging.command import BuildError, listed, run, say
from imaging.emulation import emulation, inside
from imaging.ext4 import FOR_U_BOOT, MIB, check_fits, content_size, make_ext4, tight
from imaging.source import Source, take

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = ("release", "qemu")


def main() -> int:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts/build-image", description="Build the SD card's image.")
    parser.add_argument(
        "--kind",
        choices=(*KINDS, "both"),
        default="both",
        help="release: for a Pi; qemu: for the boot test (default: %(default)s)",
    )
    parser.add_argument("--ref", default="HEAD", help="the commit to build (default: %(default)s)")
    parser.add_argument("--worktree", action="store_true", help="build the files as they are, committed or not")
    parser.add_argument(
        "--output", type=Path, default=REPOSITORY / ".build/image", help="where the image goes (default: .build/image)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(os.environ.get("CME3000_IMAGE_CACHE") or REPOSITORY / ".build/cache"),
        help="where packages and layers are kept (default: $CME3000_IMAGE_CACHE or .build/cache)",
    )
    parser.add_argument("--mirror", help="Debian archive (default: that of this machine's apt)")
    parser.add_argument("--security-mirror", default="", help="the archive of security updates")
    parser.add_argument(
        "--manifest", type=Path, help="the manifest of an earlier build: fail unless the same packages are had"
    )
    parser.add_argument(
        "--plain", action="store_true", help="build a plain Debian with the same kernel beside it, to measure against"
    )
    parser.add_argument(
        "--address",
        default="",
        metavar="URL",
        help="of the folder that the release will be offered in: Raspberry Pi Imager's entry names it",
    )
    parser.add_argument(
        "--keyring",
        type=Path,
        metavar="PEM",
        help="the certificates whose updates the device takes (default: those for development)",
    )
    parser.add_argument(
        "--minimum-version", metavar="VERSION", help="no older one is installed over this (default: of pyproject.toml)"
    )
    parser.add_argument("--no-compress", action="store_true", help="leave it at the plain image")
    options = parser.parse_args()
    began = time.monotonic()
    try:
        build(options)
    except BuildError as error:
        say(f"failed: {error}")
        return 1
    say(f"done in {time.monotonic() - began:.0f} s")
    return 0


def build(options: argparse.Namespace) -> None:
    """Build it.

    :raises BuildError: when that cannot be.
    """
    if os.geteuid() != 0:
        raise BuildError("this needs root: it runs the programs of the image in a root of their own")
    os.umask(0o022)
    cache, output = options.cache.resolve(), options.output.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    output.mkdir(parents=True, exist_ok=True)
    work = output / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    source = take(REPOSITORY, work / "source", None if options.worktree else options.ref)
    image = source.folder / "image"
    trust = updates.find_trust(REPOSITORY, options.keyring)
    minimum = updates.minimum_version(source.folder, options.minimum_version)
    with emulation():
        packages, essential, extracted = _packages(options, image, cache)
        base = root.base_layer(packages, essential, cache)
        python, wheels = root.python_layer(base, source.folder / "requirements/run.lock", cache)
        slot_folder, release, trees, appliance = _root(source, base, python, extracted, work, trust, minimum)
    layout = read_layout(image / "layout.toml")
    check_fits(slot_folder, layout.slot_a.size)
    size = content_size(slot_folder)
    say(f"making the card: a slot holds {size // MIB} MiB of {layout.slot_a.size}")
    slot = output / "slot.ext4"
    room, inodes = tight(slot_folder)
    make_ext4(slot, room, label="slot", features=FOR_U_BOOT, epoch=source.epoch, folder=slot_folder, inodes=inodes)
    version = _version(source)
    listing = bill.manifest(
        version=version,
        commit=source.commit,
        epoch=source.epoch,
        packages=[*packages, *extracted],
        wheels=wheels,
        kernel=release,
        rules=[trust.listed, *([f"minimum-version {minimum}"] if minimum else [])],
    )
    (output / "manifest.txt").write_text(listing, "utf-8")
    if options.manifest:
        _compare(options.manifest, listing)
    contents = bill.bill_of_materials(
        version=version, epoch=source.epoch, packages=[*packages, *extracted], wheels=[*wheels, appliance]
    )
    (output / "sbom.cdx.json").write_text(contents, "utf-8")
    for kind in KINDS if options.kind == "both" else (options.kind,):
        boot = _boot(source, extracted, trees, work, layout, qemu=kind == "qemu")
        card = output / f"cme3000-{kind}.img"
        assemble(card, layout, boot=boot, slot=slot, boot_state=_boot_state(source), work=work, epoch=source.epoch)
        if kind == "qemu":
            shutil.copy(
                _unpacked(extracted, "u-boot-rpi", work) / "usr/lib/u-boot/rpi_arm64/u-boot.bin", output / "u-boot.bin"
            )
            shutil.copy(next(tree for tree in trees if tree.name == "bcm2837-rpi-3-b.dtb"), output)
        elif not options.no_compress:
            _publish(card, version, source, output, options.address)
    if options.plain:
        _make_plain(options, source, extracted, trees, work, output)
    shutil.rmtree(work)
    if options.kind != "qemu":
        updates.warn(trust)


def _make_plain(
    options: argparse.Namespace, source: Source, extracted: list[Package], trees: list[Path], work: Path, output: Path
) -> None:
    """Make a card with Debian as its installer leaves it, but for the kernel and the initramfs, which are ours."""
    cache = options.cache.resolve()
    archive = Archive(cache / "apt", _mirrors(options))
    essential = archive.essential()
    packages = archive.resolve([*archive.of_priority("required", "important"), "systemd-sysv", "systemd-timesyncd"])
    folder = work / "plain"
    folder.mkdir(mode=0o755)
    image = source.folder / "image"
    with emulation():
        root.unpack(root.base_layer(packages, essential, cache), folder)
        inside(folder, "systemctl", "preset-all")
    (folder / "etc/fstab").write_text("/dev/mmcblk0p2 / ext4 rw,noatime 0 1\n", "utf-8")
    (folder / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n", "ascii")
    linux = _unpacked(extracted, "linux-image", work)
    release = kernel.add_kernel(folder, linux, None)
    busybox = _unpacked(extracted, "busybox-static", work) / "usr/bin/busybox"
    kernel.make_initramfs(folder, release, busybox, image / "initramfs", source.epoch)
    kernel.merge_device_trees(folder, linux, release, source.folder / "overlays", work)
    root.settle_times(folder, source.epoch)
    layout = read_layout(image / "layout.toml")
    slot = work / "plain.ext4"
    make_ext4(slot, layout.slot_a.size, label="plain", features=FOR_U_BOOT, epoch=source.epoch, folder=folder)
    boot = _boot(source, extracted, trees, work, layout, qemu=True)
    card = output / "cme3000-plain.img"
    assemble(card, layout, boot=boot, slot=slot, boot_state=_boot_state(source), work=work, epoch=source.epoch)


def _boot_state(source: Source) -> Path:
    return source.folder / "image/root/usr/lib/cme3000/boot-state"


def _mirrors(options: argparse.Namespace) -> Mirrors:
    return Mirrors(options.mirror, options.security_mirror) if options.mirror else find_mirrors()


def _boot(
    source: Source, extracted: list[Package], trees: list[Path], work: Path, layout: Layout, *, qemu: bool
) -> Path:
    boot = work / "boot.vfat"
    make_boot(
        boot,
        layout,
        source=source.folder / "image/boot",
        firmware=_unpacked(extracted, "raspi-firmware", work),
        loader=_unpacked(extracted, "u-boot-rpi", work),
        trees=trees,
        work=work,
        qemu=qemu,
        epoch=source.epoch,
    )
    return boot


def _packages(options: argparse.Namespace, image: Path, cache: Path) -> tuple[list[Package], list[str], list[Package]]:
    archive = Archive(cache / "apt", _mirrors(options))
    say("asking the archive for packages")
    archive.update()
    essential = archive.essential()
    packages = archive.resolve([*essential, *listed((image / "packages.list").read_text("utf-8"))])
    names = listed((image / "extracted.list").read_text("utf-8"))
    extracted = [archive.single(archive.kernel(name) if name.startswith("linux-image") else name) for name in names]
    return packages, essential, extracted


def _root(
    source: Source,
    base: Path,
    python: Path,
    extracted: list[Package],
    work: Path,
    trust: updates.Trust,
    minimum: str,
) -> tuple[Path, str, list[Path], Path]:
    say(f"putting the root together, of {source.commit[:12]}")
    image = source.folder / "image"
    folder = work / "root"
    folder.mkdir(mode=0o755)
    root.unpack(base, folder)
    root.unpack(python, folder)
    appliance = root.add_appliance(folder, source.folder, work, source.epoch)
    root.trim(folder, (image / "trim.list").read_text("utf-8"))
    run(["cp", "-a", "--no-preserve=ownership", f"{image / 'root'}/.", folder])
    date = dt.datetime.fromtimestamp(source.epoch, dt.UTC).date()
    updates.add_update_files(folder, trust, minimum, date.isoformat())
    inside(folder, "SOURCE_DATE_EPOCH=" + str(source.epoch), "systemd-sysusers")
    inside(folder, "systemctl", "preset-all")
    root.trim(folder, "etc/*-\netc/.pwd.lock\n")
    for name in ("var", "tmp", "run", "boot"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(mode=0o755)
    (folder / "tmp").chmod(0o1777)
    for name in ("boot/firmware", "data"):
        (folder / name).mkdir(parents=True)
    root.add_certificates(folder, _unpacked(extracted, "ca-certificates", work))
    linux = _unpacked(extracted, "linux-image", work)
    release = kernel.add_kernel(folder, linux, (image / "modules.list").read_text("utf-8"))
    busybox = _unpacked(extracted, "busybox-static", work) / "usr/bin/busybox"
    kernel.make_initramfs(folder, release, busybox, image / "initramfs", source.epoch)
    trees = kernel.merge_device_trees(folder, linux, release, source.folder / "overlays", work)
    root.settle_times(folder, source.epoch)
    return folder, release, trees, appliance


def _unpacked(packages: list[Package], name: str, work: Path) -> Path:
    package = next(each for each in packages if each.name.startswith(name))
    folder = work / "extracted" / name
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        run(["dpkg-deb", "-x", package.file, folder])
    return folder


def _version(source: Source) -> str:
    return str(tomllib.loads((source.folder / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def _compare(wanted: Path, have: str) -> None:
    inputs = [
        {line for line in text.splitlines() if line.startswith(("deb", "wheel"))}
        for text in (wanted.read_text("utf-8"), have)
    ]
    different = sorted(inputs[0] ^ inputs[1])
    if different:
        raise BuildError("\n".join([f"other packages than in {wanted}:", *different]))


def _publish(card: Path, version: str, source: Source, output: Path, address: str) -> None:
    """Make what a release consists of besides the plain image."""
    say("compressing")
    compressed = output / f"{card.name}.xz"
    # xz, which both Raspberry Pi Imager and balenaEtcher read.
    run(["xz", "-T2", "-6", "--block-size=32MiB", "-k", "-f", card])
    (output / f"{card.name}.bmap").write_text(run(["bmaptool", "create", card]), "utf-8")
    date = dt.datetime.fromtimestamp(source.epoch, dt.UTC).date()
    entry = bill.imager_entry(version=version, date=date, image=card, compressed=compressed, address=address)
    (output / "imager.json").write_text(entry, "utf-8")
    names = (compressed.name, f"{card.name}.bmap", "imager.json", "manifest.txt", "sbom.cdx.json")
    (output / "SHA256SUMS").write_text("".join(f"{bill.sha256(output / name)}  {name}\n" for name in names), "utf-8")
    say(f"{compressed.name}: {compressed.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
