"""Logging for a person at a terminal and for the system's journal: stderr, one line an event."""

from __future__ import annotations

import logging
import sys
import threading
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


def log_to_stderr(level: str) -> None:
    """Log events from `level` up (one of `LEVELS`)."""
    handler = _SharedScreen(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(threadName)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
