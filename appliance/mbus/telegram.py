"""Telegrams taken apart: header, records, and what each byte means (EN 13757-3:2018; EN 13757-7:2018, clause 7).

`decode` is the way in. It takes a frame, or bytes that are one, and gives a value object; only bytes that are no frame
raise, so that no value ever comes from a frame with a wrong checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.mbus.application import status_words
from appliance.mbus.contents import Contents, read_contents
from appliance.mbus.frame import Acknowledge, Frame, LongFrame, ShortFrame, parse
from appliance.mbus.link import address_words, control_words
from appliance.mbus.part import Part

if TYPE_CHECKING:
    from appliance.mbus.data_record import DataRecord
    from appliance.mbus.encryption import Encryption
    from appliance.mbus.heading import Header


@dataclass(frozen=True)
class Telegram:
    """A frame with what it says."""

    frame: Frame
    name: str
    """What the telegram is for, by its CI field, or by its C field where it has none."""
    header: Header | None
    """None where there is no header, or not enough bytes of one."""
    records: tuple[DataRecord, ...]
    parts: tuple[Part, ...]
    """Every byte of the frame with its meaning, in order and without a gap."""
    encryption: Encryption | None = None
    manufacturer_data: bytes | None = None
    more_follow: bool = False
    unread: bytes = b""
    """Bytes that no rule of the standard takes apart."""
    notes: tuple[str, ...] = ()
    """What the telegram says besides records, such as an alarm or a selection."""
    errors: tuple[str, ...] = ()
    """What could not be read, each with its place."""

    @property
    def status(self) -> tuple[str, ...]:
        """What the header's status says, in words."""
        return status_words(self.header.status) if self.header else ()


def decode(frame: Frame | bytes) -> Telegram:
    """Take a telegram apart. What cannot be read is told in `errors`, and costs nothing that can.

    :raises FrameError: for bytes that are not exactly one frame.
    """
    if isinstance(frame, (bytes, bytearray, memoryview)):
        frame = parse(bytes(frame))
    octets = bytes(frame)
    if isinstance(frame, Acknowledge):
        return Telegram(frame, "acknowledgement", None, (), (Part(0, octets, "single character: acknowledgement"),))
    if isinstance(frame, ShortFrame):
        return Telegram(frame, control_words(frame.control), None, (), _short_parts(frame, octets))
    return _decode_long(frame, octets)


def explain(frame: Frame | bytes) -> list[tuple[int, bytes, str]]:
    """Tell what each piece of a frame means: offset, bytes, meaning; in order and without a gap.

    :raises FrameError: for bytes that are not exactly one frame.
    """
    return [(part.offset, part.octets, part.meaning) for part in decode(frame).parts]


def _decode_long(frame: LongFrame, octets: bytes) -> Telegram:
    contents: Contents = read_contents(frame)
    head = (
        Part(0, octets[:1], "start"),
        Part(1, octets[1:3], f"length: {octets[1]} bytes from the C field to the checksum, twice"),
        Part(3, octets[3:4], "start"),
        Part(4, octets[4:5], f"C field: {control_words(frame.control)}"),
        Part(5, octets[5:6], f"A field: {address_words(frame.address)}"),
        Part(6, octets[6:7], f"CI field: {contents.application.name}"),
    )
    end = len(octets) - 2
    tail = (Part(end, octets[end : end + 1], "checksum"), Part(end + 1, octets[end + 1 :], "stop"))
    found = contents.found
    return Telegram(
        frame,
        contents.application.name,
        contents.header,
        tuple(found.records),
        (*head, *sorted(found.parts, key=lambda part: part.offset), *tail),
        contents.encryption,
        found.manufacturer_data,
        found.more_follow,
        found.unread,
        tuple(contents.notes),
        tuple(found.errors),
    )


def _short_parts(frame: ShortFrame, octets: bytes) -> tuple[Part, ...]:
    return (
        Part(0, octets[:1], "start"),
        Part(1, octets[1:2], f"C field: {control_words(frame.control)}"),
        Part(2, octets[2:3], f"A field: {address_words(frame.address)}"),
        Part(3, octets[3:4], "checksum"),
        Part(4, octets[4:], "stop"),
    )
