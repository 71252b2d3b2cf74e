"""The kernel's counters, summed over wrap-around and replugging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.line import statistics
from appliance.line.branch import Branch
from appliance.line.statistics import KernelCounters, _Reading

if TYPE_CHECKING:
    import pytest


def test_sums_over_wrap_and_replug(monkeypatch: pytest.MonkeyPatch) -> None:
    readings: list[_Reading | None] = []
    monkeypatch.setattr(statistics, "_read_counters", lambda _fd: readings.pop(0))
    counters = KernelCounters()
    readings += [_Reading(rx=1000, parity=7), _Reading(rx=1010, parity=9)]
    counters.opened(3)
    first = counters.read(3)
    assert first is not None
    assert (first.rx, first.parity) == (10, 2)
    # The same device, its counter past 2**31 (a C int shows it as negative).
    readings += [_Reading(rx=-(2**31) + 5, parity=9)]
    second = counters.read(3)
    assert second is not None
    assert second.rx == 10 + (2**31 + 5 - 1010)
    # Unplugged: the last sums stand. Back: it counts from zero.
    assert counters.read(None) == second
    readings += [_Reading(), _Reading(rx=4, frame=1)]
    counters.opened(4)
    third = counters.read(4)
    assert third is not None
    assert third.rx == second.rx + 4
    assert third.frame == 1


def test_a_device_without_counters_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_read_counters", lambda _fd: None)
    counters = KernelCounters()
    counters.opened(3)
    assert counters.read(3) is None


def test_the_counts_outlast_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = [_Reading(), _Reading(rx=9, parity=2)]
    monkeypatch.setattr(statistics, "_read_counters", lambda _fd: readings.pop(0))
    branch = Branch("two-wire", "/dev/ttyAMA0")
    branch._counters.opened(3)
    branch._counters.read(3)
    counted = branch.snapshot().statistics  # unplugged by now: there is no port
    assert (counted.rx_bytes, counted.rx_parity_errors, counted.rx_queued) == (9, 2, None)
