"""The commands of a session, for the arrow keys and `show history`."""

from __future__ import annotations

from collections import deque

MOST = 50


class History:
    """The last commands, the newest last; the place of the arrow keys in them."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=MOST)
        self._place = 0
        self._draft = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All that are kept."""
        return tuple(self._lines)

    def add(self, line: str) -> None:
        """Keep a command; the same one again, and an empty one, are not kept."""
        if line.strip() and (not self._lines or self._lines[-1] != line):
            self._lines.append(line)

    def begin(self) -> None:
        """Put the place behind the newest one."""
        self._place, self._draft = len(self._lines), ""

    def older(self, present: str) -> str | None:
        """Go one up; `present` is kept if it is the line that is being typed. None at the end."""
        if self._place == 0:
            return None
        if self._place == len(self._lines):
            self._draft = present
        self._place -= 1
        return self._lines[self._place]

    def newer(self) -> str | None:
        """Go one down, at last to the line that was being typed. None at the end."""
        if self._place >= len(self._lines):
            return None
        self._place += 1
        return self._draft if self._place == len(self._lines) else self._lines[self._place]
