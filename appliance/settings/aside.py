"""Copies of a settings file that could not be used as it was."""

import contextlib
import os
from pathlib import Path

from appliance.atomic import replace

COPIES = 4
"""How many different ones are kept: `NAME.aside` is the newest, then `NAME.aside.1` and so on."""


def copies_of(path: Path) -> list[Path]:
    """Name the places for copies of `path`, the newest first."""
    return [path.with_name(f"{path.name}.aside{f'.{age}' if age else ''}") for age in range(COPIES)]


def keep_copy(path: Path, data: bytes) -> Path:
    """Keep `data`, found in the file `path`, aside; once only, however often the device starts with it.

    :raises OSError: when it cannot be written.
    """
    for copy in copies_of(path):
        with contextlib.suppress(OSError):
            if copy.stat().st_size == len(data) and copy.read_bytes() == data:
                return copy
    newest = _make_room(path)
    replace(newest, data)
    return newest


def move(path: Path) -> Path:
    """Move whatever is at `path` aside: what is no file, or is too large or unreadable, cannot be copied.

    :raises OSError: when it cannot be moved.
    """
    newest = _make_room(path)
    return path.rename(newest)


def _make_room(path: Path) -> Path:
    copies = copies_of(path)
    used = next((age for age, copy in enumerate(copies) if not os.path.lexists(copy)), COPIES - 1)
    for age in range(used, 0, -1):
        copies[age - 1].rename(copies[age])
    return copies[0]
