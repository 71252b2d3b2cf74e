"""What stands before the records of an answer: the long header of CI 72, and the fixed structure of CI 73."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from appliance.errors import CodingError
from appliance.mbus.bcd import decode_bcd, encode_bcd
from appliance.mbus.secondary import SecondaryAddress


class Information(IntEnum):
    """CI fields (EN 13757-3, table of CI fields; EN 13757-7 has the newer editions)."""

    RESET = 0x50
    """Application reset, with or without a subcode."""
    SEND = 0x51
    """Data to the meter: records."""
    SELECT = 0x52
    """Selection of a slave."""
    SELECT_HIGH_FIRST = 0x56
    """Selection in the abandoned mode 2, highest byte first."""
    VARIABLE = 0x72
    """Answer with the long header and records."""
    FIXED = 0x73
    """Answer in the fixed structure."""
    VARIABLE_NO_HEADER = 0x78
    """Answer with records alone."""
    BAUD_300 = 0xB8
    """Go to 300 bit/s after the acknowledgement. B9 to BF stand for 600 to 38400."""
    BAUD_2400 = 0xBB


BAUD_RATES = {0xB8 + step: 300 << step for step in range(8)}
"""CI fields that set a baud rate, with the rate in bit/s."""

HEADER_LENGTH = 12
FIXED_LENGTH = 16


@dataclass(frozen=True)
class LongHeader:
    """The 12 bytes after CI 72 (EN 13757-3, fixed data header)."""

    address: SecondaryAddress
    access: int
    """Access number: one higher with each answer, modulo 256."""
    status: int = 0
    signature: int = 0

    @classmethod
    def from_bytes(cls, data: bytes) -> LongHeader:
        """Read the header at the beginning of `data`.

        :raises CodingError: when there is less than a header.
        """
        if len(data) < HEADER_LENGTH:
            raise CodingError(f"a header has {HEADER_LENGTH} bytes, not {len(data)}")
        address = SecondaryAddress.from_bytes(data[:8])
        return cls(address, data[8], data[9], int.from_bytes(data[10:12], "little"))

    def __bytes__(self) -> bytes:
        return bytes(self.address) + bytes([self.access, self.status]) + self.signature.to_bytes(2, "little")


class FixedUnit(IntEnum):
    """Units of the fixed structure (EN 13757-3 of 2004, annex on the fixed data structure); a few of 64."""

    KILOWATT_HOUR = 0x05
    LITRE = 0x29
    CUBIC_METRE = 0x2C
    ALLOCATION = 0x39
    SAME_BUT_HISTORIC = 0x3E


@dataclass(frozen=True)
class FixedStructure:
    """The 16 bytes after CI 73: two counters and their units. Old meters have nothing else."""

    identification: int
    """Up to eight digits."""
    access: int
    medium: int
    """Four bits with a table of their own: 2 electricity, 3 gas, 4 heat, 6 warm water, 7 water, 8 heat cost."""
    unit: int
    """Six bits, see `FixedUnit`."""
    counter: int
    historic_unit: int
    historic: int
    status: int = 0
    """Bit 0: the counters are signed binary numbers, not BCD. Bit 1: they stood so at a fixed date."""

    @classmethod
    def from_bytes(cls, data: bytes) -> FixedStructure:
        """Read the structure.

        :raises CodingError: when the length is wrong or a BCD counter holds no digits.
        """
        if len(data) != FIXED_LENGTH:
            raise CodingError(f"a fixed structure has {FIXED_LENGTH} bytes, not {len(data)}")
        status = data[5]
        counters = [data[8:12], data[12:16]]
        first, second = [
            int.from_bytes(counter, "little", signed=True) if status & 1 else decode_bcd(counter)
            for counter in counters
        ]
        medium = data[6] >> 6 | (data[7] >> 6) << 2
        return cls(
            identification=decode_bcd(data[:4]),
            access=data[4],
            medium=medium,
            unit=data[6] & 0x3F,
            counter=first,
            historic_unit=data[7] & 0x3F,
            historic=second,
            status=status,
        )

    def __bytes__(self) -> bytes:
        units = bytes([self.unit | (self.medium & 3) << 6, self.historic_unit | (self.medium >> 2) << 6])
        return (
            encode_bcd(self.identification, 8)
            + bytes([self.access & 0xFF, self.status])
            + units
            + self._counter(self.counter)
            + self._counter(self.historic)
        )

    def _counter(self, value: int) -> bytes:
        if not self.status & 1:
            return encode_bcd(value, 8)
        try:
            return value.to_bytes(4, "little", signed=True)
        except OverflowError as error:
            raise CodingError(f"counter {value} does not fit 4 bytes") from error
