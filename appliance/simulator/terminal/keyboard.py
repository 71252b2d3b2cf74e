"""The keyboard of a terminal, key by key."""

from __future__ import annotations

import contextlib
import os
import signal
import termios
from typing import TYPE_CHECKING

from appliance.simulator.terminal.descriptor import own_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL, _CHARACTERS = 3, 6
"""Places in what tcgetattr returns."""

_DISABLED = b"\0"

_AT_ONCE = 4096


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no shell that takes the terminal away at this very moment stop the whole program (SIGTTOU)."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


class Keyboard:
    """Reads keys without waiting for Return and without echo; Ctrl-C stays the signal that it is.

    Ctrl-Z comes as a key: whoever reads it puts the terminal in order before the program is stopped.
    """

    def __init__(self, fd: int) -> None:
        """Use the terminal of `fd`; its modes are as they were until `enter`.

        :raises OSError: when the terminal is gone.
        """
        self.fd = own_descriptor(fd, os.O_RDONLY)
        """What to poll."""
        self._former: list[int | list[bytes | int]] | None = None

    def enter(self) -> None:
        """Take keys one by one.

        :raises OSError: when the terminal is gone.
        """
        with _undisturbed(), _terminal_errors():
            # Twice, for the second is changed.
            former, modes = termios.tcgetattr(self.fd), termios.tcgetattr(self.fd)
            modes[_LOCAL] &= ~(termios.ECHO | termios.ICANON)
            modes[_CHARACTERS][termios.VMIN] = 1
            modes[_CHARACTERS][termios.VTIME] = 0
            modes[_CHARACTERS][termios.VSUSP] = _DISABLED
            termios.tcsetattr(self.fd, termios.TCSANOW, modes)
            if self._former is None:
                self._former = former

    def leave(self) -> None:
        """Bring back the modes that it had; a terminal that is gone needs none."""
        former, self._former = self._former, None
        if former is not None:
            with _undisturbed(), contextlib.suppress(termios.error):
                termios.tcsetattr(self.fd, termios.TCSANOW, former)

    def read(self) -> bytes | None:
        """Return what was typed; None at the end of the input.

        :raises OSError: when the terminal is gone.
        """
        try:
            return os.read(self.fd, _AT_ONCE) or None
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Give the descriptor back, after `leave`."""
        os.close(self.fd)


@contextlib.contextmanager
def _terminal_errors() -> Iterator[None]:
    try:
        yield
    except termios.error as error:  # which is no OSError, though it has the same arguments
        raise OSError(*error.args) from error
