"""ext4 file systems made from a folder, the same bytes each time."""

from __future__ import annotations

import os
import struct
import uuid
from typing import TYPE_CHECKING

from imaging.command import BuildError, run

if TYPE_CHECKING:
    from pathlib import Path

FOR_U_BOOT = "^metadata_csum,^64bit,^orphan_file,^has_journal,^resize_inode"
"""What U-Boot cannot read, and what a file system that is never written does not need."""

FOR_DATA = "metadata_csum,^orphan_file"
"""Checksums, because there e2fsck has something to judge after a power cut."""

MIB = 1 << 20
NAMESPACE = uuid.UUID("5b1d3c1e-70a5-5d0c-9f0e-3c1f3e0f9a51")

_SUPERBLOCK = 1024
_INODE_TIMES = (0x08, 0x0C, 0x10, 0x14)
"""Access, change, modification, deletion, in seconds."""


def make_ext4(
    path: Path,
    size: int,
    *,
    label: str,
    features: str,
    epoch: int,
    folder: Path | None = None,
    inodes: int | None = None,
) -> None:
    """Make a file system of `size` MiB, with what is in `folder`.

    :param inodes: how many; without it as many as mke2fs thinks right.
    :raises BuildError: when the folder does not fit.
    """
    path.unlink(missing_ok=True)
    identity = str(uuid.uuid5(NAMESPACE, label))
    command = ["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-m", "0", "-L", label, "-U", identity, "-O", features]
    command += ["-E", f"hash_seed={identity},lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0"]
    if folder is not None:
        command += ["-d", str(folder)]
    if inodes is not None:
        command += ["-N", str(inodes)]
    clock = {"E2FSPROGS_FAKE_TIME": str(epoch), "SOURCE_DATE_EPOCH": str(epoch)}
    run([*command, path, f"{size}M"], environment=clock)
    if "^metadata_csum" in features:
        _settle_inodes(path, epoch)
    run(["e2fsck", "-f", "-n", path], environment=clock)


def _settle_inodes(path: Path, epoch: int) -> None:
    """Set the times that mke2fs copies from the host and nobody can set there: change and creation.

    Layout: Linux's Documentation/filesystems/ext4. Only for file systems without checksums.
    """
    with path.open("r+b") as image:
        image.seek(_SUPERBLOCK)
        superblock = image.read(1024)
        blocks, first, block_exponent = struct.unpack_from("<I12xII", superblock, 0x04)
        blocks_per_group, inodes_per_group = struct.unpack_from("<I4xI", superblock, 0x20)
        (inode_size,) = struct.unpack_from("<H", superblock, 0x58)
        block = 1024 << block_exponent
        groups = -(-(blocks - first) // blocks_per_group)
        image.seek((first + 1) * block)
        descriptors = image.read(groups * 32)
        for group in range(groups):
            (table,) = struct.unpack_from("<I", descriptors, group * 32 + 8)
            image.seek(table * block)
            inodes = bytearray(image.read(inodes_per_group * inode_size))
            changed = False
            for start in range(0, len(inodes), inode_size):
                if not any(inodes[start : start + 0x14]):
                    continue
                changed = True
                for offset in _INODE_TIMES[:2]:
                    struct.pack_into("<I", inodes, start + offset, epoch)
                (modified,) = struct.unpack_from("<I", inodes, start + _INODE_TIMES[2])
                struct.pack_into("<I", inodes, start + _INODE_TIMES[2], min(modified, epoch))
                if inode_size > 128:
                    # Parts of seconds, of change, modification and access; the time of creation and its part.
                    struct.pack_into("<IIIII", inodes, start + 0x84, 0, 0, 0, epoch, 0)
            if changed:
                image.seek(table * block)
                image.write(inodes)


def content_size(folder: Path) -> int:
    """Give the octets of all files below a folder, as blocks of 4096."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            status = os.lstat(os.path.join(parent, name))  # noqa: PTH118 (a hundred thousand files)
            total += -(-status.st_size // 4096) * 4096
    return total


def tight(folder: Path) -> tuple[int, int]:
    """Give the size in MiB and the inodes of a file system that nothing will be added to.

    It is what an update writes, so room in it costs time and wears the card.
    """
    inodes = sum(1 + len(files) for _, _, files in os.walk(folder)) + 64
    # Folders and long extents take a block besides; the rest is for group descriptors and bitmaps.
    octets = content_size(folder) + inodes * 256 + sum(8192 for _ in os.walk(folder))
    return octets * 102 // 100 // MIB + 8, inodes


def check_fits(folder: Path, size: int) -> None:
    """Say plainly when a slot is too small.

    :param size: MiB.
    :raises BuildError: when it is.
    """
    if content_size(folder) > size * MIB * 95 // 100:
        raise BuildError(f"the root file system has {content_size(folder) // MIB} MiB, a slot {size}")
