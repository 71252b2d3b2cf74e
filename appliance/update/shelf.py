"""The one place on the disk where a bundle lies until it is installed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from typing import TYPE_CHECKING, Protocol, TypeGuard

from appliance import atomic
from appliance.errors import UpdateError, UpdateRefused
from appliance.update.rules import NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LARGEST = 400 * 1024 * 1024
"""Bytes of a bundle. A slot has 640 MB, and half of that is what it takes compressed."""

SPARE = 16 * 1024 * 1024
"""Bytes of the disk that stay free, for settings and readings that are written meanwhile."""

CHUNK = 256 * 1024
"""Bytes read and written at once; the card of a Pi is slow with small writes."""

FLUSH = 16 * 1024 * 1024
"""Bytes after which what is written is flushed, so that the flush at the end does not hold up everything else."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

CUT = "The connection was lost before the whole file was here."


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Give the next bytes, at most `size`; nothing at the end."""


def is_file(stream: object) -> TypeGuard[io.BufferedReader | io.FileIO]:
    """Say whether what is read comes from a file, as an upload does that the web server has put into one."""
    return isinstance(stream.raw if isinstance(stream, io.BufferedReader) else stream, io.FileIO)


class Shelf:
    """The folder `update` in the state folder, with never more than one bundle in it.

    Its methods block. What it takes in is complete and on the disk, or not there at all.
    """

    def __init__(self, state: Path, *, largest: int = LARGEST, spare: int = SPARE) -> None:
        """Use `state`; nothing is made or removed yet."""
        self.folder = state / "update"
        self.path = self.folder / NAME
        self._part = self.folder / f"{NAME}.part"
        self._largest = largest
        self._spare = spare

    def clear(self) -> None:
        """Remove the bundle and what there is of one; silently does what it can."""
        for path in (self._part, self.path):
            with contextlib.suppress(OSError):
                path.unlink()

    def check_size(self, size: int | None, *, is_here: bool = False) -> None:
        """Say at once whether there can be room for `size` bytes.

        :param is_here: whether they take room on this disk already.
        :raises UpdateRefused: when it is too much for a bundle, or for the disk.
        """
        if size is not None and size > self._largest:
            raise self._too_large()
        if size is not None and not is_here and size > self._free() + self._held():
            raise self._no_room()

    def take(self, stream: Readable, size: int | None, on_progress: Callable[[int], None]) -> int:
        """Store everything that `stream` gives, in place of what was there; give the number of bytes.

        :param size: bytes to come; None when that is not known.
        :param on_progress: called with the bytes so far; what it raises ends it, like an error of the stream.
        :raises UpdateRefused: when it is too large, or not all of it came; nothing is left.
        :raises UpdateError: when the disk fails; nothing is left.
        """
        self.clear()
        try:
            atomic.make_folder(self.folder)
            received = self._adopt(stream, size)
            if received is None:
                self.check_size(size)
                received = self._store(stream, size, on_progress)
            else:
                on_progress(received)
            self._part.rename(self.path)
            atomic.sync_folder(self.folder)
        except OSError as error:
            self.clear()
            raise self._failure(error) from error
        except BaseException:
            self.clear()
            raise
        return received

    def _adopt(self, stream: Readable, size: int | None) -> int | None:
        """Give a nameless file its name here, where the whole stream is one; None where it has to be copied.

        The web server has written an upload to the same disk: a copy would take as long again, and as much room.
        """
        if size is None or size > self._largest or not is_file(stream):
            return None
        state = os.fstat(stream.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_nlink or state.st_size != size or stream.tell():
            return None
        folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # With a folder's descriptor, for only then Python has the link followed (open(2), O_TMPFILE).
            os.link(f"/proc/self/fd/{stream.fileno()}", self._part.name, dst_dir_fd=folder, follow_symlinks=True)
        except OSError:
            return None  # of another disk, or of a kind that can get no name
        finally:
            os.close(folder)
        os.fsync(stream.fileno())
        return size

    def _store(self, stream: Readable, size: int | None, on_progress: Callable[[int], None]) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self._part, flags, 0o600)
        try:
            received = flushed = 0
            while data := self._read(stream):
                received += len(data)
                if received > self._largest or (size is not None and received > size):
                    raise self._too_large()
                if self._free() < len(data):
                    raise self._no_room()
                _write(file, data)
                if received - flushed >= FLUSH:
                    os.fdatasync(file)
                    flushed = received
                on_progress(received)
            if size is not None and received < size:
                raise UpdateRefused(CUT)
            os.fsync(file)
            return received
        finally:
            os.close(file)

    @staticmethod
    def _read(stream: Readable) -> bytes:
        try:
            return stream.read(CHUNK)
        except OSError as error:
            raise UpdateRefused(CUT) from error

    def _free(self) -> int:
        folder = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        state = os.statvfs(folder)
        return state.f_bavail * state.f_frsize - self._spare

    def _held(self) -> int:
        """Give the bytes that the bundle takes which is to make room."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def _too_large(self) -> UpdateRefused:
        return UpdateRefused(f"The file is larger than firmware can be ({self._largest // 1024**2} MB).")

    @staticmethod
    def _no_room() -> UpdateRefused:
        return UpdateRefused("There is not enough room on the device for this file.")

    def _failure(self, error: OSError) -> UpdateError:
        if error.errno in _FULL:
            return self._no_room()
        return UpdateError(f"The file could not be stored: {error.strerror or error}.")


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
