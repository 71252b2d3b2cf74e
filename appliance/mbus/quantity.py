"""What a value measures: the rows of the VIF tables, and the ones that the simulator's meters use (EN 13757-3, 6.4).

Most VIFs come in runs: the low bits are an exponent of ten that scales the value. A quantity has one unit in every
table, so 10^(n-1) MWh of the extension table is told in Wh as the energy of the primary table is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from appliance.errors import CodingError


class Reading(Enum):
    """How the bytes of a value are to be read, as far as the quantity decides that and not the DIF alone."""

    NUMBER = auto()
    """By the data field: BCD of type A, signed integer of type B, real of type H."""
    UNSIGNED = auto()
    """Integers are of type C."""
    BITS = auto()
    """Integers are fields of bits, type D; the value is the number that the bits make."""
    DIGITS = auto()
    """A number that identifies: digits as text, with leading zeros."""
    IDENTIFICATION = auto()
    """The same, or eight bytes of a secondary address."""
    MANUFACTURER = auto()
    """Three letters in 16 bits."""
    MOMENT = auto()
    """A date, a time or both: which of types F, G, I, J, M it is follows from the length."""
    DAYLIGHT_SAVING = auto()
    """Type K."""
    OCTETS = auto()
    """A container: told as hexadecimal digits."""
    MAKERS = auto()
    """The maker's own: numbers by the data field, and what it calls a text as hexadecimal digits unless it is one."""


@dataclass(frozen=True)
class Quantity:
    """A run of VIFs with one meaning."""

    name: str
    unit: str
    base: int
    """The first code of the run."""
    lowest: int = 0
    """Exponent of ten that the first code stands for."""
    steps: int = 1
    """Codes in the run."""
    prefix: bytes = b""
    """FB or FD for the extension tables, FD FD for the second level of the latter."""
    reading: Reading = Reading.NUMBER
    halvings: int = 0
    """The value is a multiple of two to the power of minus this."""
    remark: str = ""
    """What a reader of the value should know."""

    def vif(self, exponent: int = 0, *orthogonal: int) -> bytes:
        """Value information block for values in 10**`exponent` units, with the given orthogonal VIFEs.

        :raises CodingError: when the run does not reach that far.
        """
        step = exponent - self.lowest
        if not 0 <= step < self.steps:
            raise CodingError(f"{self.name} cannot be told in 10^{exponent} {self.unit}")
        block = bytearray(self.prefix + bytes([self.base + step, *orthogonal]))
        for place in range(len(block) - 1):
            block[place] |= 0x80
        return bytes(block)

    def exponent(self, code: int) -> int:
        """Exponent of ten that `code` of this run stands for."""
        return self.lowest + code - self.base


def spread(rows: tuple[Quantity, ...]) -> dict[int, Quantity]:
    """Lay a table out by its codes."""
    return {code: row for row in rows for code in range(row.base, row.base + row.steps)}


TIME_UNITS = ("s", "min", "h", "d")
"""What two bits `nn` of a duration stand for."""

LONG_TIME_UNITS = ("h", "d", "month", "year")
"""What two bits `pp` of a long duration stand for."""


def durations(
    name: str, base: int, prefix: bytes = b"", reading: Reading = Reading.NUMBER, units: tuple[str, ...] = TIME_UNITS
) -> tuple[Quantity, ...]:
    """Rows of a duration, one for each unit of time."""
    return tuple(
        Quantity(name, unit, base + step, prefix=prefix, reading=reading) for step, unit in enumerate(units) if unit
    )


ENERGY = Quantity("energy", "Wh", 0x00, -3, 8)
HEAT_ENERGY = Quantity("energy", "J", 0x08, 0, 8)
VOLUME = Quantity("volume", "m³", 0x10, -6, 8)
MASS = Quantity("mass", "kg", 0x18, -3, 8)
POWER = Quantity("power", "W", 0x28, -3, 8)
VOLUME_FLOW = Quantity("volume flow", "m³/h", 0x38, -6, 8)
FLOW_TEMPERATURE = Quantity("flow temperature", "°C", 0x58, -3, 4)
RETURN_TEMPERATURE = Quantity("return temperature", "°C", 0x5C, -3, 4)
TEMPERATURE_DIFFERENCE = Quantity("temperature difference", "K", 0x60, -3, 4)
EXTERNAL_TEMPERATURE = Quantity("external temperature", "°C", 0x64, -3, 4)
PRESSURE = Quantity("pressure", "bar", 0x68, -3, 4)

ON_TIME_DAYS = Quantity("on time", "d", 0x23)
OPERATING_TIME_DAYS = Quantity("operating time", "d", 0x27)
OPERATING_TIME_HOURS = Quantity("operating time", "h", 0x26)
DATE = Quantity("date", "", 0x6C, reading=Reading.MOMENT)
DATE_TIME = Quantity("date and time", "", 0x6D, reading=Reading.MOMENT)
ALLOCATION = Quantity("units for H.C.A.", "", 0x6E)
FABRICATION_NUMBER = Quantity("fabrication number", "", 0x78, reading=Reading.DIGITS)
ENHANCED_IDENTIFICATION = Quantity("enhanced identification", "", 0x79, reading=Reading.IDENTIFICATION)
BUS_ADDRESS = Quantity("address", "", 0x7A, reading=Reading.UNSIGNED)

_FB = b"\xfb"
_FD = b"\xfd"

HUMIDITY = Quantity("relative humidity", "%", 0x1A, -1, 2, _FB, Reading.UNSIGNED)

MODEL = Quantity("model / version", "", 0x0C, prefix=_FD, reading=Reading.UNSIGNED)
HARDWARE_VERSION = Quantity("hardware version number", "", 0x0D, prefix=_FD, reading=Reading.UNSIGNED)
FIRMWARE_VERSION = Quantity("metrology (firmware) version number", "", 0x0E, prefix=_FD, reading=Reading.UNSIGNED)
CUSTOMER_LOCATION = Quantity("customer location", "", 0x10, prefix=_FD, reading=Reading.UNSIGNED)
ERROR_FLAGS = Quantity("error flags", "", 0x17, prefix=_FD, reading=Reading.BITS)
VOLTAGE = Quantity("voltage", "V", 0x40, -9, 16, _FD)
CURRENT = Quantity("current", "A", 0x50, -12, 16, _FD)


def plain_text(unit: str) -> bytes:
    """Value information block of a unit that no table has: VIF 7C, the length, the text last character first.

    :raises CodingError: when it is longer than 191 characters or not ASCII.
    """
    if len(unit) > 0xBF or not unit.isascii():
        raise CodingError(f"{unit!r} cannot be a plain text unit")
    return bytes([0x7C, len(unit)]) + unit.encode("ascii")[::-1]
