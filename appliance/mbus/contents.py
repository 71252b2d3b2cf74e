"""What stands behind the CI field: header and body of every kind of telegram."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from appliance.errors import CodingError
from appliance.mbus.application import (
    APPLICATION_ERRORS,
    COMPACT_LONG,
    RESET_SUBCODES,
    Application,
    Body,
    Heading,
    application_of,
    status_words,
)
from appliance.mbus.data_record import DataRecord, RecordsFound, read_records
from appliance.mbus.encryption import DOUBTFUL, Encryption, encryption_of
from appliance.mbus.fixed import MEDIA, SAME_BUT_HISTORIC, UNITS, CounterUnit, FixedFields, fixed_fields
from appliance.mbus.header import FIXED_LENGTH, Information
from appliance.mbus.heading import LENGTHS, Header, read_header
from appliance.mbus.part import Part
from appliance.mbus.quantity import Reading
from appliance.mbus.record import Coding, Function
from appliance.mbus.secondary import Selection
from appliance.mbus.value import read_value, scaled

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.mbus.frame import LongFrame

CONTENTS_OFFSET = 7
"""Bytes of a long frame before its contents: 68 L L 68 C A CI."""
_ENOUGH_RECORDS = 3


@dataclass
class Contents:
    """What a telegram holds, while it is being read."""

    application: Application
    header: Header | None = None
    encryption: Encryption | None = None
    found: RecordsFound = field(default_factory=RecordsFound)
    notes: list[str] = field(default_factory=list)


def read_contents(frame: LongFrame) -> Contents:
    """Read all that stands behind the CI field of `frame`. Never raises."""
    data = bytes(frame)[:-2]
    application = application_of(frame.information)
    if (
        frame.information == Information.FIXED
        and len(frame.data) > LENGTHS[Heading.LONG]
        and len(frame.data) != FIXED_LENGTH
    ):
        application = COMPACT_LONG
    contents = Contents(application)
    try:
        contents.header, parts = read_header(
            data, CONTENTS_OFFSET, application.heading, high_first=application.high_first
        )
    except CodingError as error:
        _unread(contents, data, CONTENTS_OFFSET, str(error))
        return contents
    contents.found.parts += parts
    start = CONTENTS_OFFSET + LENGTHS[application.heading]
    _BODIES[application.body](contents, data, start)
    return contents


def _unread(contents: Contents, data: bytes, start: int, reason: str) -> None:
    found = contents.found
    found.unread = data[start:]
    found.errors.append(reason)
    if found.unread:
        found.parts.append(Part(start, found.unread, f"unread: {reason}"))


def _records(contents: Contents, data: bytes, start: int) -> None:
    header = contents.header
    configuration = header.configuration if header and header.configuration else 0
    encryption = encryption_of(configuration, data[start:])
    if encryption and encryption.mode in DOUBTFUL and _is_plain(_read(contents.application, data, start)):
        encryption = None
    parts = contents.found.parts
    if encryption:
        contents.encryption = encryption
        hidden = data[start : start + encryption.length]
        parts.append(Part(start, hidden, f"encrypted, mode {encryption.mode}: {encryption.name}"))
        start += encryption.length
    elif configuration >> 8 & 0x1F and data[start : start + 2] != b"\x2f\x2f" and data[start:]:
        contents.notes.append(f"configuration field {configuration:04X} is no encryption that fits; read as plain")
    contents.found = _read(contents.application, data, start)
    contents.found.parts[:0] = parts
    if encryption:
        hint = f"{encryption.length} bytes are encrypted, mode {encryption.mode} ({encryption.name})"
        contents.found.errors.insert(0, hint)


def _read(application: Application, data: bytes, start: int) -> RecordsFound:
    return read_records(data, start, to_meter=application.to_meter, high_first=application.high_first)


def _is_plain(found: RecordsFound) -> bool:
    """Whether bytes that may be encrypted read so well as records that they are none but those."""
    good = [record for record in found.records if record.value is not None and "reserved" not in record.quantity]
    return len(good) == len(found.records) >= _ENOUGH_RECORDS and not found.errors


def _fixed(contents: Contents, data: bytes, start: int) -> None:
    octets = data[start:]
    if len(octets) != FIXED_LENGTH:
        _unread(contents, data, start, f"the fixed structure has {FIXED_LENGTH} bytes, {len(octets)} are there")
        return
    fields = fixed_fields(octets, high_first=contents.application.high_first)
    medium = MEDIA[fields.medium]
    contents.header = Header(fields.identification, None, None, fields.medium, medium, fields.access, fields.status)
    state = ["binary counters" if fields.binary else "BCD counters", *status_words(fields.status & 0xFC)]
    state.append("at a fixed date" if fields.at_fixed_date else "actual")
    parts = contents.found.parts
    parts += [
        Part(start, octets[:4], f"identification {fields.identification}"),
        Part(start + 4, octets[4:5], f"access number {fields.access}"),
        Part(start + 5, octets[5:6], f"status: {', '.join(state)}"),
        Part(start + 6, octets[6:8], f"medium {medium}, units {fields.units[0]:02X} and {fields.units[1]:02X}"),
    ]
    for number in (0, 1):
        record = _counter(fields, number, octets, start)
        contents.found.records.append(record)
        parts.append(Part(record.offset, record.data, f"counter {number + 1}: {record.text} {record.unit}".rstrip()))
        if record.error:
            contents.found.errors.append(f"counter {number + 1}: {record.error}")


def _counter(fields: FixedFields, number: int, octets: bytes, start: int) -> DataRecord:
    code = fields.units[number]
    historic = code == SAME_BUT_HISTORIC
    if historic:
        code = fields.units[0]
    unit = UNITS.get(code, CounterUnit(f"reserved unit {code:02X}"))
    coding = Coding.INTEGER_32 if fields.binary else Coding.BCD_8
    content = read_value(coding, fields.counters[number], Reading.NUMBER)
    value = scaled(content.value, unit.exponent) if isinstance(content.value, Decimal) else content.value
    place = 8 + 4 * number
    return DataRecord(
        unit.quantity,
        value,
        unit.unit,
        Function.INSTANTANEOUS,
        int(historic or fields.at_fixed_date),
        0,
        0,
        start + place,
        b"",
        b"",
        octets[place : place + 4],
        coding=content.kind,
        note="historic" if historic else content.note,
        error="" if value is not None else content.note,
    )


def _selection(contents: Contents, data: bytes, start: int) -> None:
    octets = data[start:]
    if contents.application.high_first and len(octets) >= 8:
        octets = octets[3::-1] + octets[5:3:-1] + octets[6:]
    try:
        selection = Selection.from_bytes(octets)
    except CodingError as error:
        _unread(contents, data, start, str(error))
        return
    fabrication = f", fabrication number {selection.fabrication}" if selection.fabrication else ""
    _say(contents, data, start, f"selects {selection.mask}{fabrication}")


def _application_error(contents: Contents, data: bytes, start: int) -> None:
    code = data[start] if len(data) > start else 0
    name = APPLICATION_ERRORS.get(code, f"reserved error {code:02X}")
    _say(contents, data, start, f"application error: {name}")


def _alarm(contents: Contents, data: bytes, start: int) -> None:
    bits = int.from_bytes(data[start:], "little")
    places = [str(bit) for bit in range(bits.bit_length()) if bits >> bit & 1]
    _say(contents, data, start, f"alarm bits {', '.join(places)}" if places else "no alarm bit")


def _subcode(contents: Contents, data: bytes, start: int) -> None:
    if len(data) > start:
        code = data[start]
        _say(contents, data, start, f"wanted afterwards: {RESET_SUBCODES[code >> 4]}, number {code & 0x0F}")


def _nothing(contents: Contents, data: bytes, start: int) -> None:
    if len(data) > start:
        _unread(contents, data, start, "nothing should follow this CI field")


def _other(contents: Contents, data: bytes, start: int) -> None:
    contents.found.unread = data[start:]
    contents.notes.append(f"{contents.application.name}: told as it stands")
    if contents.found.unread:
        contents.found.parts.append(Part(start, contents.found.unread, f"contents of: {contents.application.name}"))


def _say(contents: Contents, data: bytes, start: int, words: str) -> None:
    contents.notes.append(words)
    if len(data) > start:
        contents.found.parts.append(Part(start, data[start:], words))


_BODIES: dict[Body, Callable[[Contents, bytes, int], None]] = {
    Body.RECORDS: _records,
    Body.FIXED: _fixed,
    Body.SELECTION: _selection,
    Body.APPLICATION_ERROR: _application_error,
    Body.ALARM: _alarm,
    Body.SUBCODE: _subcode,
    Body.NOTHING: _nothing,
    Body.OTHER: _other,
}
