"""How a LED is lit over time."""

from __future__ import annotations

from enum import Enum

ROUNDING = 1e-6
"""Seconds by which an edge may seem to lie ahead when it is due: what floating-point time loses."""


class Rhythm(Enum):
    """A LED's pattern: seconds lit, dark, lit, dark... over and over; empty is dark for good.

    The times are far enough apart that a person tells them from each other at a glance.
    """

    OFF = ()
    STEADY = (1.0, 0.0)
    SLOW = (0.5, 0.5)
    FAST = (0.125, 0.125)
    FASTER = (0.05, 0.05)
    FLICKER = (0.06, 0.14)
    """Traffic."""
    SHORT_BLINK = (0.1, 0.9)
    IDENTIFY = (0.1, 0.1, 0.1, 0.7)
    """Two flashes and a pause, on all LEDs at once."""

    def __init__(self, *times: float) -> None:
        """Take the pattern apart once, for it is asked for many times."""
        self._times = times
        self._period = sum(times)
        self._blinks = bool(times) and 0.0 not in times

    def is_lit(self, elapsed: float) -> bool:
        """Whether the LED is lit `elapsed` seconds after the pattern began."""
        return self._at(elapsed)[0]

    def until_change(self, elapsed: float) -> float:
        """Count the seconds from `elapsed` to the next edge; infinite when there is none."""
        return self._at(elapsed)[1]

    def _at(self, elapsed: float) -> tuple[bool, float]:
        if not self._blinks:
            return bool(self._times), float("inf")
        left = (elapsed + ROUNDING) % self._period
        is_lit = True
        for seconds in self._times:
            if left < seconds:
                return is_lit, seconds - left + ROUNDING
            left -= seconds
            is_lit = not is_lit
        return True, self._times[0]  # the sum of the parts and the period differ in the last digit
