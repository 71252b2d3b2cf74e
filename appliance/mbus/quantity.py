"""Quantities and their VIFs (EN 13757-3, primary VIF table and the extension tables behind FB and FD).

Most VIFs come in runs: the low bits are an exponent of ten that scales the value.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import CodingError


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
    """FB or FD for the extension tables."""

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


ENERGY = Quantity("energy", "Wh", 0x00, -3, 8)
HEAT_ENERGY = Quantity("energy", "J", 0x08, 0, 8)
VOLUME = Quantity("volume", "m3", 0x10, -6, 8)
MASS = Quantity("mass", "kg", 0x18, -3, 8)
POWER = Quantity("power", "W", 0x28, -3, 8)
VOLUME_FLOW = Quantity("volume flow", "m3/h", 0x38, -6, 8)
FLOW_TEMPERATURE = Quantity("flow temperature", "C", 0x58, -3, 4)
RETURN_TEMPERATURE = Quantity("return temperature", "C", 0x5C, -3, 4)
TEMPERATURE_DIFFERENCE = Quantity("temperature difference", "K", 0x60, -3, 4)
EXTERNAL_TEMPERATURE = Quantity("external temperature", "C", 0x64, -3, 4)
PRESSURE = Quantity("pressure", "bar", 0x68, -3, 4)

ON_TIME_DAYS = Quantity("on time", "d", 0x23)
OPERATING_TIME_DAYS = Quantity("operating time", "d", 0x27)
OPERATING_TIME_HOURS = Quantity("operating time", "h", 0x26)
DATE = Quantity("date", "", 0x6C)
DATE_TIME = Quantity("date and time", "", 0x6D)
ALLOCATION = Quantity("heat cost allocation", "units", 0x6E)
FABRICATION_NUMBER = Quantity("fabrication number", "", 0x78)
ENHANCED_IDENTIFICATION = Quantity("enhanced identification", "", 0x79)
BUS_ADDRESS = Quantity("bus address", "", 0x7A)

HUMIDITY = Quantity("relative humidity", "%", 0x1A, -1, 2, b"\xfb")

MODEL = Quantity("model", "", 0x0C, prefix=b"\xfd")
HARDWARE_VERSION = Quantity("hardware version", "", 0x0D, prefix=b"\xfd")
FIRMWARE_VERSION = Quantity("firmware version", "", 0x0E, prefix=b"\xfd")
CUSTOMER_LOCATION = Quantity("customer location", "", 0x10, prefix=b"\xfd")
ERROR_FLAGS = Quantity("error flags", "", 0x17, prefix=b"\xfd")
VOLTAGE = Quantity("voltage", "V", 0x40, -9, 16, b"\xfd")
CURRENT = Quantity("current", "A", 0x50, -12, 16, b"\xfd")


def plain_text(unit: str) -> bytes:
    """Value information block of a unit that no table has: VIF 7C, the length, the text last character first.

    :raises CodingError: when it is longer than 191 characters or not ASCII.
    """
    if len(unit) > 0xBF or not unit.isascii():
        raise CodingError(f"{unit!r} cannot be a plain text unit")
    return bytes([0x7C, len(unit)]) + unit.encode("ascii")[::-1]
