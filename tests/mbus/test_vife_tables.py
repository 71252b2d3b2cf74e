"""Every row of the tables of orthogonal VIFEs, and what several of them come to."""

from __future__ import annotations

import pytest

from tests.mbus.standard import codes, record, rows, telegram


def wanted_text(value: str) -> str | None:
    return {"none": None, "moment": "2026-09-21", "octets": "01 00"}.get(value, value)


def check(pattern: str, prefix: bytes, value: str, unit: str, words: str) -> None:
    for code in codes(pattern):
        data = b"\x55\x39" if value == "moment" else b"\x01\x00"
        found = record(b"\x02\x93" + prefix + bytes([code.code]) + data)
        text = code.fill(words)
        assert found.text == wanted_text(value), pattern
        assert found.unit == code.fill(unit)
        assert found.quantity == (f"volume, {text}" if text else "volume")
        assert found.refusal == (text if value == "none" else "")
        assert not found.error


@pytest.mark.parametrize(("table", "prefix"), [("vife", b""), ("vife_fc", b"\xfc")])
def test_every_row_is_read_as_the_standard_has_it(table: str, prefix: bytes) -> None:
    for pattern, value, unit, words in rows(table):
        check(pattern, prefix, value, unit, words)


def test_the_rows_leave_no_code_out() -> None:
    found = [code.code for row in rows("vife") for code in codes(row[0])]
    # 7C leads to the table behind FC.
    assert sorted([*found, 0x7C]) == list(range(128))


@pytest.mark.parametrize("length", [2, 3, 4, 6])
def test_a_date_of_something_has_the_type_of_its_length(length: int) -> None:
    dates = {
        2: ("55 39", "2026-09-21"),
        3: ("1e 0d 0e", "14:13:30"),
        4: ("0d 2e 55 39", "2026-09-21T14:13"),
        6: ("1e 0d 2e 55 39 26", "2026-09-21T14:13:30"),
    }
    data, text = dates[length]
    for vife in (0x39, 0x42, 0x47, 0x4A, 0x4F, 0x6A, 0x6F):
        found = record(bytes([length, 0xBB, vife]) + bytes.fromhex(data))
        assert (found.text, found.unit) == (text, "")


def test_a_date_of_something_in_bcd_is_no_date() -> None:
    found = record("0a 93 42 55 39")
    assert found.text is None
    assert "no date" in found.note


def test_factors_go_with_the_scale_of_the_vif_and_with_each_other() -> None:
    assert record("04 96 73 01 00 00 00").text == "0.001"
    assert record("04 84 7d 07 00 00 00").text == "70000"
    assert record("02 93 f3 7d 01 00").text == "0.001"


def test_a_constant_is_added_in_the_unit_of_the_vif() -> None:
    found = record("02 dd 7b 64 00")
    assert (found.text, found.unit) == ("2.00", "°C")


def test_phases_and_directions_are_told_together() -> None:
    found = record("02 ab fc 81 3c 05 00")
    words = "power, at phase L1, accumulation of abs value only if negative contributions"
    assert (found.text, found.unit, found.quantity) == ("5", "W", words)


@pytest.mark.parametrize(
    ("octets", "text", "unit"),
    [
        # EN 13757-3:2018, annex C: gallons from a thousandth to ten thousand, degrees Fahrenheit as those of Celsius.
        ("02 90 3d 05 00", "0.005", "US gal"),
        ("02 97 3d 05 00", "50000", "US gal"),
        ("02 93 bd 3c 05 00", "5", "US gal"),
        ("02 93 f4 3d 05 00", "0.05", "US gal"),
        ("02 da 3d 05 00", "0.5", "°F"),
        ("02 df 3d 05 00", "5", "°F"),
        ("02 e1 3d 05 00", "0.05", "°F"),
        ("02 e4 3d 05 00", "0.005", "°F"),
        # Not known well enough, and not of the primary table.
        ("02 86 3d 05 00", "5", ""),
        ("02 fb 90 3d 05 00", "5", ""),
    ],
)
def test_non_metric_units(octets: str, text: str, unit: str) -> None:
    found = record(octets)
    assert (found.text, found.unit) == (text, unit)
    assert "alternate non-metric unit system" in found.quantity
    assert bool(unit) != ("not scaled" in found.note)


def test_a_unit_in_plain_text_is_no_metric_one() -> None:
    found = record("02 fc 3d 03 72 61 62 05 00")
    assert (found.text, found.unit) == ("5", "bar")


def test_factors_behind_extension_tables() -> None:
    # Two more VIFEs behind FB and FD: the scale of the table goes with the factor, and the table's own unit stays.
    for octets, text, unit in (
        ("02 fb 83 74 05 00", "500", "varh"),
        ("02 fb b6 70 05 00", "0.0005", "VA"),
        ("02 fd c8 f3 fc 01 05 00", "0.0005", "V"),
        ("02 fd ba 73 05 00", "0.005", ""),
        ("02 fd fd 82 7d 05 00", "5000", "month"),
    ):
        found = record(octets)
        assert (found.text, found.unit) == (text, unit), octets


def test_per_unit_of_what_has_no_unit() -> None:
    assert record("02 ee 22 01 00").unit == "1/h"


def test_types_c_and_d_make_a_number_unsigned() -> None:
    assert record("01 ab 20 ff").text == "-1"
    assert record("01 ab fc 11 ff").text == "255"
    assert record("01 ab fc 12 ff").text == "255"


def test_makers_vifes_leave_the_quantity_and_are_named() -> None:
    found = record("04 83 ff 81 02 01 00 00 00")
    assert (found.text, found.unit, found.quantity) == ("1", "Wh", "energy")
    assert "81 02" in found.note
    last = record("04 94 7f 07 02 00 00")
    assert (last.text, last.unit, last.vib) == ("5.19", "m³", b"\x94\x7f")
    assert "manufacturer" in last.note


def test_all_vifes_behind_a_makers_vif_are_the_makers() -> None:
    found = record("02 ff 81 82 05 07 00")
    assert (found.text, found.unit, found.quantity) == ("7", "", "manufacturer specific")
    assert "81 82 05" in found.note
    assert found.vib.hex() == "ff818205"


@pytest.mark.parametrize(
    ("data", "text", "note"),
    [
        ("03 43 42 41", "ABC", ""),
        ("04 00 43 42 41", "ABC\0", ""),
        ("03 01 42 41", "01 42 41", "as they stand"),
        ("02 00 00", "00 00", "as they stand"),
        ("c2 34 12", "1234", ""),
        ("e2 fe ff", "-2", ""),
    ],
)
def test_what_a_maker_calls_a_text_is_told_raw_unless_it_is_one(data: str, text: str, note: str) -> None:
    for vib in ("7f", "ff 5f"):
        found = record(f"0d {vib} {data}")
        assert found.text == text
        assert note in found.note


def test_what_is_an_error_from_the_meter_is_an_action_on_the_way_to_it() -> None:
    (there,) = telegram("02 93 01 05 00", information=0x51, control=0x53, header=b"").records
    assert (there.quantity, there.text) == ("volume, action: add value", "0.005")
    # The CI field tells the way. Its bit in the C field may be wrong, and is another one on the air.
    for control in (0x08, 0x44, 0x53):
        (back,) = telegram("02 93 01 05 00", control=control).records
        assert (back.refusal, back.text) == ("record error: too many DIFEs", None)


def test_a_refusal_of_the_meter_is_no_error_of_the_telegram() -> None:
    found = telegram("02 93 15 00 00 02 13 05 00")
    assert not found.errors
    assert [one.text for one in found.records] == [None, "0.005"]
