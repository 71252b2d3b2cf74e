"""The frames of the link layer: FT1.2 as EN 13757-2 takes it from IEC 60870-5-1 and -5-2.

    single character   E5
    short frame        10 C A checksum 16
    long frame         68 L L 68 C A CI data... checksum 16

L counts C, A, CI and the data; the checksum is the sum of the same bytes modulo 256.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from appliance.errors import FrameError

SINGLE_CHARACTER = 0xE5
SHORT_START = 0x10
LONG_START = 0x68
STOP = 0x16

MAX_DATA = 252
"""Most bytes that can follow the CI field: L is one byte, and C, A and CI take three of its 255."""

MAX_FRAME = 261
"""Bytes of the longest frame."""

BITS_PER_CHARACTER = 11
"""Start, eight data, even parity, stop (EN 13757-2, the transmission of a character)."""


class Control(IntEnum):
    """The C field (IEC 60870-5-2, 5.1; EN 13757-2, table of control field functions).

    Bit 6 says that the frame comes from the master. Bits 5 and 4 are FCB and FCV from the master, ACD and DFC from
    the slave.
    """

    SND_NKE = 0x40
    """Link reset."""
    SND_UD = 0x53
    """Data to the slave, frame count bit clear."""
    SND_UD_FCB = 0x73
    """Data to the slave, frame count bit set."""
    REQ_UD1 = 0x5A
    """Request for class 1 data (alarms), frame count bit clear."""
    REQ_UD1_FCB = 0x7A
    REQ_UD2 = 0x5B
    """Request for class 2 data (the readings), frame count bit clear."""
    REQ_UD2_FCB = 0x7B
    RSP_UD = 0x08
    """The slave's data; `ACD` and `DFC` may be added."""


FROM_MASTER = 0x40
FCB = 0x20
"""Frame count bit: toggles with each new request, stays for a repetition (master's frames)."""
FCV = 0x10
"""Frame count bit valid (master's frames)."""
ACD = 0x20
"""Access demand: class 1 data waits (slave's frames)."""
DFC = 0x10
"""Data flow control: the slave takes no more data now (slave's frames)."""


class LinkFunction(IntEnum):
    """The low four bits of a master's C field."""

    RESET = 0x0
    SEND = 0x3
    REQUEST_CLASS_1 = 0xA
    REQUEST_CLASS_2 = 0xB


class Address(IntEnum):
    """Primary addresses with a meaning of their own (EN 13757-2, the A field). 1 to 250 belong to meters."""

    UNCONFIGURED = 0
    LAST = 250
    """The highest that a meter can have."""
    REPEATER_MANAGEMENT = 251
    """Kept for the first repeater of the primary master."""
    RESERVED = 252
    NETWORK_LAYER = 253
    """Whichever slave was selected by its secondary address."""
    POINT_TO_POINT = 254
    """Every slave acts and answers: for a bus with one slave."""
    BROADCAST = 255
    """Every slave acts, none answers."""


class Refusal(StrEnum):
    """Why bytes are no frame."""

    TOO_SHORT = "too short"
    START = "start"
    LENGTH = "length"
    CHECKSUM = "checksum"
    STOP = "stop"


def checksum(payload: bytes) -> int:
    """Sum of the bytes from the C field on, modulo 256."""
    return sum(payload) & 0xFF


@dataclass(frozen=True)
class Acknowledge:
    """The single character E5: done, or nothing to tell."""

    def __bytes__(self) -> bytes:
        return bytes([SINGLE_CHARACTER])


@dataclass(frozen=True)
class ShortFrame:
    """A frame without data: link reset or request."""

    control: int
    address: int

    def __bytes__(self) -> bytes:
        payload = bytes([self.control, self.address])
        return bytes([SHORT_START, *payload, checksum(payload), STOP])


@dataclass(frozen=True)
class LongFrame:
    """A frame with a CI field and data; without data it is what the standard calls a control frame."""

    control: int
    address: int
    information: int
    """The CI field: how the data is to be read (EN 13757-3)."""
    data: bytes = b""

    def __post_init__(self) -> None:
        """Check what can be sent.

        :raises FrameError: for more data than the length field can count.
        """
        if len(self.data) > MAX_DATA:
            raise FrameError(Refusal.LENGTH, f"{len(self.data)} bytes of data, at most {MAX_DATA} fit")

    def __bytes__(self) -> bytes:
        payload = bytes([self.control, self.address, self.information]) + self.data
        length = len(payload)
        return bytes([LONG_START, length, length, LONG_START]) + payload + bytes([checksum(payload), STOP])


Frame = Acknowledge | ShortFrame | LongFrame


def frame_length(start: bytes) -> int:
    """Bytes that the frame beginning with `start` has in all, or 0 while `start` is too short to tell.

    :raises FrameError: when no frame begins so.
    """
    if not start:
        return 0
    if start[0] == SINGLE_CHARACTER:
        return 1
    if start[0] == SHORT_START:
        return 5
    if start[0] != LONG_START:
        raise FrameError(Refusal.START, f"{start[0]:02X} begins no frame")
    if len(start) > 1 and start[1] < 3:
        raise FrameError(Refusal.LENGTH, f"{start[1]} leaves no room for C, A and CI")
    if len(start) > 2 and start[1] != start[2]:
        raise FrameError(Refusal.LENGTH, f"{start[1]} and then {start[2]}")
    if len(start) > 3 and start[3] != LONG_START:
        raise FrameError(Refusal.START, f"the second start byte is {start[3]:02X}")
    return start[1] + 6 if len(start) > 3 else 0


def parse(data: bytes) -> Frame:
    """Read `data` as exactly one frame.

    :raises FrameError: with the reason of the first refusal, in the order of the bytes.
    """
    length = frame_length(data)
    if length == 0 or len(data) < length:
        raise FrameError(Refusal.TOO_SHORT, f"{len(data)} bytes")
    if len(data) > length:
        raise FrameError(Refusal.LENGTH, f"{len(data)} bytes where the frame has {length}")
    if length == 1:
        return Acknowledge()
    payload = data[1:-2] if length == 5 and data[0] == SHORT_START else data[4:-2]
    if data[-2] != checksum(payload):
        raise FrameError(Refusal.CHECKSUM, f"{data[-2]:02X} in place of {checksum(payload):02X}")
    if data[-1] != STOP:
        raise FrameError(Refusal.STOP, f"{data[-1]:02X} in place of {STOP:02X}")
    if data[0] == SHORT_START:
        return ShortFrame(payload[0], payload[1])
    return LongFrame(payload[0], payload[1], payload[2], payload[3:])
