"""Rates and sums of counters that grow, fall and fail, on a clock in the test's hands."""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.recorder import History, Recorder, Span
from appliance.recorder.history import COARSE_PERIOD, MOST_INTERVALS, PERIOD
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 3600


class Sampled:
    """A history whose time and counters the test moves."""

    def __init__(self) -> None:
        self.now = 500.0
        self.offset = 1_000_000.0
        self.count = 0.0
        self.level: float | None = 1.0
        self.trouble: Exception | None = None
        self.history = History(
            counters={"count": self._count},
            gauges={"level": lambda: self.level},
            clock=lambda: self.now,
            wall=lambda: self.now + self.offset,
        )

    def _count(self) -> float:
        if self.trouble is not None:
            raise self.trouble
        return self.count

    def run(self, seconds: float, each: Callable[[], None] = lambda: None) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += PERIOD
            each()
            self.history.sample()


@pytest.fixture
def sampled() -> Sampled:
    return Sampled()


def test_nothing_is_known_before_two_samples(sampled: Sampled) -> None:
    for _ in range(2):
        for span in Span:
            recording = sampled.history.read(span)
            assert recording.ends == ()
            assert recording.rates == {"count": (), "level": ()}
            assert recording.hours() == []
        sampled.history.sample()
        sampled.history.sample()  # at the same moment


def test_a_counter_s_rate_and_a_gauge_s_mean(sampled: Sampled) -> None:
    sampled.count = 7000  # from before: no news
    sampled.history.sample()
    for count, level in ((50, 1.0), (0, 0.0), (20, 4.0)):
        sampled.count += count
        sampled.level = level
        sampled.run(PERIOD)
    recording = sampled.history.read(Span.HOUR)
    assert recording.rates == {"count": (2.5, 0.0, 1.0), "level": (1.0, 0.0, 4.0)}
    assert list(recording.seconds) == [20, 20, 20]
    assert list(recording.ends) == [1_000_520, 1_000_540, 1_000_560]


def test_a_counter_that_begins_anew_at_zero_only_adds(sampled: Sampled) -> None:
    sampled.count = 1000
    sampled.history.sample()
    sampled.count = 30
    sampled.run(PERIOD)
    assert sampled.history.read(Span.HOUR).rates["count"] == (1.5,)


def test_a_source_that_fails_leaves_a_gap_and_is_logged_once(
    sampled: Sampled, caplog: pytest.LogCaptureFixture
) -> None:
    sampled.run(2 * PERIOD)
    sampled.trouble, sampled.level = OSError("gone"), None
    sampled.run(2 * PERIOD)
    sampled.trouble, sampled.level, sampled.count = None, 1.0, 500
    sampled.run(PERIOD)
    sampled.count += 10
    sampled.run(PERIOD)
    rates = sampled.history.read(Span.HOUR).rates
    assert rates["count"] == (0.0, None, None, None, 0.5)
    assert rates["level"] == (1.0, None, None, None, 1.0)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "the recorder cannot read count"
    ]


def test_the_hour_is_fine_and_the_week_is_coarse_and_no_byte_is_lost(sampled: Sampled) -> None:
    def grow() -> None:
        sampled.count += 100

    sampled.history.sample()
    sampled.run(8 * 24 * HOUR, grow)
    size = sampled.history.size
    assert size == (181 + 2017) * 3 * 8
    for span, length in ((Span.HOUR, PERIOD), (Span.DAY, COARSE_PERIOD), (Span.WEEK, 6 * COARSE_PERIOD)):
        recording = sampled.history.read(span)
        assert len(recording.ends) <= MOST_INTERVALS + 1
        assert sum(recording.seconds) == pytest.approx(span.seconds, abs=length)
        assert recording.ends[-1] == pytest.approx(sampled.now + sampled.offset)
        assert max(recording.seconds) == pytest.approx(length)
        assert set(recording.rates["count"]) == {5.0}
        assert set(recording.rates["level"]) == {1.0}
    assert sampled.history.size == size


def test_the_sums_of_hours_are_the_counts(sampled: Sampled) -> None:
    sampled.offset = 1_000_000 * HOUR - sampled.now  # the first sample on the hour
    sampled.history.sample()

    def grow() -> None:
        sampled.count += 3

    sampled.run(2 * HOUR, grow)
    sampled.run(HOUR / 4)
    hours = sampled.history.day().hours()
    assert [hour.begin / HOUR - 1_000_000 for hour in hours] == [2, 1, 0]
    assert [hour.sums["count"] for hour in hours] == [pytest.approx(n) for n in (0, 540, 540)]
    assert [hour.means["level"] for hour in hours] == [pytest.approx(1.0)] * 3


def test_a_clock_that_is_set_moves_the_times_and_no_rate(sampled: Sampled) -> None:
    sampled.history.sample()
    sampled.run(60)
    before = sampled.history.read(Span.HOUR)
    sampled.offset += 5_000_000
    after = sampled.history.read(Span.HOUR)
    assert after.rates == before.rates
    assert [new - old for new, old in zip(after.ends, before.ends, strict=True)] == [5_000_000] * 3


def test_a_pause_makes_one_long_interval(sampled: Sampled) -> None:
    sampled.history.sample()
    sampled.now += 980
    sampled.count = 1000
    sampled.run(PERIOD)
    recording = sampled.history.read(Span.HOUR)
    assert (recording.seconds, recording.rates["count"]) == ((1000,), (1.0,))


def test_when_the_next_sample_is_due(sampled: Sampled) -> None:
    assert sampled.history.due_in() == 0
    sampled.history.sample()
    assert sampled.history.due_in() == PERIOD
    sampled.now += 4
    assert sampled.history.due_in() == PERIOD - 4
    sampled.now += 40
    assert sampled.history.due_in() == 0


def test_no_number_is_infinite_or_nan(sampled: Sampled) -> None:
    sampled.level = None
    sampled.history.sample()
    sampled.run(600)
    for span in Span:
        for rates in sampled.history.read(span).rates.values():
            assert all(rate is None or math.isfinite(rate) for rate in rates)


def test_the_service_samples_when_it_is_due_and_rests_else(sampled: Sampled) -> None:
    asked = threading.Semaphore(0)

    def ask() -> float:
        asked.release()
        return 1.0

    sampled.history = History(counters={"count": ask}, gauges={}, clock=lambda: sampled.now)
    recorder = Recorder(sampled.history)
    recorder.start()
    try:
        assert asked.acquire(timeout=10)
        wait_until(lambda: recorder.is_resting, "rest")
        beats = recorder.beats
        recorder.wake()
        wait_until(lambda: recorder.beats > beats and recorder.is_resting, "a sign of life")
        assert not asked.acquire(blocking=False)
        sampled.now += PERIOD
        recorder.wake()
        assert asked.acquire(timeout=10)
    finally:
        recorder.stop()
    assert not recorder.is_alive


def test_another_service_goes_on_with_the_same_history(sampled: Sampled) -> None:
    for _ in range(2):
        recorder = Recorder(sampled.history)
        recorder.start()
        wait_until(lambda recorder=recorder: recorder.is_resting, "rest")  # type: ignore[misc]  # a default binds it
        recorder.stop()
        sampled.now += PERIOD
        sampled.count += 70
    sampled.history.sample()
    assert sampled.history.read(Span.HOUR).rates["count"] == (3.5, 3.5)
