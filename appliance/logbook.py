"""Logging for a person at a terminal and for the system's journal: stderr, one line an event."""

from __future__ import annotations

import logging
import sys

LEVELS = ("debug", "info", "warning", "error")


class _OneLine(logging.Formatter):
    """Keeps an event on one line, whatever text a client or a file brought into it."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def log_to_stderr(level: str) -> None:
    """Log events from `level` up (one of `LEVELS`)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(threadName)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
