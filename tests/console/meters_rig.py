"""A meter list in memory, which remembers what was asked of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from appliance.console.meter_words import address_of
from appliance.errors import CodingError, InvalidMeter, UnknownMeter
from appliance.mbus.frame import LongFrame
from appliance.mbus.secondary import SecondaryAddress
from appliance.meters.meter import Meter
from appliance.meters.readings import Series, StoredReading, StoredValue
from appliance.meters.snapshot import MetersSnapshot, MeterState, SearchPhase, SearchState
from appliance.readout.discovery.found import FoundMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

WATER = "12345678B40A0107"
"""Secondary address of a water meter: manufacturer code 0AB4, version 1."""

READ_AT = 1_790_000_000.0


def telegram(records: str, *, secondary: str = WATER, address: int = 5, status: int = 0) -> bytes:
    """Build an answer with these records, hexadecimal digits."""
    header = bytes(SecondaryAddress.from_text(secondary)) + bytes((42, status, 0, 0))
    return bytes(LongFrame(0x08, address, 0x72, header + bytes.fromhex(records)))


VOLUME = "0413 15CD5B07"
"""A volume of 123456.789 m³."""


class ListedMeters:
    """A `MetersView` without a bus."""

    def __init__(self) -> None:
        self.states: dict[int, MeterState] = {}
        self.stored: dict[int, list[StoredReading]] = {}
        self.search_state = SearchState()
        self.is_full = False
        self.problem = ""
        self.warnings: tuple[str, ...] = ()
        self.activity = ""
        self.bus_load = 0.0
        self.done: list[tuple[Any, ...]] = []
        self._next = 1

    def put(self, meter: Meter | None = None, **fields: Any) -> Meter:
        """Put a meter in, whatever it says."""
        meter = meter or Meter(**{"key": self._next, "name": "", "baud": 2400, **fields})
        self._next = max(self._next, meter.key) + 1
        self.states[meter.key] = replace(self.states.get(meter.key, MeterState(meter)), meter=meter)
        return meter

    def tell(self, key: int, *telegrams: bytes, **fields: Any) -> StoredReading:
        """Store a reading."""
        number = sum(map(len, self.stored.values())) + 1
        reading = StoredReading(
            number, key, **{"at": READ_AT + number, "seconds": 0.25, "telegrams": telegrams, **fields}
        )
        self.stored.setdefault(key, []).append(reading)
        state = self.states[key]
        self.states[key] = replace(state, last_reading=reading.at, last_try=reading.at, tries=state.tries + 1)
        return reading

    def snapshot(self) -> MetersSnapshot:
        return MetersSnapshot(
            tuple(self.states.values()),
            self.search_state,
            bool(self.activity),
            self.activity,
            self.bus_load,
            self.warnings,
            sum(map(len, self.stored.values())),
            self.problem,
        )

    def find(self, key: int) -> Meter:
        if key not in self.states:
            raise UnknownMeter(f"there is no meter {key}")
        return self.states[key].meter

    def _read(self, key: int, texts: Mapping[str, str], meter: Meter | None = None) -> Meter:
        errors: dict[str, str] = {}
        values: dict[str, Any] = {}
        for field, text in texts.items():
            try:
                values[field] = _parse(field, text)
            except (ValueError, CodingError) as error:
                errors[field] = str(error)
        if errors:
            raise InvalidMeter(errors)
        return replace(meter or Meter(key, "", 2400), **values)

    def add(self, texts: Mapping[str, str]) -> Meter:
        if self.is_full:
            raise InvalidMeter({"": "the list is full: 256 meters"})
        return self.put(self._read(self._next, texts))

    def add_found(self, addresses: Sequence[str] | None = None) -> tuple[Meter, ...]:
        if self.is_full:
            raise InvalidMeter({"": "the list is full: 256 meters"})
        return tuple(
            self.put(baud=found.baud, primary=found.primary, secondary=found.secondary.text if found.secondary else "")
            for found in self.search_state.found
            if addresses is None or address_of(found) in addresses
        )

    def change(self, key: int, texts: Mapping[str, str]) -> Meter:
        return self.put(self._read(key, texts, self.find(key)))

    def remove(self, key: int) -> None:
        self.find(key)
        del self.states[key]

    def forget_all(self) -> None:
        self.states.clear()
        self.stored.clear()

    def latest(self, key: int) -> StoredReading | None:
        self.done.append(("latest", key))
        return self.stored[key][-1] if self.stored.get(key) else None

    def readings(
        self,
        key: int | None = None,
        *,
        after: int = 0,
        since: float = 0.0,
        until: float | None = None,
        limit: int = 100,
    ) -> tuple[StoredReading, ...]:
        raise NotImplementedError

    def series(self, key: int) -> tuple[Series, ...]:
        raise NotImplementedError

    def history(
        self, series: int, *, since: float = 0.0, until: float | None = None, most: int = 340
    ) -> tuple[StoredValue, ...]:
        raise NotImplementedError

    def values(self, key: int, *, since: float = 0.0, until: float | None = None) -> Iterator[StoredValue]:
        raise NotImplementedError

    def read_now(self, keys: Sequence[int]) -> None:
        self.done.append(("read", *keys))
        for key in keys:
            self.states[key] = replace(self.states[key], is_waiting=True)

    def search(self, bauds: Sequence[int], *, primary: bool, secondary: bool) -> None:
        self.done.append(("search", *bauds, primary, secondary))
        self.search_state = SearchState(SearchPhase.RUNNING)

    def _go(self, phase: SearchPhase) -> None:
        self.done.append((phase.value,))
        self.search_state = replace(self.search_state, phase=phase)

    def pause_search(self) -> None:
        self._go(SearchPhase.PAUSED)

    def resume_search(self) -> None:
        self._go(SearchPhase.RUNNING)

    def cancel_search(self) -> None:
        self._go(SearchPhase.CANCELLED)

    def set_primary(self, key: int, primary: int) -> None:
        self.find(key)
        if primary > 250:
            raise InvalidMeter({"primary": f"{primary} is not within 0 to 250"})
        self.done.append(("set primary", key, primary))

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        raise NotImplementedError(listener)


def _parse(field: str, text: str) -> Any:
    if field in ("reads_by_primary", "high_first", "on_battery"):
        if text not in ("on", "off"):
            raise ValueError(f'"{text}" is neither on nor off')
        return text == "on"
    if field == "primary" and not text:
        return None
    if field in ("baud", "primary", "interval"):
        return _number(field, text)
    return SecondaryAddress.from_text(text).text if field == "secondary" and text else text


def _number(field: str, text: str) -> int:
    allowed = {"baud": (300, 2400), "primary": range(251), "interval": range(10**6)}[field]
    if not text.isdecimal() or int(text) not in allowed:
        raise ValueError(f'"{text}" is not allowed')
    return int(text)


def found(secondary: str | None = WATER, primary: int = 5, baud: int = 2400, **fields: Any) -> FoundMeter:
    """Make something that a search found."""
    address = SecondaryAddress.from_text(secondary) if secondary else None
    return FoundMeter(baud, primary, address, **{"by_secondary": bool(secondary), **fields})
