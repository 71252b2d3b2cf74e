"""What stands before the records: long and short headers, and the fields that the fixed structure has of them."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import CodingError
from appliance.mbus.application import Heading, status_words
from appliance.mbus.manufacturer import decode_manufacturer
from appliance.mbus.medium import medium_name
from appliance.mbus.part import Part

LENGTHS = {Heading.NONE: 0, Heading.SHORT: 4, Heading.LONG: 12}
"""Bytes of each kind of header (EN 13757-7:2018, 7.3 and 7.4)."""


@dataclass(frozen=True)
class Header:
    """Who answers, and in which state. A field that the kind of header does not have is None."""

    identification: str | None
    """Eight digits as they are printed on the meter; a faulty meter may tell A to F among them."""
    manufacturer: str | None
    """Three letters."""
    version: int | None
    medium: int | None
    """The device type; of the fixed structure, a code of its own table."""
    medium_name: str | None
    access: int
    """Access number: one higher with each answer, modulo 256."""
    status: int
    configuration: int | None = None
    """The configuration field, formerly the signature."""


def read_header(
    data: bytes, offset: int, kind: Heading, *, high_first: bool = False
) -> tuple[Header | None, tuple[Part, ...]]:
    """Read the header that begins at `offset`; nothing for the kind that is none.

    :raises CodingError: when there are fewer bytes than the header has.
    """
    length = LENGTHS[kind]
    if not length:
        return None, ()
    octets = data[offset : offset + length]
    if len(octets) < length:
        raise CodingError(f"the header has {length} bytes, {len(octets)} are there")
    step = 1 if high_first else -1
    address, rest = octets[:-4], octets[-4:]
    access, status = rest[0], rest[1]
    configuration = int.from_bytes(rest[2:][::step], "big")
    parts: list[Part] = []
    identification = manufacturer = name = None
    version = medium = None
    if address:
        identification = address[:4][::step].hex().upper()
        manufacturer = decode_manufacturer(int.from_bytes(address[4:6][::step], "big"))
        version, medium = address[6], address[7]
        name = medium_name(medium)
        parts += [
            Part(offset, address[:4], f"identification {identification}"),
            Part(offset + 4, address[4:6], f"manufacturer {manufacturer}"),
            Part(offset + 6, address[6:7], f"version {version}"),
            Part(offset + 7, address[7:8], f"device type: {name}"),
        ]
    place = offset + len(address)
    parts += [
        Part(place, rest[:1], f"access number {access}"),
        Part(place + 1, rest[1:2], f"status: {', '.join(status_words(status)) or 'no error'}"),
        Part(place + 2, rest[2:], f"configuration field {configuration:04X}"),
    ]
    header = Header(identification, manufacturer, version, medium, name, access, status, configuration)
    return header, tuple(parts)
