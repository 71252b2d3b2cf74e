"""What Home Assistant is told of each record fits its rules, and the values are exact."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from appliance.mbus import extension_fb, extension_fd, primary, quantity
from appliance.mbus.frame import LongFrame
from appliance.mbus.quantity import Quantity, Reading
from appliance.mbus.record import Function, Record, decimal, integer, real, text
from appliance.meters.meter import Meter
from appliance.meters.readings import StoredReading
from appliance.publishing.announcement import components_of
from appliance.publishing.message import message_of
from appliance.publishing.sensors import MOST, RULES, Sensor, sensors_of

UNITS = {
    "energy": {"J", "kJ", "MJ", "GJ", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"},
    "power": {"W", "kW", "MW"},
    "reactive_power": {"var"},
    "apparent_power": {"VA"},
    "volume": {"m³", "L", "mL", "ft³", "gal"},
    "water": {"m³", "L", "ft³", "gal"},
    "gas": {"m³", "ft³"},
    "weight": {"kg", "g"},
    "volume_flow_rate": {"m³/h", "L/min", "gal/min", "ft³/min"},
    "temperature": {"°C", "°F", "K"},
    "pressure": {"bar", "mbar", "Pa", "hPa", "kPa"},
    "humidity": {"%"},
    "voltage": {"V", "mV"},
    "current": {"A", "mA"},
    "frequency": {"Hz", "kHz"},
    "signal_strength": {"dBm", "dB"},
    "duration": {"s", "min", "h", "d"},
}
"""Device classes of Home Assistant's sensors with the units that they may have, as far as meters come near them."""
TOTALS = {"energy", "volume", "water", "gas", "weight", "duration"}
"""Classes that may have the state class `total_increasing`."""
MEASUREMENTS = UNITS.keys() - {"energy", "volume", "water", "gas"}
"""Classes that may have the state class `measurement`."""


def telegram(*records: Record, medium: int = 4) -> bytes:
    head = bytes.fromhex("785634122d2c01") + bytes([medium]) + bytes(4)
    return bytes(LongFrame(0x08, 1, 0x72, head + b"".join(map(bytes, records))))


def only(record: Record, medium: str = "heat") -> Sensor:
    (sensor,) = sensors_of([telegram(record)], medium)
    return sensor


ROWS = [*primary.PRIMARY, *extension_fb.FIRST, *extension_fd.SECOND]


@pytest.mark.parametrize("medium", ["heat", "water", "gas", "electricity"])
def test_every_row_of_the_tables_fits_the_rules(medium: str) -> None:
    numbers = 0
    for row in ROWS:
        for function in Function:
            for storage in (0, 1):
                record = Record(integer(7, 4), row.vif(row.lowest), function, storage)
                for sensor in sensors_of([telegram(record)], medium):
                    numbers += isinstance(sensor.value, Decimal)
                    check(sensor, is_present=function is Function.INSTANTANEOUS and not storage)
    assert numbers > 500


def check(sensor: Sensor, *, is_present: bool) -> None:
    rule = sensor.rule
    if rule.device_class:
        assert rule.unit in UNITS[rule.device_class], sensor
        assert rule.state_class != "measurement" or rule.device_class in MEASUREMENTS, sensor
        assert rule.state_class != "total_increasing" or rule.device_class in TOTALS, sensor
    assert rule.state_class in ("", "measurement", "total_increasing")
    assert is_present or not rule.state_class
    if not isinstance(sensor.value, Decimal):
        assert (rule.unit, rule.device_class, rule.state_class) == ("", "", "")


@pytest.mark.parametrize(
    ("row", "exponent", "value", "medium", "device_class", "unit", "state_class", "text_"),
    [
        (quantity.ENERGY, 3, 12345, "heat", "energy", "kWh", "total_increasing", "12345"),
        (quantity.ENERGY, -3, 1, "heat", "energy", "kWh", "total_increasing", "0.000001"),
        (quantity.HEAT_ENERGY, 7, 3, "heat", "energy", "GJ", "total_increasing", "0.03"),
        (quantity.VOLUME, -3, 1234, "heat", "volume", "m³", "total_increasing", "1.234"),
        (quantity.VOLUME, -3, 1234, "cold water", "water", "m³", "total_increasing", "1.234"),
        (quantity.VOLUME, -3, 1234, "gas", "gas", "m³", "total_increasing", "1.234"),
        (quantity.POWER, 2, 5, "heat", "power", "W", "measurement", "500"),
        (quantity.VOLUME_FLOW, -3, 450, "heat", "volume_flow_rate", "m³/h", "measurement", "0.450"),
        (quantity.FLOW_TEMPERATURE, -1, 651, "heat", "temperature", "°C", "measurement", "65.1"),
        (quantity.TEMPERATURE_DIFFERENCE, -1, 71, "heat", "", "K", "measurement", "7.1"),
        (quantity.PRESSURE, -3, 1013, "heat", "pressure", "bar", "measurement", "1.013"),
        (quantity.VOLTAGE, -1, 2301, "electricity", "voltage", "V", "measurement", "230.1"),
        (quantity.CURRENT, -3, 70, "electricity", "current", "A", "measurement", "0.070"),
        (quantity.OPERATING_TIME_DAYS, 0, 9, "heat", "duration", "d", "total_increasing", "9"),
        (quantity.ALLOCATION, 0, 9, "heat cost allocator", "", "", "total_increasing", "9"),
        (Quantity("volume flow ext.", "m³/s", 0x48, -9, 8), -9, 7, "heat", "volume_flow_rate", "m³/h", "measurement",
         "0.000025200"),
        (Quantity("volume flow ext.", "m³/min", 0x40, -7, 8), -1, 7, "heat", "volume_flow_rate", "m³/h", "measurement",
         "42.0"),
        (Quantity("power", "J/h", 0x30, 0, 8), 3, 7, "heat", "", "J/h", "measurement", "7000"),
    ],
)  # fmt: skip
def test_classes_units_and_exact_values(
    row: Quantity,
    exponent: int,
    value: int,
    medium: str,
    device_class: str,
    unit: str,
    state_class: str,
    text_: str,
) -> None:
    sensor = only(Record(integer(value, 4), row.vif(exponent)), medium)
    assert (sensor.rule.device_class, sensor.rule.unit, sensor.rule.state_class) == (device_class, unit, state_class)
    assert sensor.text == text_


def test_no_digit_is_lost_however_many_there_are() -> None:
    sensor = only(Record(decimal(999_999_999_999, 12), quantity.HEAT_ENERGY.vif(0)))
    assert sensor.text == "999.999999999"
    assert only(Record(integer(2**63 - 1, 8), quantity.ENERGY.vif(-3))).text == "9223372036854.775807"
    assert only(Record(integer(-5, 4), quantity.ENERGY.vif(3))).text == "-5"


def test_names_are_the_same_in_every_reading_and_never_the_same_for_two() -> None:
    volume = quantity.VOLUME.vif(-3)
    records = (
        Record(integer(1, 4), volume),
        Record(integer(2, 4), volume),
        Record(integer(3, 4), volume, storage=1),
        Record(integer(4, 4), volume, tariff=2, subunit=1),
        Record(integer(5, 4), volume, Function.MAXIMUM),
        Record(integer(6, 4), volume),
    )
    sensors = sensors_of([telegram(*records[:3]), telegram(*records[3:])], "water")
    assert [sensor.slug for sensor in sensors] == [
        "volume",
        "volume__2",
        "volume_storage_1",
        "volume_tariff_2_subunit_1",
        "volume_maximum_value",
        "volume__3",
    ]
    assert sensors[1].name == "Volume (2)"
    assert [sensor.is_hidden for sensor in sensors] == [False, False, True, False, True, False]


def test_what_is_no_number_and_what_is_none() -> None:
    assert sensors_of([telegram(Record(real(float("nan")), quantity.POWER.vif(0)))], "heat") == ()
    sensor = only(Record(text("A" * 190), quantity.CUSTOMER_LOCATION.vif()))
    assert (sensor.text, sensor.rule.is_diagnostic, sensor.is_hidden) == ("A" * 190, True, True)
    assert sensors_of([b"\xe5"], "heat") == ()


def test_a_limit_is_not_taken_for_what_it_limits() -> None:
    sensor = only(Record(integer(7, 4), quantity.POWER.vif(0, 0x40)))
    assert (sensor.slug, sensor.rule.device_class, sensor.rule.state_class) == ("power_lower_limit_value", "", "")
    export = only(Record(integer(7, 4), quantity.ENERGY.vif(3, 0x3C)))
    assert (export.rule.device_class, export.rule.state_class) == ("energy", "total_increasing")


def test_a_meter_that_tells_without_end_is_cut() -> None:
    record = Record(integer(1, 1), quantity.VOLUME.vif(-3))
    frames = [telegram(*[record] * 60)] * 10
    assert len(sensors_of(frames, "water")) == MOST
    assert len({sensor.slug for sensor in sensors_of(frames, "water")}) == MOST


def test_every_rule_is_of_a_quantity_that_there_is() -> None:
    known = {(row.name, row.unit) for row in ROWS} | {("remaining battery life time", "d")}
    assert RULES.keys() <= known
    assert all(row.reading in Reading for row in ROWS)


def test_the_template_finds_the_value_that_the_message_has() -> None:
    frame = telegram(
        Record(integer(12345, 4), quantity.ENERGY.vif(3)), Record(text("x\"'\\\x00\xff"), quantity.MODEL.vif())
    )
    sensors = sensors_of([frame], "heat")
    meter = Meter(1, '<script>"\ud800', 2400, secondary="123456782C2D0104")
    message = message_of(StoredReading(7, 1, 1_800_000_000.0, 0.5, (frame,)), meter, sensors, store="s")
    content = json.loads(message, parse_float=Decimal)
    assert content["sensors"]["energy"] == Decimal(12345)
    assert (content["reading"], content["store"], content["time"]) == (7, "s", "2027-01-15T08:00:00.000Z")
    for slug, component in components_of(sensors).items():
        assert component["value_template"] == f"{{{{ value_json.sensors.{slug} | default(None) }}}}"
        assert slug in content["sensors"]
