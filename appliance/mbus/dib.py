"""The data information block: DIF and DIFEs (EN 13757-3:2018, 6.3)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import CodingError
from appliance.mbus.part import Part
from appliance.mbus.record import EXTENSION, MAX_EXTENSIONS, Coding, Function

FUNCTIONS = {
    Function.INSTANTANEOUS: "instantaneous value",
    Function.MAXIMUM: "maximum value",
    Function.MINIMUM: "minimum value",
    Function.DURING_ERROR: "value during error state",
}
"""The function field in words (table 6)."""

CODINGS = {
    Coding.NONE: "no data",
    Coding.INTEGER_8: "8 bit integer",
    Coding.INTEGER_16: "16 bit integer",
    Coding.INTEGER_24: "24 bit integer",
    Coding.INTEGER_32: "32 bit integer",
    Coding.REAL_32: "32 bit real",
    Coding.INTEGER_48: "48 bit integer",
    Coding.INTEGER_64: "64 bit integer",
    Coding.SELECTION: "selection for readout",
    Coding.BCD_2: "2 digit BCD",
    Coding.BCD_4: "4 digit BCD",
    Coding.BCD_6: "6 digit BCD",
    Coding.BCD_8: "8 digit BCD",
    Coding.VARIABLE: "variable length",
    Coding.BCD_12: "12 digit BCD",
    Coding.SPECIAL: "special function",
}
"""The data field in words (table 4)."""


@dataclass(frozen=True)
class DataInformation:
    """What a DIB says."""

    coding: Coding
    function: Function
    storage: int
    """Up to 41 bits."""
    tariff: int
    """Up to 20 bits."""
    subunit: int
    """Up to 10 bits."""
    length: int
    """Bytes of the block."""
    error: str
    parts: tuple[Part, ...]


def read_dib(data: bytes, offset: int) -> DataInformation:
    """Read the block that begins at `offset`.

    More DIFEs than are allowed make an error of the record, not one of the telegram: its length can still be told.

    :raises CodingError: when the block has no end.
    """
    first = data[offset]
    storage, tariff, subunit = first >> 6 & 1, 0, 0
    coding, function = Coding(first & 0x0F), Function(first >> 4 & 3)
    parts = [Part(offset, data[offset : offset + 1], f"DIF: {CODINGS[coding]}, {FUNCTIONS[function]}")]
    place, count = offset, 0
    while data[place] & EXTENSION:
        place += 1
        if place >= len(data):
            raise CodingError(f"the DIB at byte {offset} has no end")
        byte = data[place]
        if count < MAX_EXTENSIONS:
            storage |= (byte & 0x0F) << 1 + 4 * count
            tariff |= (byte >> 4 & 3) << 2 * count
            subunit |= (byte >> 6 & 1) << count
        count += 1
        meaning = f"DIFE {count}: storage {byte & 0x0F}, tariff {byte >> 4 & 3}, subunit {byte >> 6 & 1}"
        parts.append(Part(place, data[place : place + 1], meaning))
    error = f"{count} DIFEs, at most {MAX_EXTENSIONS} are allowed" if count > MAX_EXTENSIONS else ""
    return DataInformation(coding, function, storage, tariff, subunit, count + 1, error, tuple(parts))
