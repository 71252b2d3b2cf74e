"""What the card is made from: lists, device trees, boot script, file systems. The card itself: scripts/test-image."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from imaging.archive import Mirrors, find_mirrors
from imaging.card import read_layout
from imaging.command import BuildError, listed
from imaging.ext4 import FOR_U_BOOT, make_ext4
from imaging.root import _for_device

from tests.conftest import need
from tests.image.machine import REPOSITORY

SOURCE = REPOSITORY / "image"
EPOCH = 1_700_000_000


def test_partitions_follow_each_other_and_fill_the_card() -> None:
    layout = read_layout(SOURCE / "layout.toml")
    end = 0
    for part in (layout.boot, layout.state, layout.slot_a, layout.slot_b, layout.data):
        assert part.start >= end
        end = part.start + part.size
    assert end == layout.total
    assert layout.slot_a.size == layout.slot_b.size
    assert layout.total & (layout.total - 1) == 0, "QEMU takes powers of two alone"


def test_the_boot_script_finds_the_root_by_the_label_of_the_card() -> None:
    script = (SOURCE / "boot/boot.cmd").read_text("utf-8")
    label = read_layout(SOURCE / "layout.toml").label
    assert re.findall(r"root=PARTUUID=(\w+)-0", script) == [f"{label:08x}"]


def test_nothing_can_be_typed_into_the_boot_loader_from_the_bus() -> None:
    environment = dict(
        line.split("=", 1) for line in (SOURCE / "boot/environment.txt").read_text("utf-8").splitlines() if line
    )
    assert environment["bootdelay"] == "-2"
    assert "preboot" not in environment


def test_no_serial_console_but_for_qemu() -> None:
    assert "ttyS" not in (SOURCE / "boot/boot.cmd").read_text("utf-8")
    assert "ttyAMA" not in (SOURCE / "boot/boot.cmd").read_text("utf-8")
    assert "enable_uart=0" in (SOURCE / "boot/config.txt").read_text("utf-8")


def test_what_the_initramfs_loads_is_kept() -> None:
    kept = listed((SOURCE / "modules.list").read_text("utf-8"))
    for module in listed((SOURCE / "initramfs/modules.list").read_text("utf-8")):
        assert any(Path(path).name == module for path in kept), module


@pytest.mark.parametrize("source", sorted((REPOSITORY / "overlays").glob("*.dts")), ids=lambda path: path.stem)
def test_overlays_compile_without_a_warning(source: Path) -> None:
    need(shutil.which("dtc"), "dtc is not installed")
    command = ["dtc", "-@", "-I", "dts", "-O", "dtb", "-o", "/dev/null", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""


def test_every_overlay_is_merged_into_something() -> None:
    merges = [line.split() for line in listed((REPOSITORY / "overlays/merges.list").read_text("utf-8"))]
    assert {overlay for _, _, overlay in merges} == {path.stem for path in (REPOSITORY / "overlays").glob("*.dts")}
    names = [name for name, _, _ in merges]
    assert len(names) == len(set(names))


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    need(shutil.which("mke2fs", path="/usr/sbin:/sbin:/usr/bin"), "mke2fs is not installed")
    folder = tmp_path / "folder"
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/file").write_bytes(b"x" * 10_000)
    (folder / "link").symlink_to("a/b/file")
    return folder


def test_two_slots_from_equal_folders_are_equal(folder: Path, tmp_path: Path) -> None:
    make_ext4(tmp_path / "1", 8, label="slot", features=FOR_U_BOOT, epoch=EPOCH, folder=folder)
    again = tmp_path / "again"
    shutil.copytree(folder, again, symlinks=True)
    make_ext4(tmp_path / "2", 8, label="slot", features=FOR_U_BOOT, epoch=EPOCH, folder=again)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_slot_has_nothing_that_u_boot_cannot_read(folder: Path, tmp_path: Path) -> None:
    slot = tmp_path / "slot"
    make_ext4(slot, 8, label="slot", features=FOR_U_BOOT, epoch=EPOCH, folder=folder)
    with slot.open("rb") as file:
        file.seek(1024)
        superblock = file.read(1024)
    compatible, incompatible, read_only = struct.unpack_from("<III", superblock, 0x5C)
    assert not incompatible & 0x80, "64bit"
    assert not read_only & 0x400, "metadata_csum"
    assert not compatible & 0x1004, "orphan_file, has_journal"


def test_requirements_are_those_of_the_device_and_not_of_this_machine() -> None:
    lock = (
        "one==1 \\\n    --hash=sha256:11\n"
        "two==2 ; python_full_version >= '3.13' and platform_machine == 'aarch64' \\\n    --hash=sha256:22\n"
        "    # via something\n"
        "three==3 ; sys_platform == 'win32' \\\n    --hash=sha256:33\n"
        "four==4 ; python_full_version < '3.13' \\\n    --hash=sha256:44 \\\n    --hash=sha256:45\n"
    )
    assert [line.split(" ")[0] for line in _for_device(lock).splitlines()] == ["one==1", "two==2"]


def test_the_archive_is_that_of_the_machine(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('NAME="Debian"\nVERSION_CODENAME=bookworm\n')
    apt = tmp_path / "apt"
    (apt / "sources.list.d").mkdir(parents=True)
    (apt / "sources.list").write_text("deb http://other.example/tools stable main\n")
    (apt / "sources.list.d/debian.sources").write_text(
        "Types: deb\n# a comment\nURIs: http://one.example/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main\nSigned-By: /a/key\n\n"
        "Types: deb\nURIs: http://one.example/security\nSuites: bookworm-security\nComponents: main\n"
    )
    assert find_mirrors(apt, release) == Mirrors("http://one.example/debian", "http://one.example/security")
    (apt / "sources.list.d/debian.sources").unlink()
    (apt / "sources.list").write_text("deb [arch=amd64] http://two.example/debian bookworm main contrib\n")
    assert find_mirrors(apt, release) == Mirrors("http://two.example/debian")
    (apt / "sources.list").write_text("deb http://other.example/tools stable main\n")
    with pytest.raises(BuildError, match="--mirror"):
        find_mirrors(apt, release)
