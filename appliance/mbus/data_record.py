"""Data records as they are read from a telegram (EN 13757-3:2018, clause 6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.errors import CodingError
from appliance.mbus.dib import FUNCTIONS, read_dib
from appliance.mbus.part import Part
from appliance.mbus.quantity import Reading
from appliance.mbus.record import IDLE_FILLER, MANUFACTURER_SPECIFIC, MORE_FOLLOWS, Coding, Function
from appliance.mbus.value import Content, added, plain, read_value, scaled, value_length
from appliance.mbus.vib import ValueInformation, read_vib

if TYPE_CHECKING:
    from decimal import Decimal

    from appliance.mbus.dib import DataInformation

GLOBAL_READOUT = 0x7F
"""A DIF that asks for everything."""
_SPECIAL = 0x0F
_ANY_VIF = 0x7E


@dataclass(frozen=True)
class DataRecord:
    """One value with its circumstances, and the bytes that said so."""

    quantity: str
    """In the words of the standard; those of the VIFEs follow behind commas."""
    value: Decimal | str | None
    """Exact, in `unit`; a text for dates, identifications and texts; None where there is none."""
    unit: str
    """As SI writes it, or nothing for what has none."""
    function: Function
    storage: int
    tariff: int
    subunit: int
    offset: int
    """Where the record begins, in bytes from the beginning of the frame."""
    dib: bytes
    vib: bytes
    data: bytes
    """The value's own bytes, its LVAR included."""
    coding: str = ""
    """How the value is coded, in words."""
    note: str = ""
    """What a reader of the value should know."""
    error: str = ""
    """Why the record could not be read."""
    refusal: str = ""
    """Why its meter has no value for it, in the meter's own words."""

    @property
    def raw(self) -> bytes:
        """All bytes of the record."""
        return self.dib + self.vib + self.data

    @property
    def text(self) -> str | None:
        """The value in plain text, a number in full and without an exponent."""
        return plain(self.value)

    @property
    def function_words(self) -> str:
        """Which value of the quantity this is."""
        return FUNCTIONS[self.function]


@dataclass
class RecordsFound:
    """What the records' part of a telegram holds."""

    records: list[DataRecord] = field(default_factory=list)
    manufacturer_data: bytes | None = None
    """What the maker added behind DIF 0F or 1F; None without such a DIF."""
    more_follow: bool = False
    """The meter has more to tell in its next telegram."""
    unread: bytes = b""
    """What could not be taken apart, from the first byte that made no sense to the end."""
    errors: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


def read_records(data: bytes, start: int, *, to_meter: bool = False, high_first: bool = False) -> RecordsFound:
    """Read the records of `data` from `start` to its end. Never raises.

    A record that cannot be read does no harm to those before it, nor to those behind it as long as its length is known.
    """
    found = RecordsFound()
    place = start
    while place < len(data):
        dif = data[place]
        if dif == IDLE_FILLER:
            place = _skip_fillers(data, place, found)
        elif dif in (MANUFACTURER_SPECIFIC, MORE_FOLLOWS):
            _take_manufacturer_data(data, place, found)
            return found
        elif dif == GLOBAL_READOUT:
            place = _global_readout(data, place, found)
        elif dif & 0x0F == _SPECIAL:
            _give_up(data, place, found, f"DIF {dif:02X} is reserved")
            return found
        else:
            try:
                record, parts = _read_record(data, place, to_meter=to_meter, high_first=high_first)
            except CodingError as error:
                _give_up(data, place, found, str(error))
                return found
            found.records.append(record)
            found.parts += parts
            if record.error:
                found.errors.append(f"record {len(found.records)} at byte {place}: {record.error}")
            place += len(record.raw)
    return found


def _skip_fillers(data: bytes, place: int, found: RecordsFound) -> int:
    end = place
    while end < len(data) and data[end] == IDLE_FILLER:
        end += 1
    found.parts.append(Part(place, data[place:end], "DIF: idle filler"))
    return end


def _take_manufacturer_data(data: bytes, place: int, found: RecordsFound) -> None:
    found.manufacturer_data = data[place + 1 :]
    found.more_follow = data[place] == MORE_FOLLOWS
    follows = ", more records follow in the next telegram" if found.more_follow else ""
    found.parts.append(Part(place, data[place : place + 1], f"DIF: manufacturer specific data to the end{follows}"))
    if found.manufacturer_data:
        found.parts.append(Part(place + 1, found.manufacturer_data, "manufacturer specific data"))


def _global_readout(data: bytes, place: int, found: RecordsFound) -> int:
    vib = data[place + 1 : place + 2] if data[place + 1 : place + 2] == bytes([_ANY_VIF]) else b""
    record = DataRecord(
        "global readout request",
        None,
        "",
        Function.INSTANTANEOUS,
        0,
        0,
        0,
        place,
        data[place : place + 1],
        vib,
        b"",
        coding="no data",
        note="asks for all storages, tariffs, subunits and functions",
    )
    found.records.append(record)
    found.parts.append(Part(place, record.raw, "DIF: global readout request"))
    return place + len(record.raw)


def _give_up(data: bytes, place: int, found: RecordsFound, reason: str) -> None:
    found.unread = data[place:]
    found.errors.append(f"unread from byte {place} on: {reason}")
    found.parts.append(Part(place, found.unread, f"unread: {reason}"))


def _read_record(data: bytes, place: int, *, to_meter: bool, high_first: bool) -> tuple[DataRecord, tuple[Part, ...]]:
    dib = read_dib(data, place)
    vib_place = place + dib.length
    vib = read_vib(data, vib_place, to_meter=to_meter, high_first=high_first)
    value_place = vib_place + vib.length
    error = dib.error or vib.error
    try:
        length = value_length(dib.coding, data[value_place:])
    except CodingError as refusal:
        # Without a length there is no next record either: all the rest belongs to this one.
        length, error = len(data) - value_place, error or str(refusal)
        content = Content(None)
    else:
        octets = data[value_place : value_place + length]
        if len(octets) < length:
            error = error or f"cut short: the value has {length} bytes, {len(octets)} are there"
        content = Content(None) if error else read_value(dib.coding, octets, vib.reading, high_first=high_first)
    octets = data[value_place : value_place + length]
    record = DataRecord(
        vib.quantity,
        None if error or vib.refusal else _apply(content, vib),
        vib.unit,
        dib.function,
        dib.storage,
        dib.tariff,
        dib.subunit,
        place,
        data[place:vib_place],
        data[vib_place:value_place],
        octets,
        coding=content.kind,
        note="; ".join(_notes(dib, vib, content)),
        error=error,
        refusal=vib.refusal,
    )
    parts = (*dib.parts, *vib.parts)
    if octets:
        parts += (Part(value_place, octets, _value_words(record)),)
    return record, parts


def _apply(content: Content, vib: ValueInformation) -> Decimal | str | None:
    value = content.value
    if value is None or isinstance(value, str):
        return value
    if vib.exponent or vib.halvings:
        value = scaled(value, vib.exponent, vib.halvings)
    for offset in vib.offsets:
        value = added(value, offset)
    return value


def _notes(dib: DataInformation, vib: ValueInformation, content: Content) -> list[str]:
    notes = [content.note] if content.note else []
    if vib.reading is Reading.DAYLIGHT_SAVING:
        notes.append("type K, told as it stands")
    if isinstance(content.value, str) and vib.exponent and not vib.profile:
        notes.append("a text, not scaled")
    if vib.profile:
        notes.append("a series of values in one, told as it stands (annex F)")
    if vib.quantity == "date" and dib.coding is not Coding.INTEGER_16 and content.value is not None:
        notes.append("VIF 6C is defined for 16 bit alone; read by its length")
    if vib.quantity == "date and time" and dib.coding is Coding.INTEGER_16 and content.value is not None:
        notes.append("VIF 6D is not defined for 16 bit; read by its length, as a date")
    return notes + vib.notes


def _value_words(record: DataRecord) -> str:
    if record.error or record.refusal:
        return f"value: {record.error or record.refusal}"
    if record.text is None:
        return f"value: {record.note or 'none'}"
    return f"value: {record.text} {record.unit}".rstrip()
