"""The fixed data structure of CI 73 and 77 (EN 13757-3:2004, annex on the fixed data structure; EN 1434-3)."""

from __future__ import annotations

from dataclasses import dataclass

SAME_BUT_HISTORIC = 0x3E
"""The second counter is of the first one's unit, and older."""

MEDIA = (
    "other",
    "oil",
    "electricity",
    "gas",
    "heat",
    "steam",
    "hot water",
    "water",
    "heat cost allocator",
    "reserved",
    "gas mode 2",
    "heat mode 2",
    "hot water mode 2",
    "water mode 2",
    "heat cost allocator mode 2",
    "reserved",
)
"""What is measured, by the four bits that stand above the two units."""


@dataclass(frozen=True)
class CounterUnit:
    """One of the 64 units of a counter."""

    quantity: str
    unit: str = ""
    exponent: int = 0


def _runs() -> dict[int, CounterUnit]:
    units = {
        0x00: CounterUnit("time", "h,m,s"),
        0x01: CounterUnit("date", "D,M,Y"),
        0x38: CounterUnit("temperature", "°C", -3),
        0x39: CounterUnit("units for H.C.A."),
        0x3F: CounterUnit("without units"),
    }
    # Each run goes up by a power of ten with each code.
    for first, last, quantity, unit, exponent in (
        (0x02, 0x0A, "energy", "Wh", 0),
        (0x0B, 0x13, "energy", "J", 3),
        (0x14, 0x1C, "power", "W", 0),
        (0x1D, 0x25, "power", "J/h", 3),
        (0x26, 0x2E, "volume", "m³", -6),
        (0x2F, 0x37, "volume flow", "m³/h", -6),
    ):
        for code in range(first, last + 1):
            units[code] = CounterUnit(quantity, unit, exponent + code - first)
    return units


UNITS = _runs()
"""By the six bits of a unit; those that are not here are reserved."""


@dataclass(frozen=True)
class FixedFields:
    """The 16 bytes, taken apart but not judged."""

    identification: str
    access: int
    status: int
    medium: int
    units: tuple[int, int]
    counters: tuple[bytes, bytes]
    """Lowest byte first, whatever the order on the bus was."""

    @property
    def binary(self) -> bool:
        """Whether the counters are signed binary numbers; BCD otherwise."""
        return bool(self.status & 1)

    @property
    def at_fixed_date(self) -> bool:
        """Whether the counters stood so at a fixed date; now otherwise."""
        return bool(self.status & 2)


def fixed_fields(data: bytes, *, high_first: bool = False) -> FixedFields:
    """Take 16 bytes apart. The two bytes of medium and units keep their order in both modes."""
    step = 1 if high_first else -1
    return FixedFields(
        identification=data[:4][::step].hex().upper(),
        access=data[4],
        status=data[5],
        medium=data[6] >> 6 | (data[7] >> 6) << 2,
        units=(data[6] & 0x3F, data[7] & 0x3F),
        counters=(data[8:12][::-step], data[12:16][::-step]),
    )
