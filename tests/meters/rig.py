"""Meters with clocks in the test's hands, telegrams that they could have sent, and a reader on a simulated bus."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from appliance.mbus.frame import LongFrame
from appliance.mbus.manufacturer import encode_manufacturer
from appliance.mbus.record import Record, decimal
from appliance.mbus.secondary import SecondaryAddress
from appliance.meters.meters import Meters
from appliance.meters.reader import MeterReader
from appliance.readout.discovery.found import FoundMeter
from appliance.readout.reading import Reading
from appliance.settings import Settings
from tests.tunnel.rig import Rig, wait_until
from tests.tunnel.rig import running as tunnel_running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from appliance.meters.snapshot import MeterState

NOON = 1_800_000_000.0
"""A time of day, in 2027."""
VOLUME = b"\x13"
"""VIF: volume in litres."""
RETURN_TEMPERATURE = b"\x5e"


class Time:
    """Two clocks that pass together: one that nobody sets, and the time of day."""

    def __init__(self, wall: float = NOON) -> None:
        self.now = 1000.0
        self.wall_now = wall

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.wall_now

    def run(self, seconds: float) -> None:
        self.now += seconds
        self.wall_now += seconds


def address_of(number: int, medium: int = 7) -> SecondaryAddress:
    return SecondaryAddress(f"{number:08}", encode_manufacturer("ELS"), 1, medium)


def telegram(number: int, *records: Record, access: int = 0) -> LongFrame:
    header = bytes(address_of(number)) + bytes([access & 0xFF, 0, 0, 0])
    return LongFrame(0x08, 1, 0x72, header + b"".join(bytes(record) for record in records))


def litres(count: int) -> Record:
    return Record(decimal(count, 8), VOLUME)


def reading(number: int = 1, *values: int, notes: tuple[str, ...] = ()) -> Reading:
    """One telegram with a volume for each value; those behind the first belong to earlier due dates."""
    records = [Record(decimal(value, 8), VOLUME, storage=place) for place, value in enumerate(values or (1,))]
    return Reading((telegram(number, *records),), notes, 0.5)


def found(number: int, *, primary: int = 0, baud: int = 2400, medium: int = 7) -> FoundMeter:
    return FoundMeter(baud, primary, address_of(number, medium), by_secondary=True)


class Household:
    """Meters in a folder; `again` is a restart of the program."""

    def __init__(self, folder: Path, time: Time | None = None, **settings: str) -> None:
        self.folder = folder
        self.time = time or Time()
        self.settings = Settings(folder)
        self.settings.override({name.replace("__", "."): text for name, text in settings.items()})
        self.meters = self._new()

    def _new(self) -> Meters:
        return Meters(self.settings, self.folder, clock=self.time.clock, wall=self.time.wall)

    def again(self) -> Meters:
        self.meters.close()
        self.meters = self._new()
        return self.meters

    def add(self, number: int = 1, **texts: str) -> int:
        """Put a meter into the list; give its key."""
        return self.meters.add({"secondary": address_of(number).text, **texts}).key

    def store(self, key: int, *values: int) -> int:
        """Store a reading that comes now; give its number."""
        stored = self.meters.store_reading(key, reading(key, *values), came=self.time.now, response=0.1)
        assert stored is not None
        return stored


@contextlib.contextmanager
def household(folder: Path, time: Time | None = None, **settings: str) -> Iterator[Household]:
    house = Household(folder, time, **settings)
    try:
        yield house
    finally:
        house.meters.close()


class Station:
    """A tunnel, and a meters' reader, on one line."""

    def __init__(self, rig: Rig, folder: Path, settings: Mapping[str, str]) -> None:
        self.rig = rig
        rig.settings.override(dict(settings))
        self.meters = Meters(rig.settings, folder)
        self.reader = MeterReader(self.meters, rig.line)
        self.reader.start()

    def wait(self, condition: Callable[[], object], what: str, deadline: float = 30.0) -> None:
        wait_until(condition, what, deadline)

    def state(self, key: int) -> MeterState:
        return next(state for state in self.meters.snapshot().meters if state.meter.key == key)

    def read(self, *keys: int) -> None:
        """Have meters read, and wait until they were asked and the order is done with."""
        before = {key: self.state(key).tries for key in keys}

        def is_read(state: MeterState) -> bool:
            return state.tries > before[state.meter.key] and not state.is_waiting

        self.meters.read_now(keys)
        self.wait(lambda: all(is_read(self.state(key)) for key in keys), f"the readout of meters {keys}")

    def new_reader(self) -> None:
        """Have another take the place of the reader, as supervision does."""
        self.reader = MeterReader(self.meters, self.rig.line)
        self.reader.start()


@contextlib.contextmanager
def station(folder: Path, **settings: str) -> Iterator[Station]:
    """Run a tunnel and a reader on the line `line__two_wire`."""
    own = {name.replace("__", "."): text for name, text in settings.items() if name.startswith("meters__")}
    others = {name: text for name, text in settings.items() if not name.startswith("meters__")}
    with tunnel_running(folder, **others) as rig:
        here = Station(rig, folder / "meters", own)
        try:
            yield here
        finally:
            here.reader.stop()
            here.meters.close()
