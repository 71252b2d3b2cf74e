"""Readings: what is kept of them, how it is found again, and when it goes."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import UnknownMeter
from appliance.mbus.record import Function, Record, decimal, integer, text
from appliance.meters import reading_table, retention
from appliance.readout.reading import Reading
from tests.meters.rig import NOON, RETURN_TEMPERATURE, VOLUME, Household, Time, household, litres, reading, telegram

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400


def test_a_reading_is_kept_as_it_came(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key = house.add(1)
        frames = telegram(1, litres(5)), telegram(1, litres(6), access=1)
        number = house.meters.store_reading(key, Reading(frames, ("odd",), 1.25), came=house.time.now - 2)
        stored = house.again().latest(key)
        assert stored is not None
        assert (stored.key, stored.meter, stored.at, stored.seconds) == (number, key, NOON - 2, 1.25)
        assert stored.telegrams == tuple(bytes(frame) for frame in frames)
        assert stored.notes == ("odd",)
        assert house.meters.readings() == (stored,)


def test_every_record_becomes_a_series_with_exact_values(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key = house.add(1)
        records = (
            litres(12_345),
            litres(7),
            Record(decimal(99, 8), VOLUME, Function.MAXIMUM, storage=1, tariff=2, subunit=3),
            Record(integer(-1, 2), RETURN_TEMPERATURE),
            Record(text("SN-7"), b"\xfd\x11"),
        )
        for _ in range(2):
            house.meters.store_reading(key, Reading((telegram(1, *records),)), came=house.time.now)
            house.time.run(60)
        series = house.again().series(key)
        assert len(series) == len(records)
        told = [(one.quantity, one.unit, one.storage, one.tariff, one.subunit, one.repetition) for one in series]
        assert told[:3] == [
            ("volume", "m\u00b3", 0, 0, 0, 0),
            ("volume", "m\u00b3", 0, 0, 0, 1),
            ("volume", "m\u00b3", 1, 2, 3, 0),
        ]
        assert series[2].function == "maximum value"
        values = [house.meters.history(one.key)[-1].value for one in series]
        assert values == [Decimal("12.345"), Decimal("0.007"), Decimal("0.099"), Decimal("-0.1"), "SN-7"]
        assert [one.is_number for one in series] == [True] * 4 + [False]
        assert all(len(house.meters.history(one.key)) == 2 for one in series)


def test_readings_are_found_by_number_time_and_meter(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        first, second = house.add(1), house.add(2)
        numbers = []
        for count in range(6):
            numbers.append(house.store(first if count % 2 else second, count))
            house.time.run(10)

        def keys(**how: Any) -> list[int]:
            return [one.key for one in house.meters.readings(**how)]

        assert keys() == numbers
        assert keys(limit=2) == numbers[:2]
        assert keys(after=numbers[3]) == numbers[4:]
        assert keys(key=second) == numbers[::2]
        assert keys(since=NOON + 20, until=NOON + 40) == numbers[2:4]
        assert keys(key=first, since=NOON + 20, after=numbers[3]) == numbers[5:]
        assert keys(key=99) == []
        assert house.meters.latest(99) is None
        assert house.meters.series(99) == ()


def test_history_is_thinned_evenly_and_keeps_its_ends(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key = house.add(1)
        for count in range(100):
            house.store(key, count)
            house.time.run(10)
        (series,) = house.meters.series(key)
        whole = house.meters.history(series.key)
        assert [value.value for value in whole] == [Decimal(count).scaleb(-3) for count in range(100)]
        few = house.meters.history(series.key, most=10)
        assert len(few) == 10
        assert (few[0], few[-1]) == (whole[0], whole[-1])
        gaps = [b.at - a.at for a, b in pairwise(few)]
        assert max(gaps) - min(gaps) <= 20
        part = house.meters.history(series.key, since=NOON + 100, until=NOON + 200)
        assert [value.at for value in part] == [NOON + 100 + 10 * step for step in range(10)]
        with pytest.raises(UnknownMeter):
            house.meters.history(series.key + 1)


def test_the_history_of_a_rare_record_is_found_among_many_readings(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key = house.add(1)
        for count in range(160):
            house.store(key, *((count, count) if count % 16 == 5 else (count,)))
            house.time.run(10)
        rare = house.meters.series(key)[1]
        assert rare.storage == 1
        assert [value.at - NOON for value in house.meters.history(rare.key, most=10)] == [
            10 * count for count in range(5, 160, 16)
        ]


def test_all_values_come_in_order_whatever_the_clock_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_table, "_PAGE", 16)
    with household(tmp_path) as house:
        key = house.add(1)
        for count in range(100):
            if count == 50:
                house.time.wall_now -= 1000  # set back in the middle
            house.store(key, count, count)
            house.time.run(1)
        values = list(house.meters.values(key, since=NOON - 940, until=NOON + 40))
        assert [value.at for value in values] == sorted(value.at for value in values)
        assert len({(value.at, value.series.key, value.value) for value in values}) == len(values) == 2 * (40 + 40)
        assert len(list(house.meters.values(key))) == 200
        assert [one.key for one in house.meters.readings(limit=600)] == list(range(1, 101))


# Health.


def test_how_it_goes_with_a_meter_outlasts_a_restart(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key = house.add(1)
        house.store(key, 1)
        house.time.run(5)
        house.meters.note_failure(key, "no answer")
        before = house.meters.snapshot().meters[0]
        after = house.again().snapshot().meters[0]
        for state in (before, after):
            assert (state.tries, state.failures, state.error) == (2, 1, "no answer")
            assert (state.last_reading, state.last_try) == (NOON, NOON + 5)
            assert (state.response_time, state.readout_time) == (0.1, 0.5)
        house.store(key, 1)
        assert house.meters.snapshot().meters[0].error == ""


def test_times_are_means_of_the_last_ones(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key = house.add(1)
        for seconds in (1.0, 2.0):
            house.meters.store_reading(
                key, Reading((telegram(1, litres(1)),), (), seconds), came=house.time.now, response=seconds / 10
            )
        state = house.meters.snapshot().meters[0]
        assert state.readout_time == pytest.approx(1.2)
        assert state.response_time == pytest.approx(0.12)


def test_what_a_removed_meter_told_is_not_stored(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key = house.add(1)
        house.meters.remove(key)
        assert house.meters.store_reading(key, reading(), came=house.time.now) is None
        house.meters.note_failure(key, "no answer")
        assert house.meters.readings() == ()


# Deletion.


def _tidy(house: Household) -> int:
    """Tidy until nothing is left to do; give the number of steps."""
    steps = 1
    while house.meters.tidy():
        steps += 1
    return steps


def _rows(house: Household) -> dict[str, int]:
    tables = ("reading", "value", "series", "removed", "health")
    with house.meters.database.reading() as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608


def test_a_removed_meter_is_out_of_sight_at_once_and_goes_in_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 10)
    with household(tmp_path) as house:
        first, second = house.add(1), house.add(2)
        for count in range(15):
            house.store(first, count)
        house.store(second, 1)
        (series,) = house.meters.series(first)
        house.meters.remove(first)
        assert [one.meter for one in house.meters.readings(limit=1000)] == [second]
        assert house.meters.latest(first) is None
        assert house.meters.readings(first) == ()
        assert list(house.meters.values(first)) == []
        assert house.meters.series(first) == ()
        with pytest.raises(UnknownMeter):
            house.meters.history(series.key)
        assert _rows(house)["reading"] == 16
        assert _tidy(house) >= 3
        assert _rows(house) == {"reading": 1, "value": 1, "series": 1, "removed": 0, "health": 1}
        assert house.meters.snapshot().readings == 1


def test_readings_go_when_they_are_too_old(tmp_path: Path) -> None:
    with household(tmp_path, meters__keep_days="10") as house:
        key = house.add(1)
        for _ in range(20):
            house.store(key, 1)
            house.time.run(DAY)
        _tidy(house)
        kept = house.meters.readings()
        assert [one.at for one in kept] == [NOON + day * DAY for day in range(10, 20)]
        assert _rows(house)["value"] == house.meters.snapshot().readings == 10
        house.settings.override({"meters.keep_days": "0"})
        house.time.run(1000 * DAY)
        assert _tidy(house) == 1
        assert house.meters.readings() == kept


def test_the_oldest_readings_go_when_there_is_no_room(tmp_path: Path) -> None:
    with household(tmp_path, meters__keep_size="8") as house:
        key = house.add(1)
        notes = ("x" * 40_000,)
        for _ in range(250):
            house.meters.store_reading(key, reading(1, 5, notes=notes), came=house.time.now)
        assert house.meters.database.used_bytes() > 9_000_000
        _tidy(house)
        assert 4_000_000 < house.meters.database.used_bytes() <= 8_000_000
        numbers = [one.key for one in house.meters.readings(limit=5000)]
        assert numbers == list(range(numbers[0], 251))
        assert house.meters.snapshot().readings == len(numbers)


# A clock that is not set.


def test_readings_from_before_the_clock_was_set_get_their_time(tmp_path: Path) -> None:
    with household(tmp_path, Time(wall=100.0), meters__keep_days="1") as house:
        key = house.add(1)
        numbers = [house.store(key, 1)]
        house.time.run(60)
        numbers.append(house.store(key, 2))
        assert "the clock is not set" in " ".join(house.meters.snapshot().warnings)
        _tidy(house)
        assert [one.at for one in house.meters.readings()] == [100.0, 160.0]
        house.time.run(30)
        house.time.wall_now = NOON
        _tidy(house)
        assert [(one.key, one.at) for one in house.meters.readings()] == [
            (numbers[0], NOON - 90),
            (numbers[1], NOON - 30),
        ]
        assert house.meters.snapshot().warnings == ()


def test_readings_of_an_unknown_time_are_not_taken_for_old_ones(tmp_path: Path) -> None:
    with household(tmp_path, Time(wall=100.0), meters__keep_days="1") as house:
        key = house.add(1)
        house.store(key, 1)
        house.again()  # nobody knows any more when that was
        house.time.wall_now = NOON
        _tidy(house)
        assert [one.at for one in house.meters.readings()] == [100.0]
