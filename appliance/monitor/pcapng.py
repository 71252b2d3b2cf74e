"""A recording as a pcapng file (draft-ietf-opsawg-pcapng), for Wireshark and its like.

The link type is LINKTYPE_RTAC_SERIAL: the registry has none for wired M-Bus, and this one is for octets of a serial
line with time and direction. Wireshark shows it without any setting. Each packet begins with 12 octets, high byte
first: seconds and microseconds since 1970, the event, the state of the control lines, and two that are zero.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING

from appliance.monitor.meaning import meaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appliance.monitor.line_telegram import LineTelegram

MEDIA_TYPE = "application/x-pcapng"
RTAC_SERIAL = 250
"""LINKTYPE_RTAC_SERIAL in the registry of link types."""
SENT, RECEIVED = 1, 2
"""Events of that link type: DATA_TX_START, DATA_RX_START."""

INBOUND, OUTBOUND = 1, 2
"""Direction in the flags of a packet."""
LONGEST_COMMENT = 1000
"""Characters."""

INTERFACES = (
    ("two-wire", "two-wire port; requests go out on every port and stand here"),
    ("optical", "optical port"),
)

_HEAD = struct.Struct("<II")
_LENGTH = struct.Struct("<I")
_OPTION = struct.Struct("<HH")
_SERIAL = struct.Struct(">IIBBH")


class Block(IntEnum):
    """Kinds of blocks."""

    SECTION = 0x0A0D0D0A
    INTERFACE = 1
    PACKET = 6
    """The enhanced one."""


class Option(IntEnum):
    """Options, each of the kind of block that it is named after."""

    END = 0
    COMMENT = 1
    SECTION_HARDWARE = 2
    SECTION_APPLICATION = 4
    INTERFACE_NAME = 2
    INTERFACE_DESCRIPTION = 3
    INTERFACE_RESOLUTION = 9
    PACKET_FLAGS = 2


def pcapng(telegrams: Iterable[LineTelegram], *, hardware: str, application: str) -> Iterator[bytes]:
    """Write the telegrams, block by block; `hardware` and `application` say what recorded them."""
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)  # byte-order magic, version 1.0, length not told
    yield _block(
        Block.SECTION,
        section,
        (Option.SECTION_HARDWARE, hardware.encode()),
        (Option.SECTION_APPLICATION, application.encode()),
    )
    for name, description in INTERFACES:
        yield _block(
            Block.INTERFACE,
            struct.pack("<HHI", RTAC_SERIAL, 0, 0),  # no limit of the packets' length
            (Option.INTERFACE_NAME, name.encode()),
            (Option.INTERFACE_DESCRIPTION, description.encode()),
            (Option.INTERFACE_RESOLUTION, b"\x06"),  # microseconds
        )
    names = [name for name, _ in INTERFACES]
    for telegram in telegrams:
        interface = names.index(telegram.branch) if telegram.branch in names else 0
        yield _packet(telegram, interface)


def _packet(telegram: LineTelegram, interface: int) -> bytes:
    microseconds = max(0, round(telegram.at * 1e6))
    seconds, rest = divmod(microseconds, 1_000_000)
    event = SENT if telegram.to_meters else RECEIVED
    data = _SERIAL.pack(seconds & 0xFFFFFFFF, rest, event, 0, 0) + telegram.octets
    high, low = divmod(microseconds, 1 << 32)
    return _block(
        Block.PACKET,
        struct.pack("<IIIII", interface, high, low, len(data), len(data)) + _padded(data),
        (Option.COMMENT, _comment(telegram).encode("utf-8", "replace")),
        (Option.PACKET_FLAGS, _LENGTH.pack(OUTBOUND if telegram.to_meters else INBOUND)),
    )


def _comment(telegram: LineTelegram) -> str:
    way = f"from {telegram.party or 'nobody'}" if telegram.to_meters else f"to {telegram.party or 'nobody'}"
    delay = () if telegram.delay is None else (f"{telegram.delay:.3f} s after the request",)
    return "; ".join((way, *delay, *telegram.notes, meaning(telegram)))[:LONGEST_COMMENT]


def _block(kind: Block, body: bytes, *options: tuple[Option, bytes]) -> bytes:
    told = b"".join(_OPTION.pack(code, len(value)) + _padded(value) for code, value in options)
    content = body + told + _OPTION.pack(Option.END, 0)
    length = len(content) + _HEAD.size + _LENGTH.size
    return _HEAD.pack(kind, length) + content + _LENGTH.pack(length)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
