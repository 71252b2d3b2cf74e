"""The value information block: VIF and VIFEs (EN 13757-3:2018, 6.4 and annex C.2 for plain text)."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.errors import CodingError
from appliance.mbus import extension_fb, extension_fd, orthogonal, primary
from appliance.mbus.orthogonal import Effect, Qualifier
from appliance.mbus.part import Part
from appliance.mbus.quantity import Quantity, Reading
from appliance.mbus.record import EXTENSION, MAX_EXTENSIONS
from appliance.mbus.value import is_text

_CODE = 0x7F


@dataclass
class ValueInformation:
    """What a VIB says. Filled while its bytes are read from left to right."""

    quantity: str = ""
    """In the words of the standard, with those of the VIFEs behind a comma each."""
    unit: str = ""
    exponent: int = 0
    """Of ten, that the value is to be multiplied by."""
    halvings: int = 0
    offsets: list[int] = field(default_factory=list)
    """Exponents of ten of what is to be added, in `unit`."""
    reading: Reading = Reading.NUMBER
    length: int = 0
    """Bytes of the block."""
    error: str = ""
    """Why the record cannot be read."""
    refusal: str = ""
    """Why its meter has no value for it, as a VIFE says."""
    notes: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    profile: bool = False


@dataclass(frozen=True)
class _Text:
    """A plain text VIF: where its text stands, and where its VIFEs begin."""

    start: int
    end: int
    extensions: int


def read_vib(data: bytes, offset: int, *, to_meter: bool = False, high_first: bool = False) -> ValueInformation:
    """Read the block that begins at `offset`.

    :param to_meter: the telegram goes to the meter, so that VIFEs 00 to 0F are actions and not errors.
    :raises CodingError: when the block has no end.
    """
    reader = _Reader(data, offset, to_meter=to_meter, high_first=high_first)
    reader.read()
    return reader.found


class _Reader:
    def __init__(self, data: bytes, offset: int, *, to_meter: bool, high_first: bool) -> None:
        self._data = data
        self._start = self._place = offset
        self._to_meter = to_meter
        self._high_first = high_first
        self._extensions = 0
        self._row: Quantity | None = None
        self.found = ValueInformation()

    def read(self) -> None:
        vif = self._take()
        code = vif & _CODE
        if code == primary.MANUFACTURER_SPECIFIC:
            self._tell(1, "VIF: manufacturer specific")
            self.found.quantity, self.found.reading = "manufacturer specific", Reading.MAKERS
            self._makers(vif)
        elif code == primary.PLAIN_TEXT:
            self._plain_text(vif)
        else:
            self._combinable(self._true_vif(vif))
        if self._extensions > MAX_EXTENSIONS:
            self.found.error = f"{self._extensions} VIFEs, at most {MAX_EXTENSIONS} are allowed"
        self.found.length = self._place - self._start

    def _take(self) -> int:
        if self._place >= len(self._data):
            raise CodingError(f"the VIB at byte {self._start} has no end")
        self._place += 1
        return self._data[self._place - 1]

    def _tell(self, count: int, meaning: str) -> None:
        start = self._place - count
        self.found.parts.append(Part(start, self._data[start : self._place], meaning))

    def _true_vif(self, vif: int) -> int:
        """Find the row of the table, and return the byte whose extension bit goes on."""
        table, tag, code = primary.BY_CODE, "", vif
        if vif == primary.FIRST_EXTENSION:
            table, tag, code = extension_fb.BY_CODE, "FB ", self._take()
            self._extensions += 1
        elif vif == primary.SECOND_EXTENSION:
            table, tag, code = extension_fd.BY_CODE, "FD ", self._take()
            self._extensions += 1
            if code == primary.SECOND_EXTENSION:
                table, tag, code = extension_fd.SECOND_LEVEL_BY_CODE, "FD FD ", self._take()
                self._extensions += 1
        elif vif == primary.THIRD_EXTENSION:
            table, tag, code = {}, "EF ", self._take()
            self._extensions += 1
        row = table.get(code & _CODE)
        if row is not None:
            self._take_row(row, code & _CODE)
        elif not tag and code & _CODE == primary.ANY:
            self.found.quantity = "any VIF"
        else:
            self.found.quantity = f"reserved VIF {tag}{code & _CODE:02X}"
            self.found.notes.append("the standard has no meaning for this VIF; the number is not scaled")
        self._tell(1 + len(tag) // 3, f"VIF: {self._words()}")
        return code

    def _take_row(self, row: Quantity, code: int) -> None:
        found = self.found
        self._row = row
        found.quantity, found.unit, found.reading = row.name, row.unit, row.reading
        found.exponent, found.halvings = row.exponent(code), row.halvings
        if row.remark:
            found.notes.append(row.remark)

    def _words(self) -> str:
        scale = f"10^{self.found.exponent} " if self.found.exponent else ""
        return f"{self.found.quantity}, {scale}{self.found.unit}" if self.found.unit else self.found.quantity

    def _makers(self, byte: int) -> None:
        """Take VIFEs that only the maker knows."""
        start = self._place
        while byte & EXTENSION:
            byte = self._take()
            self._extensions += 1
        if self._place > start:
            self._tell(self._place - start, "VIFEs of the manufacturer")
            self.found.notes.append(f"VIFEs of the manufacturer: {self._data[start : self._place].hex(' ').upper()}")

    def _combinable(self, byte: int) -> None:
        while byte & EXTENSION:
            byte = self._take()
            self._extensions += 1
            code = byte & _CODE
            if code == orthogonal.MANUFACTURER_SPECIFIC:
                self._tell(1, "VIFE: what follows, and the data, are manufacturer specific")
                self.found.notes.append("a VIFE says that the value is manufacturer specific")
                self._makers(byte)
                return
            if code == orthogonal.EXTENSION and byte & EXTENSION:
                byte = self._take()
                self._extensions += 1
                row = orthogonal.EXTENDED.get(byte & _CODE)
                self._qualify(row or Qualifier(f"reserved VIFE FC {byte & _CODE:02X}"), 2, known=row is not None)
                continue
            row = orthogonal.COMBINABLE.get(code)
            if self._to_meter and code in orthogonal.ACTIONS:
                row = Qualifier(f"action: {orthogonal.ACTIONS[code]}")
            self._qualify(row or Qualifier(f"reserved VIFE {code:02X}"), 1, known=row is not None)

    def _qualify(self, row: Qualifier, count: int, *, known: bool) -> None:
        self._tell(count, f"VIFE: {row.words}")
        found = self.found
        if row.words != "no record error" and row.effect not in (Effect.FACTOR, Effect.OFFSET):
            found.quantity += f", {row.words}"
        if not known:
            found.notes.append(f"the standard has no meaning for the {row.words.removeprefix('reserved ')}")
        if row.effect is Effect.UNIT:
            found.unit = (found.unit or "1") + row.unit if row.unit.startswith("/") else found.unit + row.unit
        elif row.effect is Effect.ERROR:
            found.refusal = row.words
        elif row.effect is Effect.FACTOR:
            found.exponent += row.exponent
        elif row.effect is Effect.OFFSET:
            found.offsets.append(row.exponent)
        elif row.effect is Effect.OTHER_UNITS:
            self._other_units()
        elif row.effect is Effect.PROFILE:
            found.profile, found.reading = True, Reading.OCTETS
        elif row.effect in _REPLACED:
            found.unit, found.exponent, found.halvings = row.unit, 0, 0
            found.reading = _REPLACED[row.effect]
        elif row.effect in _RETYPED:
            found.reading = _RETYPED[row.effect]

    def _other_units(self) -> None:
        if self._row is None:
            return  # a unit of its own, or none
        found = self.found
        if self._row in primary.NON_METRIC:
            found.unit, shift = primary.NON_METRIC[self._row]
            found.exponent += shift
        else:
            found.unit, found.exponent = "", 0
            found.notes.append("in a non-metric unit (annex C), not scaled")

    def _plain_text(self, vif: int) -> None:
        """Take a unit that is told as text, and its VIFEs from before or behind it."""
        self._tell(1, "VIF: plain text")
        where = self._find_text(extended=bool(vif & EXTENSION))
        text = self._data[where.start : where.end]
        self.found.quantity = "plain text VIF"
        # Some makers fill their units up to a fixed length.
        self.found.unit = (text if self._high_first else text[::-1]).decode("latin-1").strip("\0 ")
        part = Part(where.start - 1, self._data[where.start - 1 : where.end], f"the text: {self.found.unit!r}")
        self._place = where.extensions
        if where.extensions < where.start:
            self._combinable(vif)
            self._place = where.end
            self.found.parts.append(part)
        else:
            self.found.parts.append(part)
            self._combinable(vif)

    def _find_text(self, *, extended: bool) -> _Text:
        """Find the text: behind the VIFEs as the standard has it, or before them as many meters do."""
        at_once = self._text_at(self._place, behind=extended)
        if not extended:
            if at_once is None:
                raise CodingError(f"the text of the VIF at byte {self._start} has no end")
            return at_once
        place = self._place
        while place < len(self._data) and self._data[place] & EXTENSION:
            place += 1
        after = self._text_at(place + 1, extensions=self._place)
        candidates = [found for found in (after, at_once) if found is not None]
        if not candidates:
            raise CodingError(f"the text of the VIF at byte {self._start} has no end")
        readable = [found for found in candidates if self._readable(found)]
        if len(readable) == 1:
            return readable[0]
        # A single VIFE below 20 would be a record error; a length is nearly always below that.
        return candidates[-1] if self._data[self._place] < 0x20 else candidates[0]

    def _text_at(self, place: int, *, extensions: int | None = None, behind: bool = False) -> _Text | None:
        if place >= len(self._data):
            return None
        start = place + 1
        end = start + self._data[place]
        if end > len(self._data) or (behind and end >= len(self._data)):
            return None
        return _Text(start, end, end if extensions is None else extensions)

    def _readable(self, found: _Text) -> bool:
        return is_text(self._data[found.start : found.end])


_REPLACED = {
    Effect.MOMENT: Reading.MOMENT,
    Effect.DURATION: Reading.UNSIGNED,
    Effect.COUNT: Reading.UNSIGNED,
}
"""What makes the value something else than the VIF measures, and how it is then read."""

_RETYPED = {Effect.UNSIGNED: Reading.UNSIGNED, Effect.BITS: Reading.BITS}
