"""One meter of the list."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.mbus.manufacturer import decode_manufacturer
from appliance.mbus.medium import medium_name
from appliance.mbus.secondary import ANY_MANUFACTURER, ANY_MEDIUM, ANY_VERSION, SecondaryAddress

MOST_METERS = 256
"""Meters that the list has room for."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter as the list has it: how it is reached, and when it is read."""

    key: int
    """Its number in the list: from 1, never given again to another meter."""
    name: str
    """What its owner calls it."""
    baud: int
    """Speed at which it answers, in bit/s."""
    primary: int | None = None
    """Its primary address, 0 to 250; None where that is not known."""
    secondary: str = ""
    """Its secondary address, 16 digits; empty for one that tells no identification."""
    fabrication: str = ""
    """Fabrication number of an enhanced selection; empty where it is not needed."""
    reads_by_primary: bool = False
    """Whether it is read at its primary address although its secondary one is known."""
    high_first: bool = False
    """Whether it understands only the selection of mode 2."""
    interval: int = 0
    """Seconds between two readouts of the schedule; 0 where it is read on demand alone."""
    on_battery: bool = False
    """Whether a battery feeds it, which every answer shortens the life of."""

    @property
    def _address(self) -> SecondaryAddress | None:
        return SecondaryAddress.from_text(self.secondary) if self.secondary else None

    @property
    def identification(self) -> str:
        """Its identification number of eight digits; empty where it is not known."""
        return self.secondary[:8]

    @property
    def manufacturer(self) -> str:
        """The three letters of its maker; empty where they are not known."""
        address = self._address
        if address is None or address.manufacturer == ANY_MANUFACTURER:
            return ""
        return decode_manufacturer(address.manufacturer)

    @property
    def version(self) -> int | None:
        """Its version; None where it is not known."""
        address = self._address
        return None if address is None or address.version == ANY_VERSION else address.version

    @property
    def medium(self) -> str:
        """What it measures, in words; empty where that is not known."""
        address = self._address
        return "" if address is None or address.medium == ANY_MEDIUM else medium_name(address.medium)

    @property
    def address_text(self) -> str:
        """The address at which it is read, in words."""
        if self.secondary and not self.reads_by_primary:
            return self.secondary + (f"/{self.fabrication}" if self.fabrication else "")
        return "" if self.primary is None else str(self.primary)
