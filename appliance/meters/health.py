"""How it goes with a meter, as it is kept over restarts."""

from __future__ import annotations

from dataclasses import dataclass, replace

_WEIGHT = 0.2
"""Of the newest value in a mean of the last ones."""


@dataclass(frozen=True, slots=True)
class Health:
    """What became of a meter's readouts so far."""

    last_try: float | None = None
    """When it was last asked, seconds since 1970 (UTC)."""
    last_reading: float | None = None
    """When it last answered."""
    latest: int | None = None
    """Number of its newest reading."""
    error: str = ""
    """Why the last try failed."""
    response_time: float | None = None
    """Seconds from a request to its answer, the mean of the last ones."""
    readout_time: float | None = None
    """Seconds of a whole readout, the mean of the last ones."""
    tries: int = 0
    failures: int = 0

    def after_reading(self, at: float, number: int, *, seconds: float, response: float | None) -> Health:
        """Give what holds after a readout that succeeded."""
        return replace(
            self,
            last_try=at,
            last_reading=at,
            latest=number,
            error="",
            response_time=_mean(self.response_time, response),
            readout_time=_mean(self.readout_time, seconds),
            tries=self.tries + 1,
        )

    def after_failure(self, at: float, error: str) -> Health:
        """Give what holds after a readout that failed."""
        return replace(self, last_try=at, error=error, tries=self.tries + 1, failures=self.failures + 1)


def _mean(mean: float | None, value: float | None) -> float | None:
    if mean is None or value is None:
        return mean if value is None else value
    return mean + _WEIGHT * (value - mean)
