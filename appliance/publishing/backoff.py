"""How long to wait before the next attempt."""

from __future__ import annotations

import random

FIRST = 1.0
LONGEST = 60.0
"""Seconds: a broker that comes back is found within about a minute."""

_SPREAD = 0.25


class Backoff:
    """Delays that double from the first to the longest, each a little more or less.

    A hundred devices that lost the same broker at the same moment do not come back at the same moment.
    """

    def __init__(self, *, first: float = FIRST, longest: float = LONGEST, seed: int | None = None) -> None:
        """Begin with `first` seconds; `seed` makes the spread repeatable."""
        self._first, self._longest = first, longest
        self._next = first
        self._random = random.Random(seed)  # noqa: S311 (spreads load; nobody gains by guessing it)

    def delay(self) -> float:
        """Give the seconds to wait now; the next delay is twice as long."""
        delay, self._next = self._next, min(2 * self._next, self._longest)
        return delay * self._random.uniform(1 - _SPREAD, 1 + _SPREAD)

    def reset(self) -> None:
        """Begin anew, because an attempt has succeeded."""
        self._next = self._first
