"""A terminal emulator on the far side of a real pty."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import time
from typing import TYPE_CHECKING, TextIO

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 10.0


class Emulator:
    """Shows on `screen` what was written to the pty, and types."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.master, self.slave = os.openpty()
        self.screen = pyte.HistoryScreen(columns, rows, history=5000)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._files: list[TextIO] = []
        self._tell_size()

    def file(self) -> TextIO:
        """Open the terminal for a program's output."""
        file = os.fdopen(os.dup(self.slave), "w", buffering=1, encoding="utf-8")
        self._files.append(file)
        return file

    def resize(self, columns: int, rows: int) -> None:
        self.read_some(0)
        self.screen.resize(rows, columns)
        self._tell_size()

    def _tell_size(self) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.screen.lines, self.screen.columns, 0, 0))

    def type(self, keys: str | bytes) -> None:
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self.master, data) :]

    def read_some(self, wait: float) -> bool:
        """Take in what comes within the wait."""
        if not select.select([self.master], [], [], wait)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # nobody has the other side any more
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def wait_until(self, condition: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
        end = time.monotonic() + deadline
        while not condition():
            assert time.monotonic() < end, f"waited for {what}; the screen shows\n{self.text}"
            self.read_some(0.02)

    def wait_for(self, text: str, deadline: float = DEADLINE) -> None:
        self.wait_until(lambda: text in self.text, repr(text), deadline)

    def wait_without(self, text: str) -> None:
        self.wait_until(lambda: text not in self.text, f"the end of {text!r}")

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def scrolled_away(self) -> list[str]:
        return [
            "".join(line[column].data for column in range(self.screen.columns)).rstrip()
            for line in self.screen.history.top
        ]

    def colour_at(self, row: int, column: int) -> str:
        return str(self.screen.buffer[row][column].fg)

    def colour_before(self, name: str) -> tuple[str, str]:
        """Give sign and colour of the LED of that name, wherever it is shown."""
        for row, line in enumerate(self.screen.display):
            column = line.find(f" {name}")
            if column > 0 and line[column - 1] in "●○*.":
                return line[column - 1], self.colour_at(row, column - 1)
        raise AssertionError(f"no {name} on the screen:\n{self.text}")

    @property
    def modes(self) -> list[int | list[bytes | int]]:
        return termios.tcgetattr(self.slave)

    @property
    def has_cursor(self) -> bool:
        return not self.screen.cursor.hidden

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        for file in self._files:
            file.close()
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
