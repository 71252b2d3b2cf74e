"""A terminal's descriptor of our own, and whether the terminal is ours to use now."""

from __future__ import annotations

import errno
import os


def own_descriptor(fd: int, mode: int) -> int:
    """Open the terminal of `fd` once more, so that it never blocks us.

    O_NONBLOCK belongs to the open file, which we share with the shell that started us and with all its children:
    it cannot be set on `fd` itself. Where the terminal has no name that we could open (a container that was given one
    from outside), the descriptor is a plain copy.

    :raises OSError: when the terminal is gone.
    """
    try:
        return os.open(os.ttyname(fd), mode | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return os.dup(fd)


def is_foreground(fd: int) -> bool:
    """Whether the terminal's shell has given it to us, and we are no job in its background.

    A terminal that is not our controlling one has no such notion, and is always ours.

    :raises OSError: when the terminal is gone.
    """
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError as error:
        if error.errno == errno.ENOTTY:
            return True
        raise
