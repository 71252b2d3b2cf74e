"""What the recorder gives: rates over a span of time, and sums of hours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = 3600.0


class Span(StrEnum):
    """How far back a recording goes."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def seconds(self) -> float:
        """Its length."""
        return {"hour": 1, "day": 24, "week": 168}[self.value] * HOUR


@dataclass(frozen=True, slots=True)
class Recording:
    """Intervals, each with how fast every counter grew in it, or what a gauge was on the average."""

    ends: tuple[float, ...]
    """When each interval ended, seconds of the wall clock as it is set now."""
    seconds: tuple[float, ...]
    """How long each interval was."""
    rates: dict[str, tuple[float | None, ...]]
    """By name: a counter's growth in a second, a gauge's mean; None where it could not be read."""

    @classmethod
    def of(cls, names: Sequence[str], rows: Sequence[Sequence[float]], *, wall: float) -> Recording:
        """Make one of rows of a time and the sums of all counters at that time.

        :param wall: what to add to a row's time for that of the wall clock.
        """
        pairs = [(old, new) for old, new in pairwise(rows) if new[0] > old[0]]
        return cls(
            ends=tuple(new[0] + wall for _, new in pairs),
            seconds=tuple(new[0] - old[0] for old, new in pairs),
            rates={
                name: tuple(_known((new[column] - old[column]) / (new[0] - old[0])) for old, new in pairs)
                for column, name in enumerate(names, 1)
            },
        )

    def hours(self) -> list[Hour]:
        """Add up the intervals of each hour of the wall clock, the newest hour first.

        An interval belongs to the hour in which its middle lies.
        """
        found: dict[float, list[int]] = {}
        for index, (end, length) in enumerate(zip(self.ends, self.seconds, strict=True)):
            found.setdefault((end - length / 2) // HOUR * HOUR, []).append(index)
        return [self._hour(begin, found[begin]) for begin in sorted(found, reverse=True)]

    def _hour(self, begin: float, indices: list[int]) -> Hour:
        sums: dict[str, float | None] = {}
        means: dict[str, float | None] = {}
        for name, rates in self.rates.items():
            known = [(rate, self.seconds[index]) for index in indices if (rate := rates[index]) is not None]
            total, length = sum(rate * seconds for rate, seconds in known), sum(seconds for _, seconds in known)
            sums[name] = total if known else None
            means[name] = total / length if known else None
        return Hour(begin, sums, means)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour."""

    begin: float
    """Seconds of the wall clock."""
    sums: dict[str, float | None]
    """How much each counter grew; None where it is not known."""
    means: dict[str, float | None]
    """What each gauge was on the average; None where it is not known."""


def _known(rate: float) -> float | None:
    return None if math.isnan(rate) else rate
