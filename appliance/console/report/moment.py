"""Moments and spans of time, as the console writes them."""

from __future__ import annotations

import datetime as dt

NEVER = "never"


def moment(at: float | None) -> str:
    """Write seconds since 1970 as date and time of day (UTC); `NEVER` for None."""
    if at is None:
        return NEVER
    try:
        return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):  # a clock that was far off
        return f"{at:.0f} s since 1970"


def seconds(span: float | None) -> str:
    """Write how long an exchange took, to the millisecond; nothing for None."""
    return "" if span is None else f"{span:.3f} s"
