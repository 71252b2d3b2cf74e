"""A large upload on its way to the disk."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import TYPE_CHECKING

from appliance.httpd.refusal import Refusal

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

BUFFER = 262_144
"""Bytes gathered for one write; the card of a Pi is slow with small ones."""

SMALL = 2 * 1024 * 1024
"""Bytes up to which an upload stays in memory: what is that small may be a private key, and must not touch the card."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Spool:
    """A file without a name, so that it is gone when it is closed. Its methods block: they are for workers."""

    def __init__(self, folder: Path, expected: int, most: int) -> None:
        """Open the file in `folder`, which is made if need be, or in memory if it can have no more than `SMALL` bytes.

        :param expected: bytes to come, 0 if that is not known.
        :param most: bytes that may come.
        :raises Refusal: when the disk has no room for it.
        :raises OSError: when it cannot be opened.
        """
        if most <= SMALL:
            self.file: FileIO = os.fdopen(os.memfd_create("upload"), "r+b", buffering=0)
            return
        folder.mkdir(parents=True, exist_ok=True)
        state = os.statvfs(folder)
        if expected > state.f_bavail * state.f_frsize:
            raise _no_room()
        self.file = nameless(folder)

    def write(self, data: bytes | bytearray) -> None:
        """Add `data`.

        :raises Refusal: when the disk is full.
        :raises OSError: when it broke.
        """
        view = memoryview(data)
        try:
            while view:
                view = view[self.file.write(view) :]
        except OSError as error:
            if error.errno in _FULL:
                raise _no_room() from error
            raise

    def close(self) -> None:
        """Give the room on the disk back."""
        self.file.close()


def nameless(folder: Path) -> FileIO:
    """Open a file that whoever keeps the upload may give a name (open(2), O_TMPFILE), in place of a copy."""
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT):
            raise
    # Some file systems cannot.
    return tempfile.TemporaryFile(dir=folder, buffering=0)


def _no_room() -> Refusal:
    return Refusal(507, "There is not enough room on the device for this file.")
