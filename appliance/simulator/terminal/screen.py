"""The bottom of a terminal kept for the panel, while everything else scrolls above it.

The rows above are a scroll region (DECSTBM): whatever is written to the terminal, by whomever, stays in them as long as
the cursor is there. So the panel is drawn in one write that takes the cursor away and brings it back. The
cursor thus always stands above the panel, and what is below it may be erased at any time.
"""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING

from appliance.logbook import SCREEN
from appliance.simulator.terminal.descriptor import own_descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PATIENCE = 0.3
"""Seconds that a terminal may take to take a drawing; after that it is left out."""

_SAVE, _RESTORE = "\x1b7", "\x1b8"
_ERASE_BELOW = "\x1b[J"
_NO_REGION = f"{_SAVE}\x1b[r{_RESTORE}"  # the region's change sends the cursor home
_WRAP, _CUT = "\x1b[?7h", "\x1b[?7l"
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_BRACKET_PASTE, _PLAIN_PASTE = "\x1b[?2004h", "\x1b[?2004l"
_CANCEL = "\x18"
"""Ends an escape sequence of which only the beginning was sent."""

_USUAL_SIZE = (80, 24)
"""Of a terminal that does not know its own, such as a serial one."""


class Screen:
    """Shows lines at the bottom of a terminal. Used by one thread."""

    def __init__(self, fd: int, encoding: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Use the terminal of `fd`; nothing is shown before `show`.

        :raises OSError: when the terminal is gone.
        """
        self.fd = own_descriptor(fd, os.O_WRONLY)
        self._encoding = encoding
        self._clock = clock
        self._shown: list[str] = []
        self._size = (0, 0)
        self._is_entered = False
        self._is_torn = False

    def size(self) -> tuple[int, int]:
        """Return columns and rows.

        :raises OSError: when the terminal is gone.
        """
        columns, rows = os.get_terminal_size(self.fd)
        return (columns or _USUAL_SIZE[0], rows or _USUAL_SIZE[1])

    def show(self, lines: Sequence[str], size: tuple[int, int]) -> None:
        """Have `lines`, made for `size`, at the bottom; only what changed is written.

        :raises OSError: when the terminal is gone.
        """
        text = ""
        if not self._is_entered:
            text += _HIDE_CURSOR + _BRACKET_PASTE
        if self._is_torn:
            text += _CANCEL + _RESTORE + _WRAP
        if size != self._size or len(lines) != len(self._shown) or not self._is_entered:
            text += self._reserve(len(lines), size[1])
            self._shown = [""] * len(lines)
            self._size = size
        changed = [
            f"\x1b[{size[1] - len(lines) + place + 1};1H\x1b[2K{line}"
            for place, line in enumerate(lines)
            if line != self._shown[place] or text
        ]
        if changed:
            text += f"{_SAVE}{_CUT}{''.join(changed)}{_WRAP}{_RESTORE}"
        if not text:
            return
        sent = self._write(text)
        if sent:
            self._is_entered = True
            self._is_torn = sent < 1
        if sent == 1:
            self._shown = list(lines)
        else:
            self.forget()

    def say(self, lines: Sequence[str]) -> None:
        """Write `lines` above the panel, where they scroll away.

        :raises OSError: when the terminal is gone.
        """
        self._write("".join(f"\r{line}\x1b[K\r\n" for line in lines))

    def forget(self) -> None:
        """Draw everything anew the next time."""
        self._size = (0, 0)

    def lose(self) -> None:
        """Note that the terminal belongs to somebody else now, as it is."""
        self._is_entered = self._is_torn = False

    def leave(self) -> None:
        """Leave the terminal as it was, with what was written above the panel.

        :raises OSError: when the terminal is gone.
        """
        if self._is_entered:
            torn = _CANCEL + _RESTORE if self._is_torn else ""
            self._write(f"{torn}{_WRAP}{_NO_REGION}{_ERASE_BELOW}{_PLAIN_PASTE}{_SHOW_CURSOR}\x1b[0m")
        self._is_entered = self._is_torn = False

    def close(self) -> None:
        """Give the descriptor back, after `leave`."""
        os.close(self.fd)

    def _reserve(self, count: int, rows: int) -> str:
        """Make room for `count` lines below the cursor's, whatever was there."""
        text = _NO_REGION + _ERASE_BELOW
        if count:
            # Index, unlike a line feed, leaves the column alone: somebody may be in the middle of his line.
            text += "\x1bD" * count + f"\x1b[{count}A{_SAVE}\x1b[1;{rows - count}r{_RESTORE}"
        return text

    def _write(self, text: str) -> float:
        """Write all of it before anybody else writes, and return what part was taken: 0 while the terminal is stuck."""
        data = text.encode(self._encoding, "replace")
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        # Somebody whose log line the terminal does not take has the lock for as long.
        if not SCREEN.acquire(timeout=PATIENCE):
            return 0.0
        left = data
        deadline = self._clock() + PATIENCE
        try:
            while left and (remaining := deadline - self._clock()) > 0 and poll.poll(remaining * 1000):
                try:
                    left = left[os.write(self.fd, left) :]
                except BlockingIOError:  # somebody writes without the lock, or there is no room for a character of two
                    continue
                deadline = self._clock() + PATIENCE
        finally:
            SCREEN.release()
        return 1 - len(left) / len(data)
