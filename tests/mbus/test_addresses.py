"""Manufacturer, device type and secondary address."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import CodingError
from appliance.mbus.manufacturer import decode_manufacturer, encode_manufacturer
from appliance.mbus.medium import Medium, medium_name
from appliance.mbus.secondary import SecondaryAddress, Selection

METER = SecondaryAddress("12345678", encode_manufacturer("ABB"), 0x20, Medium.ELECTRICITY)


def test_known_makers() -> None:
    assert encode_manufacturer("ABB") == 0x0442
    assert encode_manufacturer("KAM") == 0x2C2D
    assert decode_manufacturer(0x4DEE) == "SON"


@settings(deadline=None)
@given(st.text(string.ascii_uppercase, min_size=3, max_size=3))
def test_every_code_comes_back(letters: str) -> None:
    assert decode_manufacturer(encode_manufacturer(letters)) == letters


@settings(deadline=None)
@given(st.integers(0, 0x7FFF), st.integers(0, 0x7FFF))
def test_two_numbers_never_look_alike(one: int, other: int) -> None:
    assert (decode_manufacturer(one) == decode_manufacturer(other)) == (one == other)


@pytest.mark.parametrize("letters", ["", "AB", "ABCD", "abb", "A1B", "ÄBB"])
def test_what_is_no_maker(letters: str) -> None:
    with pytest.raises(CodingError):
        encode_manufacturer(letters)


def test_number_out_of_range() -> None:
    with pytest.raises(CodingError):
        decode_manufacturer(0x10000)


def test_medium_names() -> None:
    assert medium_name(0x08) == "heat cost allocator"
    assert medium_name(0x3E) == "reserved 3E"


def test_the_bytes_of_an_address_and_its_text() -> None:
    assert bytes(METER).hex(" ") == "78 56 34 12 42 04 20 02"
    assert METER.text == "1234567842042002"
    assert SecondaryAddress.from_text(METER.text) == METER
    assert str(METER) == "12345678 ABB version 32 electricity"
    assert str(SecondaryAddress()) == "FFFFFFFF any version any any"


@settings(deadline=None)
@given(st.binary(min_size=8, max_size=8))
def test_every_eight_bytes_are_an_address(data: bytes) -> None:
    address = SecondaryAddress.from_bytes(data)
    assert bytes(address) == data
    assert SecondaryAddress.from_text(address.text) == address
    assert SecondaryAddress().matches(address)


@pytest.mark.parametrize("text", ["", "12345678", "12345678 4204 20", "1234567842042002FF", "1234567x42042002"])
def test_what_is_no_address_text(text: str) -> None:
    with pytest.raises(CodingError):
        SecondaryAddress.from_text(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SecondaryAddress("1234567"),
        lambda: SecondaryAddress("1234567g"),
        lambda: SecondaryAddress(manufacturer=0x10000),
        lambda: SecondaryAddress(version=-1),
        lambda: SecondaryAddress(medium=256),
        lambda: SecondaryAddress.from_bytes(bytes(7)),
    ],
)
def test_fields_out_of_range(make: object) -> None:
    assert callable(make)
    with pytest.raises(CodingError):
        make()


@pytest.mark.parametrize(
    ("mask", "selects"),
    [
        ("FFFFFFFFFFFFFFFF", True),
        ("12345678FFFFFFFF", True),
        ("1FFFFFF8FFFFFFFF", True),
        ("FFFFFFFF4204FFFF", True),
        ("FFFFFFFF42FFFFFF", True),
        ("FFFFFFFFFFFF20FF", True),
        ("FFFFFFFFFFFFFF02", True),
        ("2FFFFFFFFFFFFFFF", False),
        ("12345679FFFFFFFF", False),
        ("FFFFFFFF2D2CFFFF", False),
        ("FFFFFFFFFFFF21FF", False),
        ("FFFFFFFFFFFFFF07", False),
        ("1234567842042002", True),
    ],
)
def test_wildcards(mask: str, selects: bool) -> None:
    assert SecondaryAddress.from_text(mask).matches(METER) is selects


def test_enhanced_selection() -> None:
    selection = Selection(SecondaryAddress(), "0123FFFF")
    data = bytes(selection)
    assert data.hex(" ") == "ff ff ff ff ff ff ff ff 0c 78 ff ff 23 01"
    assert Selection.from_bytes(data) == selection
    assert selection.matches(METER, "01239999")
    assert not selection.matches(METER, "01249999")
    assert Selection.from_bytes(bytes(METER)) == Selection(METER)


@pytest.mark.parametrize("tail", ["0c", "0c 78 01 02 03", "0c 79 01 02 03 04", "04 78 01 02 03 04", "0c 78 1 2 3 4 5"])
def test_what_is_no_selection(tail: str) -> None:
    data = bytes(int(byte, 16) for byte in tail.split())
    with pytest.raises(CodingError):
        Selection.from_bytes(bytes(8) + data)
    with pytest.raises(CodingError):
        Selection.from_bytes(bytes(5))
