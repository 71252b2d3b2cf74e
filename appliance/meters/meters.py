"""The meters of the device: the list, what they told, and what is asked of them."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.errors import InvalidMeter, SaveFailed, UnknownMeter
from appliance.mbus.frame import Address
from appliance.meters import archive, fields, list_table
from appliance.meters.addition import brought_up_to_date, counterpart, default_name, drafted, is_among
from appliance.meters.bus_time import BusShare, bus_load, load_warning, meter_warning
from appliance.meters.database import Database
from appliance.meters.health import Health
from appliance.meters.list_copy import ListCopy
from appliance.meters.meter import MOST_METERS, Meter
from appliance.meters.orders import Orders
from appliance.meters.schedule import Schedule
from appliance.meters.search_job import SearchJob
from appliance.meters.snapshot import MetersSnapshot, MeterState, SearchPhase, SearchState
from appliance.meters.time_of_day import TimeOfDay
from appliance.settings import line as line_settings
from appliance.settings import meters as declared

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from appliance.readout.reading import Reading
    from appliance.settings import Settings

_STARVED = "TCP clients leave the bus too little time for the device's own readouts"
_NO_TIME = "the clock is not set: readings get their time when it is"
_SWITCHED_OFF = "the device's own work on the bus is switched off"


class Meters(archive.Archive):
    """All that the device knows of its meters; it outlives the service that works on the bus.

    What is read by many is replaced whole and never changed: the list, and how it goes with each meter. Changes are
    written to the disk first, one at a time.
    """

    def __init__(
        self,
        settings: Settings,
        state_folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Load what is stored in `state_folder`."""
        self.settings = settings
        self.clock = clock
        self.time = TimeOfDay(wall, clock)
        self._wall = wall
        self._changing = threading.RLock()
        self._meters: dict[int, Meter] = {}
        self._health: dict[int, Health] = {}
        self._copy = ListCopy(state_folder)
        super().__init__(Database(state_folder, on_anew=self._on_anew))
        self.database.open()
        self.orders = Orders()
        self.schedule = Schedule()
        self.share = BusShare()
        self.job = SearchJob(self.database, clock=clock, wall=wall)
        self.on_order: Callable[[], None] = lambda: None
        """Called when there is something new to do on the bus (any thread)."""
        self.activity = ""
        """What the reader does, in words."""
        self.is_busy = False
        """Whether the reader has the bus."""
        self.is_waiting = False
        """Whether the reader waits for the bus."""
        self._hurried: dict[int, float] = {}
        """When a meter with a battery was asked for again too soon."""
        self.readouts = 0
        """Those since the program began."""
        self.failures = 0
        """Those of them that failed."""
        self._listeners: tuple[Callable[[], None], ...] = ()
        with suppress(SaveFailed), self.database.reading() as connection:
            self._meters = list_table.load_meters(connection)
            self._health = list_table.load_health(connection)
        self.count_readings()
        self.job.load()

    def close(self) -> None:
        """Give the file back, after the reader has ended."""
        self.job.note_progress()
        self.job.save()
        self.database.close()

    # State.

    @property
    def meters(self) -> dict[int, Meter]:
        """The list by number; it never changes, a change makes another one."""
        return self._meters

    @property
    def is_enabled(self) -> bool:
        """Whether the device may work on the bus."""
        return self.settings[declared.ENABLED]

    @property
    def battery_interval(self) -> int:
        """Seconds between two readouts of a meter with a battery, at the least."""
        return self.settings[declared.BATTERY_INTERVAL]

    def health(self, key: int) -> Health:
        """How it goes with a meter."""
        return self._health.get(key) or Health()

    def snapshot(self) -> MetersSnapshot:
        """State now, as a value that never changes (any thread)."""
        meters, guard, now = self._meters, self.battery_interval, self.clock()
        states = tuple(self._state(meter, guard) for meter in meters.values())
        load = bus_load(((meter, self.health(meter.key)) for meter in meters.values()), guard)
        has_work = bool(meters) or self.job.is_running
        warnings = (
            load_warning(load),
            _STARVED if self.share.is_starved(now) else "",
            _NO_TIME if meters and not self.time.is_set else "",
            _SWITCHED_OFF if has_work and not self.is_enabled else "",
        )
        return MetersSnapshot(
            states,
            self._search_state(),
            is_busy=self.is_busy,
            activity=self.activity,
            bus_load=load,
            warnings=tuple(words for words in warnings if words),
            readings=self.kept,
            problem=self.database.problem,
        )

    def _state(self, meter: Meter, guard: int) -> MeterState:
        health, due = self.health(meter.key), self.schedule.due_at(meter.key)
        return MeterState(
            meter,
            is_waiting=self.orders.is_waiting(meter.key),
            last_try=health.last_try,
            last_reading=health.last_reading,
            error=health.error,
            response_time=health.response_time,
            readout_time=health.readout_time,
            tries=health.tries,
            failures=health.failures,
            due=None if due is None else self.time.of(due),
            warning=meter_warning(meter, health, guard) or self._hurry(meter, guard),
        )

    def _hurry(self, meter: Meter, guard: int) -> str:
        """Tell for a while that somebody asked for more than a battery bears."""
        asked = self._hurried.get(meter.key)
        if asked is None or not meter.on_battery or self.clock() - asked >= guard:
            return ""
        return f"it runs on a battery, and was read again on demand within {guard} s"

    def _search_state(self) -> SearchState:
        state = self.job.state
        if state.phase is SearchPhase.RUNNING and self.is_waiting:
            return replace(state, phase=SearchPhase.WAITING)
        return state

    def find(self, key: int) -> Meter:
        """Give a meter of the list.

        :raises UnknownMeter: when there is none of that number.
        """
        try:
            return self._meters[key]
        except KeyError:
            raise UnknownMeter(f"there is no meter {key} in the list") from None

    # The list.

    def add(self, texts: Mapping[str, str]) -> Meter:
        """Put a meter into the list; see `MetersView.add`."""
        empty = Meter(0, "", self.settings[line_settings.BAUD_RATE], interval=self.settings[declared.DEFAULT_INTERVAL])
        with self._changing:
            meter = fields.changed(empty, texts)
            if not meter.name and "name" not in texts:
                meter = replace(meter, name=default_name(meter))
            fields.check(meter, self._meters.values())
            self._check_room(1)
            (stored,) = self._store([meter])
        self._tell(self.on_order)
        return stored

    def add_found(self, addresses: Sequence[str] | None = None) -> tuple[Meter, ...]:
        """Put what the search found into the list; see `MetersView.add_found`."""
        interval, guard = self.settings[declared.DEFAULT_INTERVAL], self.battery_interval
        with self._changing:
            drafts = [drafted(found, interval=interval, battery_interval=guard) for found in self.job.found]
            known = {draft.address_text for draft in drafts}
            strangers = [address for address in addresses or () if address not in known]
            if strangers:
                raise InvalidMeter({"addresses": f"the search found nobody at {', '.join(strangers[:5])}"})
            put: list[Meter] = []
            # The fastest first: one that answers at both speeds is found at both.
            for draft in sorted(drafts, key=lambda draft: -draft.baud):
                if (addresses is None or draft.address_text in addresses) and not is_among(draft, put):
                    former = counterpart(draft, self._meters.values())
                    meter = draft if former is None else brought_up_to_date(former, draft)
                    # Two that cannot be told apart at one address: no readout could either.
                    others = (other for other in self._meters.values() if other is not former)
                    if not any(fields.is_same(meter, other) for other in (*others, *put)):
                        put.append(meter)
            self._check_room(sum(not meter.key for meter in put))
            stored = self._store(put)
        self._tell(self.on_order)
        return tuple(stored)

    def change(self, key: int, texts: Mapping[str, str]) -> Meter:
        """Change fields of a meter; see `MetersView.change`."""
        with self._changing:
            meter = fields.changed(self.find(key), texts)
            fields.check(meter, self._meters.values())
            (stored,) = self._store([meter])
        self._tell(self.on_order)
        return stored

    def remove(self, key: int) -> None:
        """Take a meter from the list; see `MetersView.remove`."""
        with self._changing:
            self.find(key)
            with self.database.writing() as connection:
                list_table.remove_meter(connection, key)
            self._meters = {number: meter for number, meter in self._meters.items() if number != key}
            self._health = {number: health for number, health in self._health.items() if number != key}
            self._write_copy()
            self.orders.drop([key])
        self._tell(self.on_order)

    def forget_all(self) -> None:
        """Remove everything; see `MetersView.forget_all`."""
        with self._changing:
            former, self._meters = self._meters, {}
            try:
                self._copy.remove()
                self.database.wipe()
            except OSError as error:
                self._meters = former
                raise SaveFailed(f"the meters cannot be removed: {error}", cause=error) from error
            self._write_copy()  # an empty one, with the last number
            self._health = {}
            self.kept = 0
            self.orders.drop(former)
            self.job.drop()
        self._tell(self.on_order)

    def _check_room(self, more: int) -> None:
        if len(self._meters) + more > MOST_METERS:
            words = f"{more} more do not fit: the list has {len(self._meters)} meters and room for {MOST_METERS}"
            raise InvalidMeter({"meters": words})

    def _store(self, meters: Iterable[Meter]) -> list[Meter]:
        with self.database.writing() as connection:
            stored = [list_table.put_meter(connection, meter) for meter in meters]
        self._meters = dict(sorted({**self._meters, **{meter.key: meter for meter in stored}}.items()))
        self._write_copy()
        return stored

    def _write_copy(self) -> None:
        with suppress(SaveFailed), self.database.reading() as connection:
            self._copy.write(self._meters.values(), list_table.last_number(connection))

    def _on_anew(self, connection: sqlite3.Connection, damaged: Path) -> None:
        self.kept = 0
        list_table.begin_anew(connection, damaged, self._meters.values(), self._copy, self._wall())

    # Work on the bus.

    def read_now(self, keys: Sequence[int]) -> None:
        """Ask for a readout; see `MetersView.read_now`."""
        asked = [self.find(key) for key in keys]
        now = self._wall()
        for meter in asked:
            last = self.health(meter.key).last_reading
            if meter.on_battery and last is not None and 0 <= now - last < self.battery_interval:
                self._hurried = {**self._hurried, meter.key: self.clock()}
        self.orders.read(keys)
        self.on_order()

    def set_primary(self, key: int, primary: int) -> None:
        """Ask for another primary address; see `MetersView.set_primary`."""
        meter = self.find(key)
        if not 0 <= primary <= Address.LAST:
            raise InvalidMeter({"primary": f"{primary} is not allowed; an address from 0 to {int(Address.LAST)}"})
        for other in self._meters.values():
            if primary and other.key != key and (other.baud, other.primary) == (meter.baud, primary):
                raise InvalidMeter({"primary": f"{primary} is the address of {other.name}, number {other.key}"})
        self.orders.set_primary(key, primary)
        self.on_order()

    def search(self, bauds: Sequence[int], *, primary: bool, secondary: bool) -> None:
        """Begin a search; see `MetersView.search`."""
        self.job.begin(bauds, primary=primary, secondary=secondary)
        self.on_order()

    def pause_search(self) -> None:
        """Let the search rest; see `MetersView.pause_search`."""
        self.job.pause()
        self.on_order()  # to store it

    def resume_search(self) -> None:
        """Go on with the search; see `MetersView.resume_search`."""
        self.job.resume()
        self.on_order()

    def cancel_search(self) -> None:
        """End the search; see `MetersView.cancel_search`."""
        self.job.cancel()
        self.on_order()

    # What the reader tells.

    def store_reading(self, key: int, reading: Reading, *, came: float, response: float | None = None) -> int | None:
        """Store a readout that succeeded, and give its number; None where its meter was removed meanwhile.

        :param came: when its first answer came, by the clock that nobody sets.
        :raises SaveFailed: when the disk did; nothing of it is stored.
        """
        with self._changing:
            if key not in self._meters:
                return None
            at = self.time.of(came)
            telegrams = [bytes(frame) for frame in reading.frames]
            with self.database.writing() as connection:
                number = archive.add_reading(connection, key, at, reading.seconds, telegrams, reading.notes)
                health = self.health(key).after_reading(at, number, seconds=reading.seconds, response=response)
                list_table.put_health(connection, key, health)
            self.time.note(number, came)
            self._health = {**self._health, key: health}
            self.kept += 1
            self.readouts += 1
        self._tell()
        return number

    def note_failure(self, key: int, error: str, *, is_readout: bool = True) -> None:
        """Note that a meter could not be read, or another thing that was asked of it did not succeed."""
        with self._changing:
            if key not in self._meters:
                return
            health = self.health(key)
            health = health.after_failure(self._wall(), error) if is_readout else replace(health, error=error)
            self.readouts += is_readout
            self.failures += is_readout
            self._health = {**self._health, key: health}
            with suppress(SaveFailed), self.database.writing(mends=False) as connection:
                list_table.put_health(connection, key, health)

    def primary_was_set(self, key: int, primary: int) -> None:
        """Take over the address that a meter has now.

        :raises SaveFailed: when the disk failed.
        """
        with self._changing:
            if key in self._meters:
                self._store([replace(self._meters[key], primary=primary)])
                self.note_failure(key, "", is_readout=False)
        self._tell(self.on_order)

    def tidy(self) -> bool:
        """Delete a little of what shall go, and date what came before the clock was set; give whether there is more.

        :raises SaveFailed: when the disk failed.
        """
        self.date(self.time)
        days = self.settings[declared.KEEP_DAYS]
        return self.delete_some(
            self._meters,
            older_than=self._wall() - days * 86_400 if days else None,
            most_bytes=self.settings[declared.KEEP_SIZE] * 1_000_000,
        )

    # Those who want to hear.

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called after a reading was stored or the list changed; see `MetersView.subscribe`."""
        with self._changing:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._changing:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return unsubscribe

    def _tell(self, *first: Callable[[], None]) -> None:
        for listener in (*first, *self._listeners):
            listener()
