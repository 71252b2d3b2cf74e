"""A file replaced whole or not at all, whatever happens to the power."""

import contextlib
import os
import re
from pathlib import Path

from appliance.errors import NotConfirmed


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of the file `path`, readable by its owner alone.

    It is on the disk when this returns: a new file is written and flushed, takes the name in one step, and the
    folder is flushed, without which a power cut could bring the former file back.

    :raises NotConfirmed: when the last of it failed: the new file is in place, but may be gone after a power cut.
    :raises OSError: when anything else failed; the former file is untouched.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        temporary = f".{path.name}.{os.urandom(8).hex()}.tmp"
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            try:
                _write(file, data)
            finally:
                os.close(file)
            os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        try:
            os.fsync(folder)
        except OSError as error:
            raise NotConfirmed(error.errno, error.strerror) from error
    finally:
        with contextlib.suppress(OSError):  # nothing was written through it
            os.close(folder)


def sync_folder(folder: Path) -> None:
    """Flush the names in `folder` to the disk.

    :raises OSError: when the disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it, for the owner alone, so that they outlast a power cut.

    :raises OSError: when it cannot be made.
    """
    if folder.is_dir():
        return
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in reversed(missing):
        sync_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove what a `replace` of `path` left behind when it was killed; silently does what it can."""
    leftover = re.compile(rf"\.{re.escape(path.name)}(?:\.[a-z0-9-]+)*\.[0-9a-f]{{16}}\.tmp", re.ASCII)
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):  # noqa: PTH208 (names are all that is needed)
            if leftover.fullmatch(name):
                with contextlib.suppress(OSError):
                    path.with_name(name).unlink()


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)
