"""Data records of the variable structure: DIF, DIFEs, VIF, VIFEs and the value's bytes (EN 13757-3, data records)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from appliance.errors import CodingError
from appliance.mbus.bcd import encode_bcd

if TYPE_CHECKING:
    from datetime import date, datetime

MORE_FOLLOWS = 0x1F
"""A DIF that ends a telegram: the meter has more records in its next one."""
MANUFACTURER_SPECIFIC = 0x0F
"""A DIF that ends the records: what follows is the maker's own."""
IDLE_FILLER = 0x2F
"""A DIF that means nothing and is skipped."""

EXTENSION = 0x80
"""Bit 7 of a DIF, DIFE, VIF or VIFE: another one follows."""

MAX_EXTENSIONS = 10
"""Most DIFEs or VIFEs that a record may have."""


class Coding(IntEnum):
    """The data field, low four bits of a DIF: length and coding of the value."""

    NONE = 0x0
    INTEGER_8 = 0x1
    INTEGER_16 = 0x2
    INTEGER_24 = 0x3
    INTEGER_32 = 0x4
    REAL_32 = 0x5
    INTEGER_48 = 0x6
    INTEGER_64 = 0x7
    SELECTION = 0x8
    """No value: the record asks for one (selection for readout)."""
    BCD_2 = 0x9
    BCD_4 = 0xA
    BCD_6 = 0xB
    BCD_8 = 0xC
    VARIABLE = 0xD
    """The first byte of the value says how long it is and how it is coded (LVAR)."""
    BCD_12 = 0xE
    SPECIAL = 0xF
    """No value: `MORE_FOLLOWS`, `MANUFACTURER_SPECIFIC`, `IDLE_FILLER` and the like."""


class Function(IntEnum):
    """The function field, bits 5 and 4 of a DIF: which value of the quantity this is."""

    INSTANTANEOUS = 0
    MAXIMUM = 1
    MINIMUM = 2
    DURING_ERROR = 3


_INTEGERS = {
    1: Coding.INTEGER_8,
    2: Coding.INTEGER_16,
    3: Coding.INTEGER_24,
    4: Coding.INTEGER_32,
    6: Coding.INTEGER_48,
    8: Coding.INTEGER_64,
}
_DECIMALS = {2: Coding.BCD_2, 4: Coding.BCD_4, 6: Coding.BCD_6, 8: Coding.BCD_8, 12: Coding.BCD_12}


@dataclass(frozen=True)
class Value:
    """A value as it stands in a telegram: how it is coded, and its bytes."""

    coding: Coding
    data: bytes


def integer(value: int, size: int) -> Value:
    """Signed binary number of `size` bytes: 1, 2, 3, 4, 6 or 8 (type B).

    :raises CodingError: when it does not fit, or there is no such size.
    """
    if size not in _INTEGERS:
        raise CodingError(f"there is no integer of {size} bytes")
    try:
        return Value(_INTEGERS[size], value.to_bytes(size, "little", signed=True))
    except OverflowError as error:
        raise CodingError(f"{value} does not fit {size} bytes") from error


def decimal(value: int, digits: int) -> Value:
    """Packed decimal number of 2, 4, 6, 8 or 12 digits (type A).

    :raises CodingError: when it does not fit, or there is no such number of digits.
    """
    if digits not in _DECIMALS:
        raise CodingError(f"there is no BCD number of {digits} digits")
    return Value(_DECIMALS[digits], encode_bcd(value, digits))


def real(value: float) -> Value:
    """IEEE 754 number of four bytes (type H).

    :raises CodingError: when it is too large for single precision.
    """
    try:
        return Value(Coding.REAL_32, struct.pack("<f", value))
    except OverflowError as error:
        raise CodingError(f"{value} does not fit a real of 32 bits") from error


def text(value: str) -> Value:
    """Latin-1 text with its length before it, sent last character first (LVAR 00 to BF).

    :raises CodingError: for more than 191 characters, or one outside ISO 8859-1.
    """
    try:
        data = value.encode("latin-1")[::-1]
    except UnicodeEncodeError as error:
        raise CodingError(f"{value!r} has a character outside ISO 8859-1") from error
    if len(data) > 0xBF:
        raise CodingError(f"text of {len(data)} characters, at most 191 fit")
    return Value(Coding.VARIABLE, bytes([len(data)]) + data)


def day(value: date) -> Value:
    """Date (type G): the year without its century, so 1981 to 2080 by custom.

    :raises CodingError: for a year outside of 1981 to 2080.
    """
    return Value(Coding.INTEGER_16, _day_bytes(value))


def moment(value: datetime, *, summer: bool = False) -> Value:
    """Date and time to the minute (type F); `summer` is the daylight saving flag, the zone of `value` is not sent.

    :raises CodingError: for a year outside of 1981 to 2080.
    """
    hundreds = 0 if value.year < 2000 else 1
    clock = bytes([value.minute, value.hour | hundreds << 5 | (0x80 if summer else 0)])
    return Value(Coding.INTEGER_32, clock + _day_bytes(value))


def _day_bytes(value: date) -> bytes:
    if not 1981 <= value.year <= 2080:
        raise CodingError(f"year {value.year} is outside of 1981 to 2080")
    year = value.year % 100
    return bytes([value.day | (year & 0x07) << 5, value.month | (year & 0x78) << 1])


@dataclass(frozen=True)
class Record:
    """One value of one quantity. Its bytes are what a telegram carries."""

    value: Value
    information: bytes
    """The value information block: VIF and VIFEs, extension bits included."""
    function: Function = Function.INSTANTANEOUS
    storage: int = 0
    """0 is now, higher ones are older or set-day values."""
    tariff: int = 0
    subunit: int = 0
    """Which part of a device that has several (input 1, input 2, ...)."""

    def __bytes__(self) -> bytes:
        first = self.value.coding | self.function << 4 | (self.storage & 1) << 6
        storage, tariff, subunit = self.storage >> 1, self.tariff, self.subunit
        extensions = bytearray()
        while storage or tariff or subunit:
            extensions.append(storage & 0x0F | (tariff & 0x03) << 4 | (subunit & 0x01) << 6)
            storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
        if len(extensions) > MAX_EXTENSIONS:
            raise CodingError(f"storage {self.storage} needs more than {MAX_EXTENSIONS} DIFEs")
        block = bytearray([first, *extensions])
        for place in range(len(block) - 1):
            block[place] |= EXTENSION
        return bytes(block) + self.information + self.value.data
