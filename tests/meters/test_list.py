"""The list: what goes in, what is refused, and what is still there after a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appliance.errors import InvalidMeter, UnknownMeter
from appliance.mbus.medium import Medium
from appliance.meters.meter import MOST_METERS, Meter
from appliance.meters.snapshot import SearchPhase, SearchState
from appliance.readout.discovery.found import FoundMeter
from tests.meters.rig import address_of, found, household

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.meters.meters import Meters

SECONDARY = address_of(1).text

GOOD = [
    ("name", "Flat 3, kitchen", "Flat 3, kitchen"),
    ("name", "  W" + "a" * 63 + " ", "W" + "a" * 63),
    ("name", "K\u00fcche \u6c34", "K\u00fcche \u6c34"),
    ("baud", "300", 300),
    ("baud", " 2400 ", 2400),
    ("primary", "0", 0),
    ("primary", "250", 250),
    ("primary", "", None),
    ("secondary", "12345678", "12345678FFFFFFFF"),
    ("secondary", "1234abcd2d2c0804", "1234ABCD2D2C0804"),
    ("fabrication", "00000017", "00000017"),
    ("fabrication", "", ""),
    ("high_first", "ON", True),
    ("high_first", "no", False),
    ("interval", "0", 0),
    ("interval", "60", 60),
    ("interval", "2678400", 2_678_400),
    ("on_battery", "true", True),
]
BAD = [
    ("name", ""),
    ("name", "a" * 65),
    ("name", "a\nb"),
    ("name", "a\x00"),
    ("baud", "1200"),
    ("baud", ""),
    ("baud", "two"),
    ("primary", "251"),
    ("primary", "-1"),
    ("primary", "+5"),
    ("primary", "1_0"),
    ("secondary", "1234567"),
    ("secondary", "123456789"),
    ("secondary", "1234567G"),
    ("secondary", "12345678 2D2C0804"),
    ("secondary", "FFFFFFFF"),
    ("secondary", "FFFFFFFF2D2C0804"),
    ("fabrication", "1234567"),
    ("fabrication", "1234567A"),
    ("fabrication", "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668"),
    ("reads_by_primary", "maybe"),
    ("high_first", ""),
    ("interval", "59"),
    ("interval", "2678401"),
    ("interval", "1e3"),
    ("on_battery", "2"),
    ("key", "3"),
    ("colour", "blue"),
]


@pytest.mark.parametrize(("field", "text", "value"), GOOD)
def test_a_field_is_read(tmp_path: Path, field: str, text: str, value: object) -> None:
    with household(tmp_path) as house:
        key = house.meters.add({"name": "a", "primary": "7", "secondary": SECONDARY}).key
        meter = house.meters.change(key, {field: text})
        assert getattr(meter, field) == value
        assert house.again().find(key) == meter


@pytest.mark.parametrize(("field", "text"), BAD)
def test_a_wrong_field_is_refused_with_its_name_and_value(tmp_path: Path, field: str, text: str) -> None:
    with household(tmp_path) as house:
        key = house.meters.add({"name": "a", "primary": "7", "secondary": SECONDARY}).key
        before = house.meters.find(key)
        with pytest.raises(InvalidMeter) as refusal:
            house.meters.change(key, {"baud": "300", field: text})
        assert list(refusal.value.errors) == [field]
        shown = text.encode("unicode_escape").decode() if not text.isprintable() else text[:60]
        assert shown in refusal.value.errors[field]
        assert house.meters.find(key) == before


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    with household(tmp_path) as house, pytest.raises(InvalidMeter) as refusal:
        house.meters.add({"name": "", "baud": "9", "primary": "x", "interval": "1"})
    assert set(refusal.value.errors) == {"name", "baud", "primary", "interval"}


def test_a_meter_needs_an_address(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        with pytest.raises(InvalidMeter, match="both are blank"):
            house.meters.add({"name": "nobody"})
        with pytest.raises(InvalidMeter, match="which is blank"):
            house.meters.add({"name": "a", "secondary": SECONDARY, "reads_by_primary": "on"})
        with pytest.raises(InvalidMeter, match="needs a secondary"):
            house.meters.add({"name": "a", "primary": "1", "fabrication": "12345678"})
        assert house.meters.snapshot().meters == ()


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    with household(tmp_path, meters__default_interval="900", line__baud_rate="300") as house:
        assert house.meters.add({"primary": "5"}) == Meter(1, "meter 5", 300, 5, interval=900)


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"secondary": SECONDARY}, "secondary"),
        ({"secondary": SECONDARY, "primary": "9"}, "secondary"),
        ({"primary": "3"}, "primary"),
        ({"primary": "3", "secondary": address_of(9).text, "reads_by_primary": "on"}, "primary"),
    ],
)
def test_two_meters_with_one_address_are_refused(tmp_path: Path, texts: dict[str, str], field: str) -> None:
    with household(tmp_path) as house:
        house.meters.add({"name": "a", "secondary": SECONDARY, "primary": "4"})
        house.meters.add({"name": "b", "primary": "3"})
        with pytest.raises(InvalidMeter) as refusal:
            house.meters.add(texts)
        assert list(refusal.value.errors) == [field]
        assert house.meters.add({**texts, "baud": "300"}).key == 3
        assert house.meters.change(1, {"primary": "4", "secondary": SECONDARY}).name == "a"


def test_meters_with_one_number_are_told_by_their_fabrication_number(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        for fabrication in ("", "00000001", "00000002"):
            house.meters.add({"secondary": SECONDARY, "fabrication": fabrication})
        with pytest.raises(InvalidMeter):
            house.meters.add({"secondary": SECONDARY, "fabrication": "00000002"})


def test_the_list_has_room_for_256(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        house.meters._store(Meter(0, f"m{n}", 2400, secondary=address_of(n).text) for n in range(MOST_METERS - 1))
        house.add(900)
        with pytest.raises(InvalidMeter, match="room for 256"):
            house.add(901)
        assert len(house.again().snapshot().meters) == MOST_METERS


def test_a_number_is_never_given_again(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        keys = [house.add(1), house.add(2)]
        house.meters.remove(keys[1])
        keys.append(house.add(3))
        house.meters.remove(keys[2])
        house.again()
        keys.append(house.add(4))
        house.meters.forget_all()
        keys.append(house.add(5))
        assert keys == [1, 2, 3, 4, 5]


def test_an_unknown_number_is_refused(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        house.add(1)
        house.meters.remove(1)
        meters = house.meters
        for attempt in (
            lambda: meters.find(1),
            lambda: meters.change(1, {"name": "x"}),
            lambda: meters.remove(1),
            lambda: meters.read_now([1]),
            lambda: meters.set_primary(1, 2),
        ):
            with pytest.raises(UnknownMeter, match="1"):
                attempt()


def test_a_readout_is_asked_of_all_or_of_none(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        first, second = house.add(1), house.add(2)
        with pytest.raises(UnknownMeter):
            house.meters.read_now([first, 99])
        assert not any(state.is_waiting for state in house.meters.snapshot().meters)
        house.meters.read_now([second, first, second])
        assert [state.is_waiting for state in house.meters.snapshot().meters] == [True, True]
        assert house.meters.orders.next_readout == second
        house.meters.remove(second)
        assert {house.meters.orders.next_readout} == {first}


def test_reading_a_battery_too_often_is_done_and_told(tmp_path: Path) -> None:
    def warnings() -> list[str]:
        return [state.warning for state in house.meters.snapshot().meters]

    with household(tmp_path, meters__battery_interval="600") as house:
        battery, mains = house.add(1, on_battery="on"), house.add(2)
        house.meters.read_now([battery, mains])
        assert warnings() == ["", ""]
        for key in (battery, mains):
            house.store(key, 1)
        house.time.run(599)
        house.meters.read_now([battery, mains])
        told = "it runs on a battery, and was read again on demand within 600 s"
        assert warnings() == [told, ""]
        assert house.meters.orders.is_waiting(battery)
        house.time.run(600)
        assert warnings() == ["", ""]


def test_a_primary_address_that_another_has_is_refused(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        first, second = house.add(1, primary="5"), house.add(2, primary="6")
        house.add(3, primary="7", baud="300")
        for primary in (6, 251, -1):
            with pytest.raises(InvalidMeter, match=str(primary)):
                house.meters.set_primary(first, primary)
        house.meters.set_primary(first, 7)
        house.meters.set_primary(second, 0)
        assert house.meters.orders.next_primary == (first, 7)


# What a search found.


def _has_found(meters: Meters, *those: FoundMeter) -> None:
    meters.job._state = SearchState(SearchPhase.FINISHED, found=those)


def test_what_was_found_is_added_with_a_name_and_an_interval(tmp_path: Path) -> None:
    with household(tmp_path, meters__default_interval="900", meters__battery_interval="7200") as house:
        _has_found(
            house.meters,
            found(1, primary=3),
            found(2, medium=Medium.ELECTRICITY, primary=253),
            FoundMeter(300, 9, None, by_primary=True),
            replace(found(4, medium=Medium.HEAT, primary=0), by_secondary=False, by_primary=True),
        )
        water, power, heat, old = house.meters.add_found()
        assert (water.name, water.interval, water.on_battery) == ("ELS water 00000001", 7200, True)
        assert (power.name, power.interval, power.on_battery) == ("ELS electricity 00000002", 900, False)
        assert (water.primary, power.primary) == (3, None)
        assert (old.name, old.address_text, old.baud, old.secondary) == ("meter 9", "9", 300, "")
        assert (heat.address_text, heat.reads_by_primary) == ("0", True)


def test_those_that_were_chosen_are_added(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        _has_found(house.meters, found(1), found(2), found(3))
        (meter,) = house.meters.add_found([address_of(2).text])
        assert meter.identification == "00000002"
        with pytest.raises(InvalidMeter, match="99999999"):
            house.meters.add_found([address_of(1).text, "99999999"])
        assert len(house.meters.snapshot().meters) == 1


def test_one_that_is_there_already_is_brought_up_to_date(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        first = house.add(1, name="kitchen", interval="60", primary="1")
        second = house.meters.add({"name": "cellar", "primary": "2"}).key
        _has_found(house.meters, found(1, primary=77, baud=300), found(2, primary=2))
        house.meters.add_found()
        house.meters.add_found()
        kitchen, cellar = (state.meter for state in house.meters.snapshot().meters)
        assert (kitchen.key, kitchen.name, kitchen.interval) == (first, "kitchen", 60)
        assert (kitchen.primary, kitchen.baud) == (77, 300)
        assert (cellar.key, cellar.name, cellar.secondary) == (second, "cellar", address_of(2).text)


def test_more_than_there_is_room_for_are_not_added_in_part(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        house.add(5000)
        _has_found(house.meters, *(found(number) for number in range(MOST_METERS)))
        with pytest.raises(InvalidMeter, match="256 more do not fit"):
            house.meters.add_found()
        assert len(house.meters.snapshot().meters) == 1
        assert len(house.meters.add_found([address_of(number).text for number in range(MOST_METERS - 1)])) == 255


def test_one_that_answers_at_both_speeds_is_added_once_at_the_faster(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        _has_found(house.meters, found(1, baud=300), found(1, baud=2400), found(2, baud=300))
        for _ in range(2):
            assert sorted((meter.identification, meter.baud) for meter in house.meters.add_found()) == [
                ("00000001", 2400),
                ("00000002", 300),
            ]
        assert len(house.meters.meters) == 2


def test_two_that_cannot_be_told_apart_are_added_once(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        _has_found(house.meters, found(1), found(1))
        assert len(house.meters.add_found()) == 1


def test_listeners_hear_of_changes_until_they_leave(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        heard: list[str] = []
        leave = house.meters.subscribe(lambda: heard.append("a"))
        house.meters.subscribe(lambda: heard.append("b"))
        key = house.add(1)
        leave()
        house.store(key, 5)
        assert heard == ["a", "b", "b"]
