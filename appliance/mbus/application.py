"""What a telegram is for: the CI field (EN 13757-7:2018, table 2; the older ones of EN 13757-3:2004, table 1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from appliance.mbus.header import BAUD_RATES


class Heading(Enum):
    """What stands between the CI field and the contents."""

    NONE = auto()
    SHORT = auto()
    """Access number, status, configuration field: 4 bytes."""
    LONG = auto()
    """The same behind the meter's secondary address: 12 bytes."""


class Body(Enum):
    """What a telegram carries."""

    RECORDS = auto()
    FIXED = auto()
    """Two counters; with another length than theirs it is a compact frame of the newer editions."""
    SELECTION = auto()
    APPLICATION_ERROR = auto()
    ALARM = auto()
    SUBCODE = auto()
    """An application reset with, perhaps, what is wanted afterwards."""
    NOTHING = auto()
    OTHER = auto()
    """Told as it stands: no records, or ones that need more than the telegram to be read."""


@dataclass(frozen=True)
class Application:
    """One CI field."""

    name: str
    heading: Heading = Heading.NONE
    body: Body = Body.OTHER
    high_first: bool = False
    """Mode 2: the highest byte of a number comes first."""
    to_meter: bool = False
    """The records go to the meter, where VIFEs 00 to 0F are actions and not errors."""


_NONE, _SHORT, _LONG = Heading.NONE, Heading.SHORT, Heading.LONG

APPLICATIONS = {
    0x50: Application("application reset", _NONE, Body.SUBCODE),
    0x51: Application("data to the meter", _NONE, Body.RECORDS, to_meter=True),
    0x52: Application("selection of a slave", _NONE, Body.SELECTION),
    0x53: Application("application reset, long header", _LONG, Body.SUBCODE),
    0x54: Application("request of the selected application"),
    0x55: Application("data to the meter, mode 2", _NONE, Body.RECORDS, high_first=True, to_meter=True),
    0x56: Application("selection of a slave, mode 2", _NONE, Body.SELECTION, high_first=True),
    0x5A: Application("data to the meter, short header", _SHORT, Body.RECORDS, to_meter=True),
    0x5B: Application("data to the meter, long header", _LONG, Body.RECORDS, to_meter=True),
    0x5C: Application("synchronize action"),
    0x5F: Application("specific usage, long header", _LONG),
    0x60: Application("DLMS command, long header", _LONG),
    0x61: Application("DLMS command, short header", _SHORT),
    0x64: Application("OBIS command, long header", _LONG),
    0x65: Application("OBIS command, short header", _SHORT),
    0x66: Application("answer of the selected application"),
    0x67: Application("answer of the selected application, short header", _SHORT),
    0x68: Application("answer of the selected application, long header", _LONG),
    0x69: Application("format frame"),
    0x6A: Application("format frame, short header", _SHORT),
    0x6B: Application("format frame, long header", _LONG),
    0x6C: Application("absolute time to the meter, long header", _LONG),
    0x6D: Application("relative time to the meter, long header", _LONG),
    0x6E: Application("application error, short header", _SHORT, Body.APPLICATION_ERROR),
    0x6F: Application("application error, long header", _LONG, Body.APPLICATION_ERROR),
    0x70: Application("application error", _NONE, Body.APPLICATION_ERROR),
    0x71: Application("alarm", _NONE, Body.ALARM),
    0x72: Application("answer with records, long header", _LONG, Body.RECORDS),
    0x73: Application("answer in the fixed structure", _NONE, Body.FIXED),
    0x74: Application("alarm, short header", _SHORT, Body.ALARM),
    0x75: Application("alarm, long header", _LONG, Body.ALARM),
    0x76: Application("answer with records, mode 2", _LONG, Body.RECORDS, high_first=True),
    0x77: Application("answer in the fixed structure, mode 2", _NONE, Body.FIXED, high_first=True),
    0x78: Application("answer with records, no header", _NONE, Body.RECORDS),
    0x79: Application("compact frame"),
    0x7A: Application("answer with records, short header", _SHORT, Body.RECORDS),
    0x7B: Application("compact frame, short header", _SHORT),
    0x7C: Application("DLMS answer, long header", _LONG),
    0x7D: Application("DLMS answer, short header", _SHORT),
    0x7E: Application("OBIS answer, long header", _LONG),
    0x7F: Application("OBIS answer, short header", _SHORT),
    0x80: Application("transport layer to the meter, long header", _LONG),
    0x81: Application("network layer"),
    0x82: Application("network management to the meter, long header", _LONG),
    0x83: Application("network management to the meter"),
    0x84: Application("transport layer to the meter, compact frame expected", _LONG),
    0x85: Application("transport layer to the meter, format frame expected", _LONG),
    0x86: Application("extended link layer V"),
    0x87: Application("network management of the meter, long header", _LONG),
    0x88: Application("network management of the meter, short header", _SHORT),
    0x89: Application("network management of the meter"),
    0x8A: Application("transport layer of the meter, short header", _SHORT),
    0x8B: Application("transport layer of the meter, long header", _LONG),
    0x8C: Application("extended link layer I"),
    0x8D: Application("extended link layer II"),
    0x8E: Application("extended link layer III"),
    0x8F: Application("extended link layer IV"),
    0x90: Application("authentication and fragmentation layer"),
    0x9E: Application("specific usage, short header", _SHORT),
    0x9F: Application("specific usage, long header", _LONG),
    0xC0: Application("image transfer to the meter, long header", _LONG),
    0xC1: Application("image transfer of the meter, short header", _SHORT),
    0xC2: Application("image transfer of the meter, long header", _LONG),
    0xC3: Application("security information to the meter, long header", _LONG),
    0xC4: Application("security information of the meter, short header", _SHORT),
    0xC5: Application("security information of the meter, long header", _LONG),
}
"""By CI field. DLMS segments, maker's own ones and baud rates are in `application_of`."""

COMPACT_LONG = Application("compact frame, long header", _LONG)
"""CI 73 of EN 13757-3:2018, which is the fixed structure's of the editions before."""


def application_of(information: int) -> Application:
    """Tell what a CI field stands for; a reserved one has a name that says so."""
    if information in APPLICATIONS:
        return APPLICATIONS[information]
    if information in BAUD_RATES:
        return Application(f"set the baud rate to {BAUD_RATES[information]} bit/s", _NONE, Body.NOTHING)
    if information < 0x20:
        return Application("DLMS segment")
    if 0xA0 <= information <= 0xB7:
        return Application("manufacturer specific")
    return Application(f"reserved CI field {information:02X}")


APPLICATION_ERRORS = {
    0x00: "unspecified error",
    0x01: "unimplemented CI field",
    0x02: "buffer too long, truncated",
    0x03: "too many records",
    0x04: "premature end of record",
    0x05: "more than 10 DIFEs",
    0x06: "more than 10 VIFEs",
    0x08: "application too busy for handling readout request",
    0x09: "too many readouts",
    0x10: "access denied",
    0x11: "application or command unknown",
    0x12: "parameter missing or wrong",
    0x13: "unknown receiver address",
    0x14: "decryption key failed",
    0x15: "encryption method not supported",
    0x16: "signature method not supported",
    0xF0: "dynamic application error, manufacturer specific",
}
"""The first byte behind CI 70 (EN 13757-3:2018, clause 10)."""

RESET_SUBCODES = {
    0x00: "all",
    0x01: "user data",
    0x02: "simple billing",
    0x03: "enhanced billing",
    0x04: "multi tariff billing",
    0x05: "instantaneous values",
    0x06: "load management values for management",
    0x07: "reserved",
    0x08: "installation and startup",
    0x09: "testing",
    0x0A: "calibration",
    0x0B: "manufacturing",
    0x0C: "development",
    0x0D: "selftest",
    0x0E: "reserved",
    0x0F: "reserved",
}
"""The high four bits of the byte behind CI 50: which data the next readout shall have (clause 7)."""

STATES = ("no error", "application busy", "any application error", "abnormal condition or alarm")
"""Bits 0 and 1 of the status (EN 13757-7:2018, 7.5.6)."""

STATUS_BITS = ((0x04, "low power"), (0x08, "permanent error"), (0x10, "temporary error"))
"""Its next three; those above are the maker's."""


def status_words(status: int) -> tuple[str, ...]:
    """Name what a status byte says; nothing for 0."""
    words = [STATES[status & 3]] if status & 3 else []
    words += [name for bit, name in STATUS_BITS if status & bit]
    words += [f"manufacturer specific bit {bit}" for bit in (5, 6, 7) if status >> bit & 1]
    return tuple(words)
