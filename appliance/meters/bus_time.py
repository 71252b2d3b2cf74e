"""How much of the bus' time the schedule needs, and what there is to say about it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from appliance.line.timing import answer_window, character_time
from appliance.meters.schedule import effective_interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.meters.health import Health
    from appliance.meters.meter import Meter

_TYPICAL_CHARACTERS = 160
"""Of a readout with selection and one telegram, before there was one to measure."""
_TYPICAL_WAITS = 3
FULL = 0.9
"""Part of the bus' time above which the schedule is told to be too much: searches and clients want some too."""
WINDOW = 600.0
"""Seconds over which the waiting for TCP clients is looked at."""
STARVED = 0.8
"""Part of the time that the reader wanted the bus above which it counts as starved."""
LEAST_WAIT = 60.0
"""Seconds of waiting within the window below which nothing is said."""


def readout_time(meter: Meter, health: Health) -> float:
    """Seconds of a readout: as measured, or an estimate from characters and speed before the first one."""
    if health.readout_time is not None:
        return health.readout_time
    return _TYPICAL_CHARACTERS * character_time(meter.baud) + _TYPICAL_WAITS * answer_window(meter.baud)


def bus_load(meters: Iterable[tuple[Meter, Health]], battery_interval: int) -> float:
    """Part of the bus' time that the schedule needs, 1 for all of it."""
    return sum(
        readout_time(meter, health) / interval
        for meter, health in meters
        if (interval := effective_interval(meter, battery_interval))
    )


class BusShare:
    """How long the reader had the bus lately, and how long it waited for it behind TCP clients."""

    def __init__(self) -> None:
        self._spans: deque[tuple[float, float, bool]] = deque()
        self._waits_since: float | None = None

    def waits(self, now: float) -> None:
        """Note that the reader begins to wait for the bus."""
        self._waits_since = now

    def has(self, now: float) -> None:
        """Note that the wait is over."""
        if self._waits_since is not None:
            self._add(self._waits_since, now, is_wait=True)
        self._waits_since = None

    def held(self, since: float, until: float) -> None:
        """Note a time in which the reader had the bus."""
        self._add(since, until, is_wait=False)

    def _add(self, since: float, until: float, *, is_wait: bool) -> None:
        if self._spans and self._spans[-1][2] == is_wait and since - self._spans[-1][1] < 1.0:
            since = self._spans.pop()[0]
        self._spans.append((since, until, is_wait))
        while self._spans and self._spans[0][1] < until - WINDOW:
            self._spans.popleft()

    def is_starved(self, now: float) -> bool:
        """Whether clients leave too little of the bus: most of the last ten minutes in which it was wanted."""
        begin = now - WINDOW
        waited = held = 0.0
        for since, until, is_wait in tuple(self._spans):
            span = max(0.0, until - max(since, begin))
            waited, held = (waited + span, held) if is_wait else (waited, held + span)
        if (wait := self._waits_since) is not None:
            waited += max(0.0, now - max(wait, begin))
        return waited >= LEAST_WAIT and waited > STARVED * (waited + held)


def meter_warning(meter: Meter, health: Health, battery_interval: int) -> str:
    """Say what is wrong with how a meter is read; nothing where all is well."""
    interval = effective_interval(meter, battery_interval)
    if interval > meter.interval:
        return (
            f"it runs on a battery: read every {interval} s in place of {meter.interval} s, as the battery guard wants"
        )
    if interval and readout_time(meter, health) > interval / 2:
        return f"a readout takes {readout_time(meter, health):.0f} s, too long for one every {interval} s"
    return ""


def load_warning(load: float) -> str:
    """Say that the schedule is too much for the bus; nothing where it is not."""
    if load <= FULL:
        return ""
    return f"the schedule needs {load:.0%} of the bus' time; longer intervals are needed"
