"""The secondary address: finding a meter without a primary one (EN 13757-3, selection and secondary addressing)."""

from __future__ import annotations

import string
from dataclasses import dataclass

from appliance.errors import CodingError
from appliance.mbus.manufacturer import decode_manufacturer
from appliance.mbus.medium import medium_name

SELECT = 0x52
"""CI field of a selection."""

FABRICATION_NUMBER = b"\x0c\x78"
"""DIF and VIF before the fabrication number in an enhanced selection: eight BCD digits, fabrication number."""

ANY_DIGITS = "FFFFFFFF"
ANY_MANUFACTURER = 0xFFFF
ANY_VERSION = 0xFF
ANY_MEDIUM = 0xFF


def digits_match(mask: str, digits: str) -> bool:
    """Whether each digit of `mask` is F (any) or the one at its place in `digits`."""
    return len(mask) == len(digits) and all(a in ("F", b) for a, b in zip(mask, digits, strict=True))


@dataclass(frozen=True)
class SecondaryAddress:
    """Identification number, manufacturer, version and medium; with wildcards it is a mask for selection."""

    identification: str = ANY_DIGITS
    """Eight digits as they are printed on the meter; F stands for any digit."""
    manufacturer: int = ANY_MANUFACTURER
    """16 bits, see `appliance.mbus.manufacturer`; a byte FF is any."""
    version: int = ANY_VERSION
    medium: int = ANY_MEDIUM

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises CodingError: for a field out of range.
        """
        if len(self.identification) != 8 or any(digit not in "0123456789ABCDEF" for digit in self.identification):
            raise CodingError(f"identification {self.identification!r} is not eight digits")
        for name, value, limit in (
            ("manufacturer", self.manufacturer, 0xFFFF),
            ("version", self.version, 0xFF),
            ("medium", self.medium, 0xFF),
        ):
            if not 0 <= value <= limit:
                raise CodingError(f"{name} {value} is not within 0 to {limit}")

    @classmethod
    def from_bytes(cls, data: bytes) -> SecondaryAddress:
        """Read the eight bytes as they stand in a header or a selection.

        :raises CodingError: when they are not eight.
        """
        if len(data) != 8:
            raise CodingError(f"a secondary address has 8 bytes, not {len(data)}")
        return cls(data[3::-1].hex().upper(), int.from_bytes(data[4:6], "little"), data[6], data[7])

    @classmethod
    def from_text(cls, text: str) -> SecondaryAddress:
        """Read the 16 hexadecimal digits that M-Bus tools write: identification, then the other bytes in bus order.

        :raises CodingError: when they are not 16 hexadecimal digits.
        """
        if len(text) != 16 or any(digit not in string.hexdigits for digit in text):
            raise CodingError(f"secondary address {text!r} is not 16 hexadecimal digits")
        data = bytes.fromhex(text)
        return cls.from_bytes(data[3::-1] + data[4:])

    def __bytes__(self) -> bytes:
        number = bytes.fromhex(self.identification)[::-1]
        return number + self.manufacturer.to_bytes(2, "little") + bytes([self.version, self.medium])

    @property
    def text(self) -> str:
        """The 16 hexadecimal digits that `from_text` reads."""
        data = bytes(self)
        return (data[3::-1] + data[4:]).hex().upper()

    def matches(self, meter: SecondaryAddress) -> bool:
        """Whether this mask selects `meter`."""
        return digits_match(self.identification, meter.identification) and all(
            mask in (0xFF, byte) for mask, byte in zip(bytes(self)[4:], bytes(meter)[4:], strict=True)
        )

    def __str__(self) -> str:
        maker = "any" if self.manufacturer == ANY_MANUFACTURER else decode_manufacturer(self.manufacturer)
        version = "any" if self.version == ANY_VERSION else f"{self.version}"
        medium = "any" if self.medium == ANY_MEDIUM else medium_name(self.medium)
        return f"{self.identification} {maker} version {version} {medium}"


@dataclass(frozen=True)
class Selection:
    """What a selection frame carries: a mask, and in the enhanced form the fabrication number too."""

    mask: SecondaryAddress
    fabrication: str = ""
    """Eight digits with F for any, or nothing in a plain selection."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Selection:
        """Read the data of a frame with CI 52.

        :raises CodingError: when it is neither a plain nor an enhanced selection.
        """
        mask = SecondaryAddress.from_bytes(data[:8])
        rest = data[8:]
        if not rest:
            return cls(mask)
        if len(rest) != 6 or rest[:2] != FABRICATION_NUMBER:
            raise CodingError(f"{rest.hex(' ')} is no fabrication number")
        return cls(mask, rest[:1:-1].hex().upper())

    def __bytes__(self) -> bytes:
        if not self.fabrication:
            return bytes(self.mask)
        return bytes(self.mask) + FABRICATION_NUMBER + bytes.fromhex(self.fabrication)[::-1]

    def matches(self, meter: SecondaryAddress, fabrication: str) -> bool:
        """Whether this selects the meter with that address and fabrication number (eight digits)."""
        return self.mask.matches(meter) and (not self.fabrication or digits_match(self.fabrication, fabrication))
