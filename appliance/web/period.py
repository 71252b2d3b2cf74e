"""A period of time in the query of a request: `since` and `until`, as ISO 8601 has moments."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, NamedTuple

from flask import request

from appliance.errors import InvalidValue, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

ALLOWED = "a day such as 2026-01-31, or a moment such as 2026-01-31T12:00:00Z; without a zone it is universal time"


class Period(NamedTuple):
    """From one moment up to another."""

    since: float = 0.0
    """Seconds since 1970."""
    until: float | None = None
    """The first moment that is too late; None for no end."""


def asked_period(query: Mapping[str, str] | None = None) -> Period:
    """Read the period that this request asks for; everything where it names none.

    :raises InvalidValue: naming parameter and text, when one is no moment or the end is not behind the beginning.
    """
    texts = request.args if query is None else query
    since, until = _moment(texts, "since"), _moment(texts, "until")
    if since is not None and until is not None and until <= since:
        raise InvalidValue(f"until={quoted(texts['until'])} is not behind since={quoted(texts['since'])}")
    return Period(since or 0.0, until)


def moment_text(at: float) -> str:
    """Write a moment as ISO 8601 in universal time, to the millisecond where it has a part of a second.

    The clock of a device may stand anywhere; what no calendar has is written as the first of its days.
    """
    try:
        moment = dt.datetime.fromtimestamp(at, dt.UTC)
    except (ValueError, OverflowError, OSError):
        moment = dt.datetime.fromtimestamp(0, dt.UTC)
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond >= 1000 else "seconds")
    return text.replace("+00:00", "Z")


def _moment(texts: Mapping[str, str], name: str) -> float | None:
    text = texts.get(name, "")
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        raise InvalidValue(f"{name}={quoted(text)} is not {ALLOWED}") from None
    if not math.isfinite(seconds):
        raise InvalidValue(f"{name}={quoted(text)} is not {ALLOWED}")
    return max(seconds, 0.0)
