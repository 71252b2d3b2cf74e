"""The time on the simulated wire, which may run faster than ours."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since some moment, never going back."""


class WireClock:
    """Seconds on the wire: real ones times the pace, or jumping from event to event when unpaced."""

    def __init__(self, pace: float | None = 1.0, clock: Clock = time.monotonic) -> None:
        """Run `pace` times as fast as `clock`; None does not wait at all.

        :raises ValueError: for a pace that is not positive.
        """
        if pace is not None and pace <= 0:
            raise ValueError(f"pace {pace} is not positive")
        self._factor = 1.0 if pace is None else pace
        self.jumps = pace is None
        self._clock = clock
        self._origin = clock()
        self._skipped = 0.0

    def now(self) -> float:
        """Seconds on the wire since the clock was made."""
        return (self._clock() - self._origin) * self._factor + self._skipped

    def skip_to(self, moment: float) -> None:
        """Be at `moment` now, if that is not past. Only an unpaced wire does this."""
        self._skipped += max(0.0, moment - self.now())

    def wait(self, moment: float) -> float:
        """Real seconds until `moment`, 0 when it is past."""
        return max(0.0, (moment - self.now()) / self._factor)

    def wire_time(self, real: float) -> float:
        """How much passes on the wire in `real` seconds."""
        return real * self._factor
