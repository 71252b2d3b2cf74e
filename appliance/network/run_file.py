"""A file under /run that tells another program of the system what the network manager has found."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from appliance.errors import NetworkError

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, data: bytes) -> bool:
    """Put `data` into the file in one step, readable by everybody, unless it says the same already.

    Not flushed to a disk: it lies in memory, and is made anew at every start.

    :returns: whether it was written.
    :raises NetworkError: when it cannot be written; the former file stays.
    """
    with contextlib.suppress(OSError):
        if path.read_bytes() == data:
            return False
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        try:
            _create(temporary, data)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise NetworkError(error.errno, f"{path} cannot be written: {error.strerror}") from error
    return True


def remove(path: Path) -> bool:
    """Remove the file.

    :returns: whether there was one.
    :raises NetworkError: when it cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise NetworkError(error.errno, f"{path} cannot be removed: {error.strerror}") from error
    return True


def _create(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        # The service's umask would hide it from other programs.
        os.fchmod(file, 0o644)
    finally:
        os.close(file)
