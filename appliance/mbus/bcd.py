"""Packed decimal digits, type A of EN 13757-3: two digits a byte, the lowest byte first."""

from __future__ import annotations

from appliance.errors import CodingError

_MINUS = 0xF


def encode_bcd(value: int, digits: int) -> bytes:
    """Pack `value` into `digits` digits (an even number).

    A negative value has F in place of its highest digit, and so one digit less of room.

    :raises CodingError: when the value has more digits than there is room for.
    """
    room = digits if value >= 0 else digits - 1
    text = f"{abs(value):0{room}d}"
    if digits % 2 or len(text) > room:
        raise CodingError(f"{value} does not fit {digits} BCD digits")
    if value < 0:
        text = f"{_MINUS:X}{text}"
    return bytes.fromhex(text)[::-1]


def decode_bcd(data: bytes) -> int:
    """Unpack a number.

    :raises CodingError: for a nibble that is no digit, other than F as the highest for minus.
    """
    text = data[::-1].hex()
    sign = 1
    if text[:1] == "f":
        sign, text = -1, text[1:]
    if not text.isdecimal():
        raise CodingError(f"{data.hex(' ')} holds a nibble that is no decimal digit")
    return sign * int(text)
