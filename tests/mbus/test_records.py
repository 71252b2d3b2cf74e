"""Values, records, quantities, and what stands before them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import CodingError
from appliance.mbus import quantity
from appliance.mbus.bcd import decode_bcd, encode_bcd
from appliance.mbus.header import FixedStructure, FixedUnit, LongHeader
from appliance.mbus.record import Coding, Function, Record, day, decimal, integer, moment, real, text
from appliance.mbus.secondary import SecondaryAddress


@settings(deadline=None)
@given(st.integers(-9_999_999, 99_999_999))
def test_bcd_there_and_back(value: int) -> None:
    assert decode_bcd(encode_bcd(value, 8)) == value


def test_bcd_bytes() -> None:
    assert encode_bcd(12345678, 8).hex() == "78563412"
    assert encode_bcd(-123, 4).hex() == "23f1"
    for value, digits in ((100, 2), (-10, 2), (1, 3)):
        with pytest.raises(CodingError):
            encode_bcd(value, digits)
    for data in (b"\x1a", b"\xff", b"\x1f", b""):
        with pytest.raises(CodingError):
            decode_bcd(data)


def test_values() -> None:
    assert (integer(-2, 3).coding, integer(-2, 3).data.hex()) == (Coding.INTEGER_24, "feffff")
    assert (decimal(1234, 4).coding, decimal(1234, 4).data.hex()) == (Coding.BCD_4, "3412")
    assert (real(1.5).coding, real(1.5).data.hex()) == (Coding.REAL_32, "0000c03f")
    assert (text("m3").coding, text("m3").data) == (Coding.VARIABLE, b"\x023m")


@pytest.mark.parametrize(
    "make",
    [
        lambda: integer(128, 1),
        lambda: integer(0, 5),
        lambda: decimal(0, 10),
        lambda: real(1e39),
        lambda: text("x" * 192),
        lambda: text("€"),
        lambda: day(date(1980, 1, 1)),
        lambda: day(date(2081, 1, 1)),
        lambda: bytes(Record(integer(0, 1), b"\x13", storage=1 << 42)),
        lambda: quantity.VOLUME.vif(2),
        lambda: quantity.plain_text("°C"),
    ],
)
def test_what_cannot_be_coded(make: object) -> None:
    assert callable(make)
    with pytest.raises(CodingError):
        make()


def test_dates() -> None:
    assert day(date(2026, 9, 21)).data.hex() == "5539"
    # 14:13 on the same day; summer time sets the highest bit of the hour, the century the two below.
    assert moment(datetime(2026, 9, 21, 14, 13, tzinfo=UTC)).data.hex() == "0d2e5539"
    assert moment(datetime(2026, 9, 21, 14, 13, tzinfo=UTC), summer=True).data.hex() == "0dae5539"


def test_records_of_the_standard() -> None:
    assert bytes(Record(decimal(27, 8), quantity.VOLUME.vif(-3))).hex() == "0c1327000000"
    largest = Record(integer(500, 2), quantity.VOLUME_FLOW.vif(-3), Function.MAXIMUM)
    assert bytes(largest).hex() == "123bf401"
    assert bytes(Record(integer(1, 1), b"\x03", storage=1)).hex() == "410301"
    assert bytes(Record(integer(1, 1), b"\x03", storage=2)).hex() == "81010301"
    assert bytes(Record(integer(1, 1), b"\x03", storage=33, tariff=5, subunit=2)).hex() == "c190510301"
    assert quantity.HUMIDITY.vif(0).hex() == "fb1b"
    assert quantity.VOLTAGE.vif(-1, 0x7F, 3).hex() == "fdc8ff03"
    assert quantity.plain_text("bar").hex() == "7c03" + b"rab".hex()


@settings(deadline=None)
@given(st.builds(LongHeader, st.just(SecondaryAddress("12345678", 1, 2, 3)), *[st.integers(0, 255)] * 2))
def test_header_there_and_back(header: LongHeader) -> None:
    assert LongHeader.from_bytes(bytes(header) + b"rest") == header


def test_header_cut_short() -> None:
    with pytest.raises(CodingError):
        LongHeader.from_bytes(bytes(11))


def test_the_fixed_structure() -> None:
    # A water meter in litres, with the last set day's counter behind the present one.
    data = bytes.fromhex("78563412 0a 00 e9 7e 01000000 35010000")
    water = FixedStructure(
        identification=12345678,
        access=10,
        medium=7,
        unit=FixedUnit.LITRE,
        counter=1,
        historic_unit=FixedUnit.SAME_BUT_HISTORIC,
        historic=135,
    )
    assert bytes(water) == data
    assert FixedStructure.from_bytes(data) == water


def test_a_fixed_structure_with_binary_counters() -> None:
    binary = FixedStructure(1, 2, 2, FixedUnit.KILOWATT_HOUR, 0xABCDEF, FixedUnit.KILOWATT_HOUR, 5, status=1)
    assert FixedStructure.from_bytes(bytes(binary)) == binary
    below_zero = FixedStructure(1, 2, 2, FixedUnit.KILOWATT_HOUR, -5, FixedUnit.KILOWATT_HOUR, 5, status=1)
    assert FixedStructure.from_bytes(bytes(below_zero)) == below_zero
    with pytest.raises(CodingError):
        bytes(FixedStructure(1, 2, 2, 5, 1 << 31, 5, 5, status=1))
    with pytest.raises(CodingError):
        FixedStructure.from_bytes(bytes(15))
