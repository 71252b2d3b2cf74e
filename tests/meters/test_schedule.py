"""Who is due when: order, back-off, the battery guard, restarts, and clocks that jump."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.meters.bus_time import WINDOW, BusShare, bus_load, load_warning, meter_warning, readout_time
from appliance.meters.health import Health
from appliance.meters.meter import Meter
from appliance.meters.schedule import FIRST_RETRY, Schedule, effective_interval

GUARD = 3600
MAINS = Meter(1, "mains", 2400, 1, interval=900)
BATTERY = Meter(2, "battery", 2400, 2, interval=60, on_battery=True)
ON_DEMAND = Meter(3, "on demand", 2400, 3)


def _schedule(*meters: Meter, now: float = 0.0, ages: dict[int, float] | None = None) -> Schedule:
    schedule = Schedule()
    schedule.follow(meters, GUARD, now, ages or {})
    return schedule


def test_a_new_meter_is_due_at_once_and_one_on_demand_never() -> None:
    schedule = _schedule(MAINS, ON_DEMAND, now=5.0)
    assert schedule.next() == (1, 5.0)
    assert schedule.due_at(3) is None
    assert _schedule(ON_DEMAND).next() is None


def test_the_most_overdue_comes_first() -> None:
    others = [replace(MAINS, key=key) for key in (11, 12, 13)]
    schedule = _schedule(*others, ages={11: 100.0, 12: 800.0, 13: 500.0})
    order = []
    for _ in others:
        found = schedule.next()
        assert found is not None
        order.append(found)
        schedule.tried(found[0], 1000.0, GUARD, succeeded=True)
    assert order == [(12, 100.0), (13, 400.0), (11, 800.0)]


def test_regular_readouts_keep_their_distance_and_missed_ones_are_left_out() -> None:
    schedule = _schedule(MAINS)
    schedule.tried(1, 7.0, GUARD, succeeded=True)
    assert schedule.due_at(1) == 900.0
    schedule.tried(1, 903.0, GUARD, succeeded=True)
    assert schedule.due_at(1) == 1800.0
    schedule.tried(1, 1800.0 + 10 * 900.0 + 5.0, GUARD, succeeded=True)
    assert schedule.due_at(1) == 1800.0 + 11 * 900.0


def test_a_readout_on_demand_does_not_move_the_schedule() -> None:
    schedule = _schedule(MAINS)
    schedule.tried(1, 0.0, GUARD, succeeded=True)
    schedule.tried(1, 500.0, GUARD, succeeded=True)
    assert schedule.due_at(1) == 900.0


def test_a_silent_meter_is_left_alone_longer_and_longer() -> None:
    schedule, now, waits = _schedule(replace(MAINS, interval=3600)), 0.0, []
    for _ in range(12):
        schedule.tried(1, now, GUARD, succeeded=False)
        due = schedule.due_at(1)
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits[:6] == [60, 120, 240, 480, 960, 3600 - 60 * 31]
    assert all(FIRST_RETRY <= wait <= 3600 for wait in waits)
    assert waits[-3:] == [3600] * 3
    schedule.tried(1, now, GUARD, succeeded=True)
    schedule.tried(1, now + 3600, GUARD, succeeded=False)
    assert schedule.due_at(1) == now + 3600 + FIRST_RETRY


def test_a_battery_is_guarded_also_when_its_meter_fails() -> None:
    assert effective_interval(BATTERY, GUARD) == GUARD
    assert effective_interval(replace(BATTERY, interval=7200), GUARD) == 7200
    assert effective_interval(replace(BATTERY, interval=0), GUARD) == 0
    schedule = _schedule(BATTERY, replace(BATTERY, key=4, interval=86_400))
    for key, waits in ((2, (3600, 3600, 3600)), (4, (3600, 3600, 3600))):
        now = 0.0
        for wait in waits:
            schedule.tried(key, now, GUARD, succeeded=False)
            assert schedule.due_at(key) == now + wait
            now += wait


@pytest.mark.parametrize(
    ("meter", "age", "due"),
    [
        (MAINS, None, 0.0),
        (MAINS, 300.0, 600.0),
        (MAINS, 5000.0, 0.0),
        (MAINS, -50.0, 0.0),  # tried in the future: the clock was set back
        (BATTERY, 300.0, 3300.0),
        (BATTERY, 90_000.0, 0.0),
        (BATTERY, -5e8, 3600.0),
    ],
)
def test_after_a_restart_a_meter_is_due_when_its_interval_has_passed(
    meter: Meter, age: float | None, due: float
) -> None:
    assert _schedule(meter, ages={} if age is None else {meter.key: age}).due_at(meter.key) == due


def test_a_change_of_the_list_moves_only_what_it_concerns() -> None:
    other = replace(MAINS, key=9)
    schedule = _schedule(MAINS, other)
    schedule.tried(1, 0.0, GUARD, succeeded=True)
    schedule.tried(9, 0.0, GUARD, succeeded=False)
    changed = replace(MAINS, name="new name"), replace(other, interval=300)
    schedule.follow(changed, GUARD, 10.0, {1: 10.0, 9: 10.0})
    assert (schedule.due_at(1), schedule.due_at(9)) == (900.0, 300.0)
    schedule.follow(changed[:1], GUARD, 10.0, {})
    assert schedule.due_at(9) is None
    schedule.tried(9, 20.0, GUARD, succeeded=True)  # it was removed while it was read


# Bus time.


def test_a_readout_is_estimated_until_it_was_measured() -> None:
    slow, fast = (readout_time(replace(MAINS, baud=baud), Health()) for baud in (300, 2400))
    assert 5 < slow < 12
    assert 0.7 < fast < 2
    assert readout_time(MAINS, Health(readout_time=3.0)) == 3.0


def test_the_load_is_what_the_schedule_needs() -> None:
    health = Health(readout_time=9.0)
    assert bus_load([(MAINS, health), (BATTERY, health), (ON_DEMAND, health)], GUARD) == pytest.approx(0.01 + 0.0025)
    assert load_warning(0.5) == ""
    assert "150%" in load_warning(1.5)


def test_what_is_wrong_with_a_meters_interval() -> None:
    assert meter_warning(MAINS, Health(readout_time=1.0), GUARD) == ""
    assert "3600 s in place of 60 s" in meter_warning(BATTERY, Health(), GUARD)
    assert "600 s, too long for one every 900 s" in meter_warning(MAINS, Health(readout_time=600.0), GUARD)
    assert meter_warning(ON_DEMAND, Health(readout_time=600.0), GUARD) == ""


def test_the_reader_is_starved_when_clients_have_the_bus_most_of_the_time() -> None:
    share = BusShare()
    assert not share.is_starved(0.0)
    share.waits(0.0)
    assert not share.is_starved(59.0)
    assert share.is_starved(61.0)  # and still waits
    share.has(61.0)
    share.held(61.0, 71.0)
    assert share.is_starved(72.0)
    share.held(71.0, 171.0)
    assert not share.is_starved(172.0)
    share.waits(200.0)
    share.has(1000.0)
    assert share.is_starved(1000.0)
    assert not share.is_starved(1000.0 + WINDOW)
