"""The time of day on a device without a clock of its own: it may be set after the first readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCK_IS_SET = 1_735_689_600.0
"""The year 2025 begins, in seconds since 1970: an earlier time is that of a clock which nobody has set yet."""


class TimeOfDay:
    """Tells the time, and dates in hindsight what happened before it was known."""

    def __init__(self, wall: Callable[[], float], clock: Callable[[], float]) -> None:
        """Ask `wall` for seconds since 1970, and `clock` for those that nobody sets."""
        self._wall = wall
        self._clock = clock
        self._undated: list[tuple[int, float]] = []

    @property
    def is_set(self) -> bool:
        """Whether the clock shows a time that can be."""
        return self._wall() >= CLOCK_IS_SET

    def of(self, moment: float) -> float:
        """Seconds since 1970 of a moment of the other clock."""
        return self._wall() - (self._clock() - moment)

    def note(self, number: int, moment: float) -> None:
        """Remember when a reading came, if the time of day is not known."""
        if not self.is_set:
            self._undated.append((number, moment))

    @property
    def undated(self) -> list[tuple[int, float]]:
        """Readings that came before the time was known, with the time as it is known now; none while it is not."""
        return [(number, self.of(moment)) for number, moment in self._undated] if self.is_set else []

    def dated(self, count: int) -> None:
        """Forget the first so many of them, which have their time now."""
        del self._undated[:count]
