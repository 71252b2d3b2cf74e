"""The meters themselves: their addresses, and readings that go on as readings do."""

from __future__ import annotations

import pytest

from appliance.mbus import quantity
from appliance.mbus.frame import Control, LongFrame, ShortFrame
from appliance.mbus.header import FixedStructure, Information
from appliance.simulator.contents import FixedContents, VariableContents
from appliance.simulator.population import describe, make_meters, make_optical_meter
from appliance.simulator.profile import DAY, Gauge, Growth, set_day

NOW = 1_790_000_000.0


def test_two_hundred_and_fifty_meters_are_all_different() -> None:
    meters = make_meters(250)
    assert [meter.primary for meter in meters] == list(range(1, 251))
    assert len({meter.address.identification for meter in meters}) == 250
    assert len({meter.fabrication for meter in meters}) == 250
    assert len({meter.address.medium for meter in meters[:8]}) >= 6
    with pytest.raises(ValueError, match="251"):
        make_meters(251)


def test_the_seed_decides() -> None:
    def telegrams(seed: int) -> list[bytes]:
        meters = [*make_meters(16, seed), make_optical_meter(17, seed)]
        return [meter.hear(ShortFrame(Control.REQ_UD2, meter.primary), meter.baud, 0.0, NOW) for meter in meters]

    assert telegrams(1) == telegrams(1)
    assert telegrams(1) != telegrams(2)
    # More meters leave the first ones as they were.
    few, many = make_meters(3, 5), make_meters(30, 5)
    assert [meter.address for meter in few] == [meter.address for meter in many[:3]]


def test_every_telegram_of_every_meter_fits_for_twenty_years() -> None:
    for meter in make_meters(250):
        for year in (0, 1, 4, 20):
            now = NOW + year * 365 * DAY
            for telegram in range(meter.contents.count):
                information, data = meter.contents.answer(meter.address, 0, telegram, now)
                LongFrame(Control.RSP_UD, meter.primary, information, data)


def test_registers_grow_and_never_shrink() -> None:
    for meter in make_meters(8):
        if isinstance(meter.contents, VariableContents):
            gauge = meter.contents.telegrams[0][0]
            assert isinstance(gauge, Gauge)
            if gauge.quantity.name == "external temperature":
                continue
            course = gauge.course
        else:
            assert isinstance(meter.contents, FixedContents)
            course = meter.contents.growth.at
        values = [course(NOW + hour * 3600) for hour in range(24 * 14)]
        assert values == sorted(values)
        assert values[-1] > values[0]


def test_a_growth_and_its_rate_agree() -> None:
    growth = Growth(100, 24, 0.8, 0.3)
    for hour in range(48):
        now = NOW + hour * 3600
        assert growth.at(now + 36) - growth.at(now) == pytest.approx(growth.per_hour(now + 18) / 100, rel=1e-3)
    assert growth.at(0.0) == growth.start


def test_set_days_are_firsts_of_months() -> None:
    # 21 September 2026.
    assert [set_day(NOW, storage) for storage in (1, 9, 10)] == [1788220800.0, 1767225600.0, 1764547200.0]


def test_a_set_day_value_is_the_register_of_that_day() -> None:
    contents = make_meters(1)[0].contents
    assert isinstance(contents, VariableContents)
    now, past = (part for part in contents.telegrams[0] if isinstance(part, Gauge) and part.quantity.name == "volume")
    assert (now.storage, past.storage) == (0, 1)
    assert past.number(NOW) == now.number(set_day(NOW, 1)) < now.number(NOW)


@pytest.mark.parametrize(("litres", "number"), [(2999.6, 2999), (3000.0, 3000), (300.0, 300), (0.9, 0)])
def test_a_register_is_cut_and_not_rounded(litres: float, number: int) -> None:
    assert Gauge(quantity.VOLUME, -3, lambda _: litres / 1000).number(NOW) == number
    assert Gauge(quantity.ENERGY, 3, lambda _: litres * 1000).number(NOW) == number


def test_the_odd_old_meter() -> None:
    meter = make_meters(7)[6]
    frame = meter.hear(ShortFrame(Control.REQ_UD2, 7), 2400, 0.0, NOW)
    assert frame[6] == Information.FIXED
    structure = FixedStructure.from_bytes(frame[7:-2])
    assert isinstance(meter.contents, FixedContents)
    assert structure == meter.contents.structure(meter.address, 1, NOW)
    assert structure.medium == 7
    assert structure.counter > structure.historic > 0


def test_the_table() -> None:
    lines = describe(make_meters(8))
    assert len(lines) == 9
    assert lines[0].split()[0] == "address"
    assert "heat cost allocator" in lines[5]
    assert "300 bit/s only" in lines[5]
