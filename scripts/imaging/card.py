"""The card: partitions, boot partition, and all put together."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imaging.command import run
from imaging.ext4 import FOR_DATA, MIB, make_ext4

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FIRMWARE = ("bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat")
U_BOOT = "usr/lib/u-boot/rpi_arm64/u-boot.bin"
ENVIRONMENT_SIZE = "0x4000"


@dataclass(frozen=True, slots=True)
class Part:
    """A partition, in MiB."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What lies where on the card, in MiB."""

    label: int
    total: int
    boot: Part
    state: Part
    slot_a: Part
    slot_b: Part
    data: Part


def read_layout(path: Path) -> Layout:
    """Read image/layout.toml."""
    table = tomllib.loads(path.read_text("utf-8"))
    parts = {name: Part(**table.pop(name)) for name in ("boot", "state", "slot_a", "slot_b", "data")}
    return Layout(label=table["label"], total=table["total"], **parts)


def make_boot(
    path: Path,
    layout: Layout,
    *,
    source: Path,
    firmware: Path,
    loader: Path,
    trees: Sequence[Path],
    work: Path,
    qemu: bool,
    epoch: int,
) -> None:
    """Make the FAT file system that the Pi's firmware reads."""
    path.unlink(missing_ok=True)
    clock = {"SOURCE_DATE_EPOCH": str(epoch), "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1"}
    run(
        [
            "mkimage",
            "-A",
            "arm64",
            "-T",
            "script",
            "-C",
            "none",
            "-n",
            "cme3000",
            "-d",
            source / "boot.cmd",
            work / "boot.scr",
        ],
        environment=clock,
    )
    run(["mkenvimage", "-s", ENVIRONMENT_SIZE, "-o", work / "uboot.env", source / "environment.txt"])
    with path.open("wb") as empty:
        empty.truncate(layout.boot.size * MIB)
    serial = f"{layout.label:08x}"
    run(["mkfs.vfat", "-F", "32", "-n", "CME3000", "-i", serial, "--invariant", path], environment=clock)
    files = [
        *(firmware / "usr/lib/raspi-firmware" / name for name in FIRMWARE),
        loader / U_BOOT,
        *trees,
        source / "config.txt",
        work / "boot.scr",
        work / "uboot.env",
    ]
    for file in files:
        _copy(path, file, file.name, clock, epoch, work)
    if qemu:
        _copy(path, source / "qemu.env", "cme3000.env", clock, epoch, work)


def _copy(image: Path, file: Path, name: str, clock: dict[str, str], epoch: int, work: Path) -> None:
    staged = work / "staged"
    staged.write_bytes(file.read_bytes())
    run(["touch", "-d", f"@{epoch}", staged])
    run(["mcopy", "-m", "-i", image, staged, f"::{name}"], environment=clock)


def assemble(path: Path, layout: Layout, *, boot: Path, slot: Path, boot_state: Path, work: Path, epoch: int) -> None:
    """Write the whole card as a file.

    :param boot_state: the program of that name of the image, which writes the first state.
    """
    path.unlink(missing_ok=True)
    with path.open("wb") as empty:
        empty.truncate(layout.total * MIB)
    rows = [f"label: dos\nlabel-id: 0x{layout.label:08x}\nunit: sectors\n"]
    kinds = {"boot": "c", "slot_a": "83", "slot_b": "83", "data": "83"}
    for name, kind in kinds.items():
        part: Part = getattr(layout, name)
        rows.append(
            f"start={part.start * 2048}, size={part.size * 2048}, type={kind}{', bootable' if name == 'boot' else ''}\n"
        )
    run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", path], text="".join(rows))
    data = work / "data.ext4"
    make_ext4(data, layout.data.size, label="data", features=FOR_DATA, epoch=epoch)
    for part, file in ((layout.boot, boot), (layout.slot_a, slot), (layout.data, data)):
        run(["dd", f"if={file}", f"of={path}", "bs=1M", f"seek={part.start}", "conv=notrunc,sparse", "status=none"])
    run([sys.executable, boot_state, "initialise", path])
