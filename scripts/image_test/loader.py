"""The boot loader's script in QEMU, without Linux: which slot it starts, how it counts, what torn sectors do to it.

In place of the kernel it says what it would start, and resets. A start takes seconds.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from imaging.card import Layout, read_layout
from imaging.command import run
from imaging.ext4 import FOR_U_BOOT, MIB, make_ext4

from image_test.board import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    class Reporter(Protocol):
        """Where it is told."""

        def check(self, what: str, test: Callable[[], object]) -> bool:
            """Run a test."""


REPOSITORY = Path(__file__).resolve().parents[2]
BOOT_STATE = REPOSITORY / "image/root/usr/lib/cme3000/boot-state"
SECTOR = 512
EPOCH = 1_700_000_000
PATIENCE = 120.0
"""Seconds without a start, on a busy machine."""


def try_loader(report: Reporter, files: Path) -> None:
    """Try it.

    :param files: the folder with the boot loader and the device tree.
    """
    with tempfile.TemporaryDirectory(prefix="cme3000-loader-") as folder:
        loader = Loader(files, Path(folder))

        def case(what: str, state: Sequence[bytes], wanted: str, *, writes: bool = True, broken: str = "") -> None:
            def test() -> str:
                loader.write(state)
                began = loader.starts(len(wanted), broken=broken)
                if began != wanted:
                    raise ImageError(f"{began}, not {wanted}")
                if not writes and loader.read() != list(state):
                    raise ImageError("it wrote to the card")
                return began

            report.check(f"boot loader: {what}", test)

        fresh = [_state(1, "A B", 9, 0), _state(2, "A B", 9, 0)]
        trial = _state(3, "B A", 9, 3)
        torn = b"\xa5" * SECTOR
        empty = bytes(SECTOR)
        case("a new card starts A and writes nothing", fresh, "AAA", writes=False)
        case("B on trial has three tries, then A is back", [trial, fresh[1]], "BBBAA")
        case("the other copy as the newer one is the same", [fresh[0], trial], "BBBAA")
        case("the newer copy torn: the older one holds", [fresh[0], torn], "AA", writes=False)
        case("the older copy torn: B on trial counts", [torn, trial], "BBBAA")
        case("both torn: A three times, B three times, and again", [torn, torn], "AAABBBA")
        case("none at all is the same", [empty, empty], "AAABBBA")
        case("numbers are hexadecimal", [_state(0x10, "B A", 9, 9), _state(9, "A B", 9, 9)], "BB", writes=False)
        case("a slot without its files is passed over", [fresh[0], _state(2, "A B", 9, 9)], "BB", broken="A")


def _state(number: int, order: str, a: int, b: int) -> bytes:
    """Give a sector as Linux's side writes it."""
    script = "import sys, runpy; each = runpy.run_path(sys.argv[1]); sys.stdout.buffer.write(each['State']("
    script += "int(sys.argv[2]), tuple(sys.argv[3].split()), {'A': int(sys.argv[4]), 'B': int(sys.argv[5])}).pack())"
    words = [sys.executable, "-c", script, str(BOOT_STATE), str(number), order, str(a), str(b)]
    return subprocess.run(words, capture_output=True, check=True).stdout  # noqa: S603 (our own program)


class Loader:
    """A card with the boot loader and two slots that hold next to nothing."""

    def __init__(self, files: Path, folder: Path) -> None:
        """Make the card."""
        self._files = files
        self._folder = folder
        self._layout = read_layout(REPOSITORY / "image/layout.toml")
        self._card = folder / "card.img"
        self._make()

    def write(self, copies: Sequence[bytes]) -> None:
        """Write both copies of the state."""
        with self._card.open("r+b") as card:
            for offset, copy in zip(_offsets(self._layout), copies, strict=True):
                card.seek(offset)
                card.write(copy)

    def read(self) -> list[bytes]:
        """Read both copies of the state."""
        found = []
        with self._card.open("rb") as card:
            for offset in _offsets(self._layout):
                card.seek(offset)
                found.append(card.read(SECTOR))
        return found

    def starts(self, count: int, *, broken: str = "") -> str:
        """Let it start so many times; give the slots.

        :param broken: a slot that has no kernel.
        """
        self._fill(broken)
        command = ["qemu-system-aarch64", "-M", "raspi3b", "-display", "none", "-no-user-config", "-serial", "null"]
        command += ["-serial", "stdio", "-kernel", str(self._files / "u-boot.bin")]
        command += ["-dtb", str(self._files / "bcm2837-rpi-3-b.dtb")]
        command += ["-drive", f"if=sd,format=raw,file={self._card},cache=writeback"]
        said = b""
        seen: list[bytes] = []
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as qemu:  # noqa: S603 (QEMU)
            output = qemu.stdout
            if output is None:
                raise AssertionError
            deadline = time.monotonic() + PATIENCE
            with contextlib.ExitStack() as stop:
                stop.callback(qemu.kill)
                while len(seen) < count:
                    if not select.select([output], [], [], max(0, deadline - time.monotonic()))[0]:
                        break
                    data = os.read(output.fileno(), 65536)
                    if not data:
                        break
                    said += data
                    now = re.findall(rb"^would start (\w)\r?$", said, re.MULTILINE)
                    if len(now) > len(seen):
                        seen, deadline = now, time.monotonic() + PATIENCE
        if len(seen) < count:
            raise ImageError(f"only {b''.join(seen)!r}; last: {said[-600:]!r}")
        return b"".join(seen[:count]).decode("ascii")

    def _make(self) -> None:
        work = self._folder
        source = REPOSITORY / "image/boot"
        script = (source / "boot.cmd").read_text("utf-8")
        told, found = re.subn(r"booti [^;]*;", "echo would start ${slot}; reset;", script)
        if found != 1:
            raise ImageError("boot.cmd does not start a kernel in one place")
        (work / "boot.cmd").write_text(told, "utf-8")
        run(["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", work / "boot.cmd", work / "boot.scr"])
        run(["mkenvimage", "-s", "0x4000", "-o", work / "uboot.env", source / "environment.txt"])
        (work / "cme3000.env").write_text("device_tree=test.dtb\n", "ascii")
        boot = work / "boot.vfat"
        with boot.open("wb") as empty:
            empty.truncate(self._layout.boot.size * MIB)
        run(["mkfs.vfat", "-F", "32", boot])
        run(["mcopy", "-i", boot, *(work / name for name in ("boot.scr", "uboot.env", "cme3000.env")), "::"])
        with self._card.open("wb") as empty:
            empty.truncate(self._layout.total * MIB)
        rows = [f"label: dos\nlabel-id: 0x{self._layout.label:08x}\nunit: sectors\n"]
        parts = (self._layout.boot, self._layout.slot_a, self._layout.slot_b)
        rows += [f"start={part.start * 2048}, size={part.size * 2048}\n" for part in parts]
        run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", self._card], text="".join(rows))
        self._copy(boot, self._layout.boot.start)

    def _fill(self, broken: str) -> None:
        tree = (self._files / "bcm2837-rpi-3-b.dtb").read_bytes()
        whole: Mapping[str, bytes] = {"dtb/test.dtb": tree, "vmlinuz": gzip.compress(bytes(4096)), "initrd.img": b"x"}
        for slot, part in (("A", self._layout.slot_a), ("B", self._layout.slot_b)):
            content = self._folder / f"slot-{slot}-{slot == broken}"
            for name, data in whole.items():
                if slot != broken or name != "vmlinuz":
                    path = content / "boot" / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
            image = self._folder / "slot.ext4"
            make_ext4(image, 4, label="slot", features=FOR_U_BOOT, epoch=EPOCH, folder=content)
            self._copy(image, part.start)

    def _copy(self, file: Path, start: int) -> None:
        run(["dd", f"if={file}", f"of={self._card}", "bs=1M", f"seek={start}", "conv=notrunc", "status=none"])


def _offsets(layout: Layout) -> tuple[int, int]:
    start = layout.state.start * MIB
    return start, start + layout.state.size * MIB // 2
