"""The manufacturer field: three letters in 16 bits, as the FLAG association registers them.

EN 13757-3, the manufacturer identification: five bits a letter, A is 1, the first letter in the highest bits.
"""

from __future__ import annotations

from appliance.errors import CodingError

_OFFSET = ord("A") - 1


def encode_manufacturer(letters: str) -> int:
    """Return the number of the three-letter code, such as 0x0442 for ABB.

    :raises CodingError: when it is not three letters A to Z.
    """
    if len(letters) != 3 or not all("A" <= letter <= "Z" for letter in letters):
        raise CodingError(f"manufacturer {letters!r} is not three letters A to Z")
    first, second, third = (ord(letter) - _OFFSET for letter in letters)
    return first << 10 | second << 5 | third


def decode_manufacturer(number: int) -> str:
    """Return the three letters of the number. Bit 15 is no part of them.

    Numbers outside the alphabet occur in the field; they give the characters that the same sum makes ('@', '[' and so
    on), so that two different numbers never look alike.

    :raises CodingError: when it is not a 16-bit number.
    """
    if not 0 <= number <= 0xFFFF:
        raise CodingError(f"manufacturer number {number} does not fit 16 bits")
    return "".join(chr((number >> shift & 0x1F) + _OFFSET) for shift in (10, 5, 0))
