"""Orthogonal VIFEs: what is added to the meaning of a VIF (EN 13757-3:2018, 6.4.6 to 6.4.8, tables 15 to 18)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from appliance.mbus.quantity import TIME_UNITS


class Effect(Enum):
    """What a VIFE does to the record."""

    NONE = auto()
    """The words say it all."""
    UNIT = auto()
    """`unit` is put behind the unit of the VIF."""
    ERROR = auto()
    """The meter has no value, and says why."""
    MOMENT = auto()
    """The value is a date, not what the VIF measures."""
    DURATION = auto()
    """The value is a time in `unit`, not what the VIF measures."""
    COUNT = auto()
    """The value is a number of events."""
    FACTOR = auto()
    """The value is to be multiplied by ten to the power of `exponent`."""
    OFFSET = auto()
    """Ten to the power of `exponent`, in the unit of the VIF, is to be added to the value."""
    OTHER_UNITS = auto()
    """The unit is of another system than the VIF's."""
    PROFILE = auto()
    """The value is a series of values in one (EN 13757-3:2018, annex F)."""
    UNSIGNED = auto()
    """Integers are of type C."""
    BITS = auto()
    """Integers are of type D."""


@dataclass(frozen=True)
class Qualifier:
    """One row of the table."""

    words: str
    effect: Effect = Effect.NONE
    unit: str = ""
    exponent: int = 0


EXTENSION = 0x7C
"""The next VIFE is of the table `EXTENDED`."""
MANUFACTURER_SPECIFIC = 0x7F
"""All further VIFEs, and the data, are the maker's own."""

ACTIONS = {
    0x00: "write (replace)",
    0x01: "add value",
    0x02: "subtract value",
    0x03: "OR (set bits)",
    0x04: "AND",
    0x05: "XOR (toggle bits)",
    0x06: "AND NOT (clear bits)",
    0x07: "clear",
    0x08: "add entry",
    0x09: "delete entry",
    0x0A: "delayed action",
    0x0B: "freeze data",
    0x0C: "add to readout list",
    0x0D: "delete from readout list",
}
"""Codes 00 to 0F on their way to the meter: what it shall do (table 17)."""

ERRORS = {
    0x01: "too many DIFEs",
    0x02: "storage number not implemented",
    0x03: "unit number not implemented",
    0x04: "tariff number not implemented",
    0x05: "function not implemented",
    0x06: "data class not implemented",
    0x07: "data size not implemented",
    0x0B: "too many VIFEs",
    0x0C: "illegal VIF group",
    0x0D: "illegal VIF exponent",
    0x0E: "VIF/DIF mismatch",
    0x0F: "unimplemented action",
    0x15: "no data available (undefined value)",
    0x16: "data overflow",
    0x17: "data underflow",
    0x18: "data error",
    0x1C: "premature end of record",
}
"""Codes of the meter: why a record has no value (table 18)."""

_LIMITS = ("lower", "upper")
_TURNS = ("first", "last")
_ENDS = ("begin", "end")


def _table() -> dict[int, Qualifier]:
    rows = {code: Qualifier(f"record error: {text}", Effect.ERROR) for code, text in ERRORS.items()}
    rows |= {
        0x00: Qualifier("no record error"),
        0x12: Qualifier("average value"),
        0x13: Qualifier("inverse compact profile", Effect.PROFILE),
        0x14: Qualifier("relative deviation"),
        0x1D: Qualifier("standard conform data content"),
        0x1E: Qualifier("compact profile with register numbers", Effect.PROFILE),
        0x1F: Qualifier("compact profile", Effect.PROFILE),
        0x36: Qualifier("multiplied by s", Effect.UNIT, "·s"),
        0x37: Qualifier("multiplied by s/V", Effect.UNIT, "·s/V"),
        0x38: Qualifier("multiplied by s/A", Effect.UNIT, "·s/A"),
        0x39: Qualifier("start date(/time) of", Effect.MOMENT),
        0x3A: Qualifier("uncorrected unit or value at metering conditions"),
        0x3B: Qualifier("accumulation only if positive contributions"),
        0x3C: Qualifier("accumulation of abs value only if negative contributions"),
        0x3D: Qualifier("alternate non-metric unit system", Effect.OTHER_UNITS),
        0x3E: Qualifier("value at base conditions"),
        0x3F: Qualifier("OBIS declaration", Effect.UNSIGNED),
        0x69: Qualifier("leakage values"),
        0x6D: Qualifier("overflow values"),
        0x7D: Qualifier("multiplicative correction factor 10^3", Effect.FACTOR, exponent=3),
        0x7E: Qualifier("future value"),
    }
    for step, unit in enumerate(("s", "min", "h", "d", "week", "month", "year")):
        word = ("second", "minute", "hour", "day", "week", "month", "year")[step]
        rows[0x20 + step] = Qualifier(f"per {word}", Effect.UNIT, f"/{unit}")
    rows[0x27] = Qualifier("per revolution / measurement", Effect.UNIT, "/revolution")
    for channel in (0, 1):
        for base, way in ((0x28, "input"), (0x2A, "output")):
            words = f"increment per {way} pulse on {way} channel number {channel}"
            rows[base + channel] = Qualifier(words, Effect.UNIT, "/pulse")
    for step, unit in enumerate(("l", "m³", "kg", "K", "kWh", "GJ", "kW", "(K·l)", "V", "A")):
        rows[0x2C + step] = Qualifier(f"per {unit}", Effect.UNIT, f"/{unit}")
    for upper, limit in enumerate(_LIMITS):
        rows[0x40 | upper << 3] = Qualifier(f"{limit} limit value")
        rows[0x41 | upper << 3] = Qualifier(f"number of exceeds of {limit} limit", Effect.COUNT)
        rows[0x68 | upper << 2] = Qualifier(f"value during {limit} limit exceed")
        for last, turn in enumerate(_TURNS):
            for end, word in enumerate(_ENDS):
                words = f"date(/time) of {word} of {turn} {limit} limit exceed"
                rows[0x42 | upper << 3 | last << 2 | end] = Qualifier(words, Effect.MOMENT)
            for step, unit in enumerate(TIME_UNITS):
                words = f"duration of {turn} {limit} limit exceed"
                rows[0x50 | upper << 3 | last << 2 | step] = Qualifier(words, Effect.DURATION, unit)
    for last, turn in enumerate(_TURNS):
        for step, unit in enumerate(TIME_UNITS):
            rows[0x60 | last << 2 | step] = Qualifier(f"duration of {turn}", Effect.DURATION, unit)
        for end, word in enumerate(_ENDS):
            rows[0x6A | last << 2 | end] = Qualifier(f"date(/time) of {word} of {turn}", Effect.MOMENT)
    for step in range(8):
        words = f"multiplicative correction factor 10^{step - 6}"
        rows[0x70 + step] = Qualifier(words, Effect.FACTOR, exponent=step - 6)
    for step in range(4):
        words = f"additive correction constant 10^{step - 3}"
        rows[0x78 + step] = Qualifier(words, Effect.OFFSET, exponent=step - 3)
    return rows


COMBINABLE = _table()
"""By code without its extension bit; codes that are not here are reserved (tables 15 and 18)."""

EXTENDED = {
    0x01: Qualifier("at phase L1"),
    0x02: Qualifier("at phase L2"),
    0x03: Qualifier("at phase L3"),
    0x04: Qualifier("at neutral (N)"),
    0x05: Qualifier("between phase L1 and L2"),
    0x06: Qualifier("between phase L2 and L3"),
    0x07: Qualifier("between phase L3 and L1"),
    0x08: Qualifier("at quadrant Q1"),
    0x09: Qualifier("at quadrant Q2"),
    0x0A: Qualifier("at quadrant Q3"),
    0x0B: Qualifier("at quadrant Q4"),
    0x0C: Qualifier("delta between import and export"),
    0x10: Qualifier("accumulation of abs value for both positive and negative contribution"),
    0x11: Qualifier("data presented with type C", Effect.UNSIGNED),
    0x12: Qualifier("data presented with type D", Effect.BITS),
    0x14: Qualifier("direction: from communication partner to meter"),
    0x15: Qualifier("direction: from meter to communication partner"),
}
"""The table behind FC, by code without its extension bit (table 16)."""
