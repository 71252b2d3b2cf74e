"""The lines that are kept for whoever asks the device itself."""

from __future__ import annotations

import logging

from appliance.logbook import RecentLines


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("test", logging.INFO, "test", 1, text, (), None)


def test_the_last_lines_are_kept_and_long_ones_cut() -> None:
    recent = RecentLines()
    for number in range(RecentLines.MOST + 2):
        recent.emit(record(f"event {number}"))
    recent.emit(record("x" * 10_000))
    lines = recent.lines()
    assert len(lines) == RecentLines.MOST
    assert lines[0] == "event 3"
    assert lines[-1] == "x" * RecentLines.LONGEST
