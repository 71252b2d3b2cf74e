"""The readings of all counters, every twenty seconds for an hour and every five minutes for a week."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING

from appliance.recorder.recording import Recording, Span
from appliance.recorder.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

PERIOD = 20.0
"""Seconds between two samples. An idle device has a millisecond of work in ten seconds for all that it does."""

MOST_INTERVALS = 340
"""Of a recording: what a plot has room for, and an answer of some kilobytes."""

COARSE_PERIOD = 300.0


class History:
    """Reads every counter and gauge when it is told to, and keeps the sums.

    A sum never falls, whatever a source does that begins at zero again; so the rate over any time is a difference and
    a division, and rows may be left out. For a gauge the sum is that of value by time, which makes the rate its mean.
    The memory is fixed: with 11 sources (181 + 2017) rows of 12 numbers, 211 KB. Safe for threads; it outlives the
    service that samples it.
    """

    def __init__(
        self,
        *,
        counters: Mapping[str, Callable[[], float]],
        gauges: Mapping[str, Callable[[], float | None]],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Prepare to ask the sources by name; a gauge that gives None is not known at that time.

        :param clock: seconds that nobody sets.
        :param wall: seconds since 1970, asked for when somebody reads: until then the clock may have been set.
        """
        self._sources = (*counters.items(), *gauges.items())
        self._counters = len(counters)
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._last: list[float] = [math.nan] * len(self._sources)
        self._sums = [0.0] * len(self._sources)
        self._sampled_at: float | None = None
        width = 1 + len(self._sources)
        self._fine = Ring(int(Span.HOUR.seconds / PERIOD) + 1, width)
        self._coarse = Ring(int(Span.WEEK.seconds / COARSE_PERIOD) + 1, width)
        self._failing: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all sources."""
        return tuple(name for name, _ in self._sources)

    @property
    def size(self) -> int:
        """Bytes of memory for the numbers."""
        return self._fine.size + self._coarse.size

    def due_in(self) -> float:
        """Give the seconds until the next sample; 0 when it is due."""
        if self._sampled_at is None:
            return 0.0
        return max(0.0, self._sampled_at + PERIOD - self._clock())

    def sample(self) -> None:
        """Read every source once."""
        now = self._clock()
        values = [self._read(name, read) for name, read in self._sources]
        with self._lock:
            elapsed = now - self._sampled_at if self._sampled_at is not None else 0.0
            self._sampled_at = now
            row = [now]
            for index, value in enumerate(values):
                self._sums[index] += self._growth(index, value, elapsed)
                row.append(math.nan if math.isnan(value) else self._sums[index])
                self._last[index] = value
            self._fine.add(row)
            coarse = self._coarse.last()
            # Half a period of tolerance, or each row would come one sample later than the one before.
            if coarse is None or now - coarse[0] >= COARSE_PERIOD - PERIOD / 2:
                self._coarse.add(row)

    def read(self, span: Span) -> Recording:
        """Give the rates of a span, in at most `MOST_INTERVALS` intervals (any thread)."""
        with self._lock:
            now = self._clock()
            ring, period = (self._fine, PERIOD) if span is Span.HOUR else (self._coarse, COARSE_PERIOD)
            step = max(1, round(span.seconds / period / MOST_INTERVALS))
            rows = ring.rows(step=step)
            newest = self._fine.last()
        # Past the last row of the coarse ring there is still the newest one of the fine.
        if newest is not None and rows and newest[0] > rows[-1][0]:
            rows.append(newest)
        begin = now - span.seconds - period * step
        return Recording.of(self.names, [row for row in rows if row[0] >= begin], wall=self._wall() - now)

    def day(self) -> Recording:
        """Give the last day as finely as it is kept, for sums of hours (any thread)."""
        return self.read(Span.DAY)

    def _growth(self, index: int, value: float, elapsed: float) -> float:
        last = self._last[index]
        if math.isnan(value):
            return 0.0
        if index >= self._counters:
            return value * elapsed
        if math.isnan(last):
            return 0.0
        return value - last if value >= last else value

    def _read(self, name: str, read: Callable[[], float | None]) -> float:
        try:
            value = read()
        except Exception:
            if name not in self._failing:
                self._failing.add(name)
                log.exception("the recorder cannot read %s", name)
            return math.nan
        self._failing.discard(name)
        return math.nan if value is None else float(value)
