"""When which meter is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.meters.meter import Meter

FIRST_RETRY = 60.0
"""Seconds until a meter that did not answer is asked again; each further time twice as long, up to its interval."""


@dataclass(slots=True)
class _Entry:
    interval: float
    on_battery: bool
    regular: float
    """When its next regular readout is."""
    retry: float | None = None
    """When a readout that failed is tried again, before the next regular one."""
    failures: int = 0
    """Those in a row."""

    @property
    def due(self) -> float:
        return self.regular if self.retry is None else min(self.regular, self.retry)


def effective_interval(meter: Meter, battery_interval: int) -> int:
    """Seconds from one scheduled readout to the next, as the battery guard has it; 0 for on demand alone."""
    if meter.on_battery and meter.interval:
        return max(meter.interval, battery_interval)
    return meter.interval


class Schedule:
    """The times at which meters are due, all in seconds of a clock that nobody sets. Holds no lock."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}

    def follow(self, meters: Iterable[Meter], battery_interval: int, now: float, ages: dict[int, float]) -> None:
        """Take over the list as it is now.

        A new meter, or one whose interval has changed, is due when its interval has passed since its last try.

        :param ages: seconds since the last try by the meter's number; none for one that was never tried.
        """
        entries: dict[int, _Entry] = {}
        for meter in meters:
            interval = effective_interval(meter, battery_interval)
            if not interval:
                continue
            former = self._entries.get(meter.key)
            if former is not None and former.interval == interval:
                former.on_battery = meter.on_battery
                entries[meter.key] = former
                continue
            # An age below zero is that of a try in the future: the clock was set back since.
            age = ages.get(meter.key)
            wait = interval - age if age is not None and 0 <= age < interval else 0.0
            if age is not None and age < 0:
                wait = float(interval) if meter.on_battery else 0.0
            entries[meter.key] = _Entry(interval, meter.on_battery, now + wait)
        self._entries = entries

    def forget(self, keys: Iterable[int]) -> None:
        """Have `follow` reckon these meters as if they were new."""
        for key in keys:
            self._entries.pop(key, None)

    def due_at(self, key: int) -> float | None:
        """When a meter is read next; None where the schedule never does."""
        entry = self._entries.get(key)
        return None if entry is None else entry.due

    def next(self) -> tuple[int, float] | None:
        """Give the meter that is due first, and when; None where nothing is scheduled."""
        if not self._entries:
            return None
        key = min(self._entries, key=lambda one: self._entries[one].due)
        return key, self._entries[key].due

    def overdue(self, key: int, now: float) -> float:
        """Seconds by which the regular readout of a meter is late, 0 when it is not."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, now - entry.due)

    def tried(self, key: int, now: float, battery_interval: int, *, succeeded: bool) -> None:
        """Note that a meter was read, or that it was asked in vain.

        Regular readouts keep their distance from each other, however long one takes; those missed are left out.
        """
        entry = self._entries.get(key)
        if entry is None:
            return
        if now >= entry.regular:
            missed = (now - entry.regular) // entry.interval
            entry.regular += (missed + 1) * entry.interval
        if succeeded:
            entry.retry, entry.failures = None, 0
            return
        entry.failures += 1
        wait = min(FIRST_RETRY * 2.0 ** min(entry.failures - 1, 20), entry.interval)
        if entry.on_battery:
            wait = max(wait, float(battery_interval))
        entry.retry = now + wait if now + wait < entry.regular else None
