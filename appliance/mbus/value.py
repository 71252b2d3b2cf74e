"""The value of a data record: from bytes to an exact number or a text (EN 13757-3:2018, 6.3.3 and annexes A and B)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from decimal import Decimal

from appliance.errors import CodingError
from appliance.mbus.bcd import decode_bcd
from appliance.mbus.instants import read_decimal_instant, read_instant, type_of
from appliance.mbus.manufacturer import decode_manufacturer
from appliance.mbus.quantity import Reading
from appliance.mbus.record import Coding

_DECIMALS = (Coding.BCD_2, Coding.BCD_4, Coding.BCD_6, Coding.BCD_8, Coding.BCD_12)
_IDENTIFYING = (Reading.DIGITS, Reading.IDENTIFICATION)
_LENGTHS = {
    Coding.NONE: 0,
    Coding.INTEGER_8: 1,
    Coding.INTEGER_16: 2,
    Coding.INTEGER_24: 3,
    Coding.INTEGER_32: 4,
    Coding.REAL_32: 4,
    Coding.INTEGER_48: 6,
    Coding.INTEGER_64: 8,
    Coding.SELECTION: 0,
    Coding.BCD_2: 1,
    Coding.BCD_4: 2,
    Coding.BCD_6: 3,
    Coding.BCD_8: 4,
    Coding.BCD_12: 6,
}


@dataclass(frozen=True)
class Content:
    """What the bytes of a value say, before any scale."""

    value: Decimal | str | None
    """None where there is no value; the note says why."""
    note: str = ""
    kind: str = ""
    """How it is coded, in words."""


def variable_length(lvar: int) -> int:
    """Bytes that follow the LVAR byte (table 5).

    :raises CodingError: for a reserved one, whose length nobody can know.
    """
    if lvar <= 0xBF:
        return lvar
    if lvar <= 0xC9 or 0xD0 <= lvar <= 0xD9 or 0xE0 <= lvar <= 0xEF:
        return lvar & 0x0F
    if 0xF0 <= lvar <= 0xF4:
        return 4 * (lvar - 0xEC)
    if lvar in (0xF5, 0xF6):
        return {0xF5: 48, 0xF6: 64}[lvar]
    raise CodingError(f"LVAR {lvar:02X} is reserved")


def value_length(coding: Coding, data: bytes) -> int:
    """Bytes that a value has which begins `data`, its LVAR byte included.

    :raises CodingError: when the data field does not say so.
    """
    if coding is Coding.VARIABLE:
        if not data:
            raise CodingError("the length of the value is missing")
        return 1 + variable_length(data[0])
    if coding not in _LENGTHS:
        raise CodingError(f"data field {coding:X} has no length")
    return _LENGTHS[coding]


def read_value(coding: Coding, data: bytes, reading: Reading, *, high_first: bool = False) -> Content:
    """Read the bytes of a value, as many as `value_length` says. Never raises.

    :param high_first: the byte order of the abandoned mode 2, highest byte first.
    """
    if coding in (Coding.NONE, Coding.SELECTION):
        words = "no data" if coding is Coding.NONE else "selection for readout"
        return Content(None, words, words)
    if coding is Coding.VARIABLE:
        body = data[1:][::-1] if high_first else data[1:]
        return _variable(data[0], body, reading)
    return _fixed(coding, data[::-1] if high_first else data, reading)


def _fixed(coding: Coding, data: bytes, reading: Reading) -> Content:
    bits = 8 * len(data)
    if coding is Coding.REAL_32:
        if reading is Reading.MOMENT:
            return Content(None, "a real is no date", "32 bit real")
        return _real(data, "32 bit real")
    if coding in _DECIMALS:
        kind = f"{2 * len(data)} digit BCD"
        if reading is Reading.MOMENT:
            return _decimal_moment(coding, data, kind)
        return _digits(data, kind) if reading in _IDENTIFYING else _bcd(data, kind)
    if reading is Reading.MOMENT:
        instant = read_instant(data)
        return Content(instant.text, instant.note, f"date and time type {type_of(len(data))}".strip())
    return _integer(data, reading, f"{bits} bit integer")


def _decimal_moment(coding: Coding, data: bytes, kind: str) -> Content:
    if coding is not Coding.BCD_12:
        return Content(None, "BCD digits are no date", kind)
    instant = read_decimal_instant(data)
    return Content(instant.text, instant.note, kind)


def _variable(lvar: int, data: bytes, reading: Reading) -> Content:
    if reading is Reading.OCTETS:
        return Content(data.hex(" ").upper(), "", f"{len(data)} bytes")
    if lvar <= 0xBF:
        if reading is Reading.MAKERS and not is_text(data.strip(b"\0")):
            return Content(data.hex(" ").upper(), "bytes as they stand", f"{len(data)} bytes")
        return _text(data)
    if reading is Reading.MOMENT:
        return Content(None, f"date and time of type M, not decoded: {data.hex(' ').upper()}", "type M")
    if lvar <= 0xD9:
        kind = f"{2 * len(data)} digit BCD"
        if reading in _IDENTIFYING and lvar <= 0xC9:
            return _digits(data, kind)
        content = _bcd(data, kind)
        if lvar >= 0xD0 and isinstance(content.value, Decimal):
            return Content(-content.value if content.value else content.value, content.note, f"negative {kind}")
        return content
    return _integer(data, reading, f"{8 * len(data)} bit binary")


def is_text(data: bytes) -> bool:
    """Tell whether bytes are characters of ISO 8859-1, and neither control codes nor nothing at all."""
    return bool(data) and all(0x20 <= byte <= 0x7E or byte >= 0xA0 for byte in data)


def _text(data: bytes) -> Content:
    # ISO 8859-1, the last character comes first.
    return Content(data[::-1].decode("latin-1"), "", f"text of {len(data)} characters")


def _digits(data: bytes, kind: str) -> Content:
    digits = data[::-1].hex().upper()
    return Content(digits, "" if digits.isdecimal() else "digits that are not decimal", kind)


def _bcd(data: bytes, kind: str) -> Content:
    if not data:
        return Content(None, "no digits", kind)
    try:
        return Content(Decimal(decode_bcd(data)), "", kind)
    except CodingError:
        digits = data[::-1].hex().upper()
        return Content(None, f"error of the meter: digits {digits} are no number (annex B)", kind)


def _integer(data: bytes, reading: Reading, kind: str) -> Content:
    if not data:
        return Content(None, "no bytes", kind)
    unsigned = int.from_bytes(data, "little")
    all_ones = unsigned == (1 << 8 * len(data)) - 1
    if reading is Reading.MANUFACTURER:
        if len(data) != 2:
            return Content(Decimal(unsigned), "a manufacturer has 2 bytes", kind)
        return Content(decode_manufacturer(unsigned), "", kind)
    if reading in (Reading.OCTETS, Reading.DAYLIGHT_SAVING):
        return Content(data.hex(" ").upper(), "", kind)
    if reading is Reading.IDENTIFICATION and len(data) == 8:
        # A whole secondary address; its text is the one that M-Bus tools write.
        text = (data[3::-1] + data[4:]).hex().upper()
        return Content(text, "identification, then manufacturer, version and device type in bus order", kind)
    if reading in _IDENTIFYING:
        return Content(str(unsigned), "", kind)
    if reading is Reading.BITS:
        return Content(Decimal(unsigned), "", f"{kind}, type D")
    if reading is Reading.UNSIGNED:
        note = "all bits set: invalid by annex A" if all_ones and len(data) > 1 else ""
        return Content(Decimal(unsigned), note, f"{kind}, type C")
    signed = int.from_bytes(data, "little", signed=True)
    if signed == -(1 << 8 * len(data) - 1):
        return Content(None, f"invalid: the lowest number, {data[::-1].hex().upper()} (annex A, type B)", kind)
    return Content(Decimal(signed), "", kind)


def _real(data: bytes, kind: str) -> Content:
    number = struct.unpack("<f", data)[0]
    if not math.isfinite(number):
        return Content(None, "not a number" if math.isnan(number) else "infinite", kind)
    return Content(shortest_decimal(number), "", kind)


def shortest_decimal(number: float) -> Decimal:
    """Give the decimal with the fewest digits that is this number of single precision, and no other one."""
    if number == 0:
        return Decimal(0)
    wanted = struct.pack("<f", number)
    for digits in range(1, 10):
        text = f"{number:.{digits - 1}e}"
        try:
            if struct.pack("<f", float(text)) == wanted:
                return Decimal(text)
        except OverflowError:  # rounded beyond the largest number of single precision
            continue
    return Decimal(text)


def scaled(number: Decimal, exponent: int, halvings: int = 0) -> Decimal:
    """Multiply exactly by ten to `exponent` and two to minus `halvings`, whatever the precision in force."""
    sign, digits, own = number.as_tuple()
    if not isinstance(own, int):
        raise CodingError(f"{number} cannot be scaled")
    if halvings:
        whole = int("".join(map(str, digits))) * 5**halvings
        digits, own = tuple(map(int, str(whole))), own - halvings
    return Decimal((sign, digits, own + exponent))


def added(number: Decimal, exponent: int) -> Decimal:
    """Add ten to `exponent` exactly."""
    sign, digits, own = number.as_tuple()
    if not isinstance(own, int):
        raise CodingError(f"{number} cannot be added to")
    lowest = min(own, exponent)
    whole = int("".join(map(str, digits))) * 10 ** (own - lowest)
    total = (-whole if sign else whole) + 10 ** (exponent - lowest)
    return Decimal((int(total < 0), tuple(map(int, str(abs(total)))), lowest))


def plain(value: Decimal | str | None) -> str | None:
    """Write a value as plain text: a number in full, without an exponent."""
    return format(value, "f") if isinstance(value, Decimal) else value
