"""Values and dates, example by example, and what the encoder makes read back."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import CodingError
from appliance.mbus import quantity
from appliance.mbus.instants import read_instant, type_of
from appliance.mbus.record import Function, Record, Value, day, decimal, integer, moment, real, text
from appliance.mbus.value import added, plain, scaled, shortest_decimal, variable_length
from tests.mbus.standard import record, rows, telegram


def test_every_value_is_read_as_the_standard_has_it() -> None:
    for row in rows("values"):
        dif, vif, data, value, note = (*row, *[""] * (5 - len(row)))
        octets = bytes.fromhex(dif + vif + data)
        found = record(octets)
        assert found.text == {"none": None, "empty": ""}.get(value, value.replace("{space}", " ")), row
        assert found.unit == {"03": "Wh", "13": "m³"}.get(vif, found.unit)
        assert note in found.note, row
        assert found.raw == octets
        assert not found.error


def test_every_date_is_read_as_the_standard_has_it() -> None:
    for row in rows("dates"):
        data, value, note = (*row, *[""] * (3 - len(row)))
        found = read_instant(bytes.fromhex(data))
        assert found.text == (None if value == "none" else value), row
        assert note in found.note, row
        assert found.note or found.text is not None


@pytest.mark.parametrize(
    ("data", "text", "note"),
    [
        ("02 6c 55 39", "2026-09-21", ""),
        ("04 6d 0d 2e 55 39", "2026-09-21T14:13", ""),
        ("03 6d 1e 0d 0e", "14:13:30", ""),
        ("06 6d 1e 0d 2e 55 39 26", "2026-09-21T14:13:30", ""),
        ("02 6d 55 39", "2026-09-21", "not defined for 16 bit"),
        ("04 6c 0d 2e 55 39", "2026-09-21T14:13", "defined for 16 bit alone"),
        ("01 6c 55", None, "1 bytes"),
        ("07 6d 00 00 00 00 00 00 00 00", None, "8 bytes"),
        ("0c 6d 00 00 00 00", None, "no date"),
        # No type of the standard, but one of ABB's manuals: second, minute, hour, day, month, year.
        ("0e 6d 30 13 14 21 09 26", "2026-09-21T14:13:30", "no type of the standard"),
        ("0e 6d 00 00 00 29 02 24", "2024-02-29T00:00:00", "no type of the standard"),
        ("0e 6d 00 00 00 29 02 26", None, "no date"),
        ("0e 6d 60 13 14 21 09 26", None, "no date"),
        ("0e 6d 30 13 14 21 09 f6", None, "no date"),
        ("05 6d 00 00 00 00", None, "no date"),
        ("00 6c", None, "no data"),
    ],
)
def test_the_data_field_decides_the_type_of_a_date(data: str, text: str | None, note: str) -> None:
    found = record(data)
    assert found.text == text
    assert note in found.note


def test_daylight_saving_is_told_as_it_stands() -> None:
    found = record("04 fd 72 01 02 03 04")
    assert found.text == "01 02 03 04"
    assert "type K" in found.note


@pytest.mark.parametrize("lvar", [0xCA, 0xDF, 0xF7, 0xFF])
def test_a_reserved_lvar_takes_the_rest_with_it_and_nothing_before(lvar: int) -> None:
    found = telegram(b"\x01\x03\x07\x0d\x03" + bytes([lvar]) + b"\x01\x02")
    assert [one.text for one in found.records] == ["7", None]
    assert f"LVAR {lvar:02X} is reserved" in found.records[1].error
    assert found.records[1].data == bytes([lvar, 1, 2])


def test_every_lvar_has_a_length_or_is_reserved() -> None:
    lengths = {
        **{lvar: lvar for lvar in range(0xC0)},
        **{0xC0 + count: count for count in range(10)},
        **{0xD0 + count: count for count in range(10)},
        **{0xE0 + count: count for count in range(16)},
        **dict(zip(range(0xF0, 0xF7), (16, 20, 24, 28, 32, 48, 64), strict=True)),
    }
    for lvar in range(256):
        if lvar in lengths:
            assert variable_length(lvar) == lengths[lvar]
        else:
            with pytest.raises(CodingError):
                variable_length(lvar)


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_real_is_told_by_the_shortest_decimal_that_is_it(number: float) -> None:
    found = shortest_decimal(number)
    assert struct.pack("<f", float(found)) == struct.pack("<f", number or 0.0)
    assert len(found.as_tuple().digits) <= 9


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(-15, 15))
def test_scale_and_addition_are_exact_whatever_the_precision_in_force(number: Decimal, exponent: int) -> None:
    with localcontext(prec=3):
        product, total, halved = scaled(number, exponent), added(number, exponent), scaled(number, 0, halvings=12)
    with localcontext(prec=20_000, Emax=999_999, Emin=-999_999):
        if abs(number.adjusted()) > 5000:
            return
        assert product == number * Decimal(10) ** exponent
        assert total == number + Decimal(10) ** exponent
        assert halved * 4096 == number


def test_numbers_are_written_in_full() -> None:
    assert plain(Decimal("27E+3")) == "27000"
    assert plain(Decimal("1E-12")) == "0.000000000001"
    assert plain("text") == "text"
    assert plain(None) is None
    for bad in (Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(CodingError):
            scaled(bad, 1)
        with pytest.raises(CodingError):
            added(bad, 1)


def test_lengths_without_a_type() -> None:
    assert [type_of(length) for length in (2, 3, 4, 6, 5)] == ["G", "J", "F", "I", ""]


integers = st.sampled_from([1, 2, 3, 4, 6, 8]).flatmap(
    lambda size: st.builds(integer, st.integers(1 - (1 << 8 * size - 1), (1 << 8 * size - 1) - 1), st.just(size))
)
decimals = st.sampled_from([2, 4, 6, 8, 12]).flatmap(
    lambda digits: st.builds(decimal, st.integers(1 - 10 ** (digits - 1), 10**digits - 1), st.just(digits))
)
measures = st.sampled_from(
    [quantity.ENERGY, quantity.VOLUME, quantity.FLOW_TEMPERATURE, quantity.VOLTAGE, quantity.PRESSURE, quantity.CURRENT]
)
places = {
    "function": st.sampled_from(Function),
    "storage": st.integers(0, (1 << 41) - 1),
    "tariff": st.integers(0, (1 << 20) - 1),
    "subunit": st.integers(0, (1 << 10) - 1),
}


def number_of(value: Value) -> int:
    if value.coding.name.startswith("BCD"):
        digits = value.data[::-1].hex()
        return -int(digits[1:]) if digits[0] == "f" else int(digits)
    return int.from_bytes(value.data, "little", signed=True)


@settings(deadline=None, max_examples=300)
@given(st.one_of(integers, decimals), measures, st.data(), st.fixed_dictionaries(places))
def test_what_is_encoded_is_decoded(
    value: Value, measure: quantity.Quantity, data: st.DataObject, place: dict[str, int]
) -> None:
    exponent = data.draw(st.integers(measure.lowest, measure.lowest + measure.steps - 1))
    octets = bytes(Record(value, measure.vif(exponent), Function(place.pop("function")), **place))
    found = record(octets)
    assert found.value == scaled(Decimal(number_of(value)), exponent)
    assert (found.unit, found.quantity) == (measure.unit, measure.name)
    assert (found.storage, found.tariff, found.subunit) == (place["storage"], place["tariff"], place["subunit"])
    assert found.raw == octets


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_reals_there_and_back(number: float) -> None:
    found = record(bytes(Record(real(number), quantity.POWER.vif(0))))
    assert isinstance(found.value, Decimal)
    assert struct.pack("<f", float(found.value)) == struct.pack("<f", number or 0.0)


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255), max_size=191))
def test_texts_there_and_back(words: str) -> None:
    assert record(bytes(Record(text(words), quantity.CUSTOMER_LOCATION.vif()))).value == words


@settings(deadline=None)
@given(st.dates(date(1981, 1, 1), date(2080, 12, 31)))
def test_days_there_and_back(when: date) -> None:
    assert record(bytes(Record(day(when), quantity.DATE.vif()))).value == when.isoformat()


@settings(deadline=None)
@given(st.datetimes(datetime(1981, 1, 1), datetime(2080, 12, 31, 23, 59)), st.booleans())  # noqa: DTZ001 (a meter's clock has no zone)
def test_moments_there_and_back(when: datetime, summer: bool) -> None:
    found = record(bytes(Record(moment(when.replace(tzinfo=UTC), summer=summer), quantity.DATE_TIME.vif())))
    assert found.value == when.strftime("%Y-%m-%dT%H:%M")
    assert ("summer" in found.note) is summer
