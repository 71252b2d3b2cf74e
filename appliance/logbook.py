"""Logging: to stderr, one line an event, for a terminal or the system's journal; and the last lines in memory."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")


SCREEN = threading.Lock()
"""Held by whoever writes to the terminal: a log line, or a panel that has a part of it for itself.

Without it, a line that comes while the terminal takes only half of the panel would land in its middle.
"""


class _SharedScreen(logging.StreamHandler[TextIO]):
    """Writes a line at a time."""

    def emit(self, record: logging.LogRecord) -> None:
        with SCREEN:
            super().emit(record)


class _OneLine(logging.Formatter):
    """Keeps an event on one line, whatever text a client or a file brought into it."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class RecentLines(logging.Handler):
    """Keeps the last lines for whoever asks the device itself, a browser or the console."""

    MOST = 1000

    LONGEST = 4000
    """Characters of a line that are kept: with a traceback in each, all lines together still are a few megabytes."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=self.MOST)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, and forget the oldest one when there are too many."""
        try:
            self._lines.append(self.format(record)[: self.LONGEST])
        except Exception:  # noqa: BLE001 (as every handler of the standard library does)
            self.handleError(record)

    def lines(self) -> tuple[str, ...]:
        """Give them, the oldest first (any thread)."""
        return tuple(self._lines)


RECENT = RecentLines()
"""Of this process, as its loggers are."""


def start_logging(level: str) -> None:
    """Log events from `level` up (one of `LEVELS`)."""
    screen = _SharedScreen(sys.stderr)
    for handler in (screen, RECENT):
        handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(threadName)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[screen, RECENT], force=True)
