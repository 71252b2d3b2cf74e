"""Blocks of a record, special DIFs, plain text units, and records that are not as they should be."""

from __future__ import annotations

import pytest

from appliance.mbus.record import Function
from tests.mbus.standard import record, telegram


@pytest.mark.parametrize(
    ("octets", "storage", "tariff", "subunit"),
    [
        ("04 13 01 00 00 00", 0, 0, 0),
        ("44 13 01 00 00 00", 1, 0, 0),
        ("84 01 13 01 00 00 00", 2, 0, 0),
        ("c4 01 13 01 00 00 00", 3, 0, 0),
        ("84 10 13 01 00 00 00", 0, 1, 0),
        ("84 30 13 01 00 00 00", 0, 3, 0),
        ("84 40 13 01 00 00 00", 0, 0, 1),
        ("84 80 40 13 01 00 00 00", 0, 0, 2),
        ("84 80 10 13 01 00 00 00", 0, 4, 0),
        ("84 80 01 13 01 00 00 00", 32, 0, 0),
        ("c4 ff ff ff ff ff ff ff ff ff 7f 13 01 00 00 00", (1 << 41) - 1, (1 << 20) - 1, (1 << 10) - 1),
    ],
)
def test_storage_tariff_and_subunit(octets: str, storage: int, tariff: int, subunit: int) -> None:
    found = record(octets)
    assert (found.storage, found.tariff, found.subunit, found.text) == (storage, tariff, subunit, "0.001")


@pytest.mark.parametrize(
    ("dif", "function", "words"),
    [
        (0x01, Function.INSTANTANEOUS, "instantaneous value"),
        (0x11, Function.MAXIMUM, "maximum value"),
        (0x21, Function.MINIMUM, "minimum value"),
        (0x31, Function.DURING_ERROR, "value during error state"),
    ],
)
def test_functions(dif: int, function: Function, words: str) -> None:
    found = record(bytes([dif, 0x03, 1]))
    assert (found.function, found.function_words) == (function, words)


def test_fillers_stand_between_records_and_mean_nothing() -> None:
    found = telegram("2f 2f 01 03 07 2f 2f 2f 01 03 08 2f")
    assert [one.text for one in found.records] == ["7", "8"]
    assert [one.offset for one in found.records] == [21, 27]
    assert not found.errors


@pytest.mark.parametrize(("dif", "more"), [("0f", False), ("1f", True)])
def test_manufacturer_specific_data_ends_the_records(dif: str, more: bool) -> None:
    found = telegram(f"01 03 07 {dif} 01 03 08 2f")
    assert [one.text for one in found.records] == ["7"]
    assert found.manufacturer_data == bytes.fromhex("01 03 08 2f")
    assert found.more_follow is more
    assert not found.errors


def test_a_sign_that_more_follows_needs_no_data() -> None:
    found = telegram("1f")
    assert (found.manufacturer_data, found.more_follow, found.records) == (b"", True, ())


@pytest.mark.parametrize("dif", [0x3F, 0x4F, 0x5F, 0x6F, 0x8F, 0xFF])
def test_reserved_special_functions_end_what_can_be_read(dif: int) -> None:
    found = telegram(b"\x01\x03\x07" + bytes([dif]) + b"\x01\x03\x08")
    assert [one.text for one in found.records] == ["7"]
    assert found.unread == bytes([dif]) + b"\x01\x03\x08"
    assert f"DIF {dif:02X} is reserved" in found.errors[0]


@pytest.mark.parametrize("octets", ["7f", "7f 7e"])
def test_a_global_readout_request(octets: str) -> None:
    found = telegram(octets + "01 03 07", information=0x51, control=0x53, header=b"")
    assert [(one.quantity, one.text) for one in found.records] == [("global readout request", None), ("energy", "7")]


def test_a_selection_has_no_value() -> None:
    found = telegram("08 7e 08 13", information=0x51, control=0x53, header=b"")
    assert [(one.quantity, one.value, one.note) for one in found.records] == [
        ("any VIF", None, "selection for readout"),
        ("volume", None, "selection for readout"),
    ]


def test_too_many_difes_cost_their_record_alone() -> None:
    found = telegram("01 03 07 81" + "80" * 10 + "00 03 05 01 03 08")
    assert [one.text for one in found.records] == ["7", None, "8"]
    assert "11 DIFEs" in found.records[1].error
    assert telegram("c1" + "ff" * 10 + "7f 03 05").records[0].storage == (1 << 41) - 1
    assert len(found.errors) == 1


def test_too_many_vifes_cost_their_record_alone() -> None:
    found = telegram("01 03 07 01 83" + "a0" * 10 + "20 05 01 03 08")
    assert [one.text for one in found.records] == ["7", None, "8"]
    assert "11 VIFEs" in found.records[1].error
    assert telegram("01 83" + "a0" * 9 + "20 05").records[0].text == "5"


@pytest.mark.parametrize("octets", ["81", "81 80", "01", "01 83", "01 fb", "01 fd", "01 fd fd", "02 7c", "02 7c 05 41"])
def test_a_block_without_an_end_is_told_and_harms_nothing_before(octets: str) -> None:
    found = telegram("01 03 07" + octets)
    assert [one.text for one in found.records] == ["7"]
    assert found.unread == bytes.fromhex(octets)
    assert "has no end" in found.errors[0]


@pytest.mark.parametrize(
    ("octets", "data"), [("04 13 01 02", "01 02"), ("0c 13", ""), ("0d 13 05 41 42", "05 41 42"), ("0d 13", "")]
)
def test_a_value_cut_short_is_told_with_what_is_there(octets: str, data: str) -> None:
    found = telegram("01 03 07" + octets)
    assert [one.text for one in found.records] == ["7", None]
    assert found.records[1].data == bytes.fromhex(data)
    assert found.records[1].quantity == "volume"
    assert found.errors


@pytest.mark.parametrize(
    ("octets", "text", "unit"),
    [
        # Without VIFEs; an empty text too.
        ("02 7c 03 72 61 62 05 00", "5", "bar"),
        ("02 7c 00 05 00", "5", ""),
        # The VIFEs first and then the text, as annex C.2 has it.
        ("02 fc 74 03 6d 70 70 05 00", "0.05", "ppm"),
        ("02 fc f4 7d 03 6d 70 70 05 00", "50", "ppm"),
        ("02 fc 22 02 6d 63 05 00", "5", "cm/h"),
        # The text first and then the VIFEs, as many meters do.
        ("02 fc 03 6d 70 70 74 05 00", "0.05", "ppm"),
        ("02 fc 03 6d 70 70 f4 7d 05 00", "50", "ppm"),
        ("02 fc 02 6d 63 22 05 00", "5", "cm/h"),
        ("02 fc 03 b3 6d 63 22 05 00", "5", "cm³/h"),
    ],
)
def test_plain_text_units(octets: str, text: str, unit: str) -> None:
    found = telegram(octets + "01 03 07")
    assert [(one.text, one.unit) for one in found.records] == [(text, unit), ("7", "Wh")]
    assert found.records[0].quantity.startswith("plain text VIF")


def test_plain_text_that_reads_either_way_goes_by_what_a_vife_can_be() -> None:
    # 03 is far likelier a length than a record error, though 25 characters and more could be read behind it.
    at_once = telegram("02 fc 03 6d 70 70 74 21 21" + "21 2b 21" * 40)
    assert (at_once.records[0].text, at_once.records[0].unit) == ("84.81", "ppm")
    # 22 is "per hour", though 34 characters could be read behind it.
    after = telegram("02 fc 22 21" + "61" * 33 + "05 00 21 2b 21")
    assert (after.records[0].text, after.records[0].unit) == ("5", "a" * 33 + "/h")


def test_plain_text_that_cannot_be_read_either_way_is_taken_as_the_standard_has_it() -> None:
    found = telegram("02 fc 74 01 01 05 00 01 03 07")
    assert [(one.text, one.unit) for one in found.records] == [("0.05", "\x01"), ("7", "Wh")]


@pytest.mark.parametrize(
    ("octets", "text", "unit"),
    [
        # Filled up with a zero byte, which no letter is: still a length, for as a VIFE it would be an error.
        ("02 fc 03 00 43 b0 74 05 00", "0.05", "°C"),
        ("02 7c 05 20 20 72 61 62 05 00", "5", "bar"),
        ("02 fc 03 01 01 01 74 05 00", "0.05", "\1\1\1"),
        # An empty text is no more readable than another one, on either side of the VIFE.
        ("02 fc 00 22 05 00", "5", "1/h"),
        ("02 fc 22 00 05 00", "5", "1/h"),
    ],
)
def test_a_plain_text_unit_that_is_none(octets: str, text: str, unit: str) -> None:
    found = telegram(octets + "01 03 07")
    assert [(one.text, one.unit) for one in found.records] == [(text, unit), ("7", "Wh")]


def test_a_text_with_a_plain_text_name() -> None:
    found = record("0d 7c 04 44 43 42 41 03 63 62 61")
    assert (found.text, found.unit) == ("abc", "ABCD")


def test_the_slices_of_a_record_are_its_bytes() -> None:
    found = record("84 10 93 3c 01 02 03 04")
    assert (found.dib.hex(), found.vib.hex(), found.data.hex()) == ("8410", "933c", "01020304")
