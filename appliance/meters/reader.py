"""Who works on the bus for the meters of the list: searches, reads and changes addresses, between the TCP clients."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError, LineError, PortGoneError, ReadoutError, SaveFailed
from appliance.meters.hold import HeldLine, TimedMaster
from appliance.meters.readdressing import readdress, selection_of
from appliance.readout.identity import agrees, identify
from appliance.readout.reading import read_meter
from appliance.readout.transport import Interrupted
from appliance.service import PATIENCE, Service
from appliance.settings import SECTIONS, Transition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appliance.line.line import Line
    from appliance.meters.meter import Meter
    from appliance.meters.meters import Meters
    from appliance.settings import Values

log = logging.getLogger(__name__)

DISK_PATIENCE = 30.0
"""Seconds that a memory card may take for what is written: bad ones stand still for many."""
_LOOK_FOR_LINE = 1.0
"""Seconds after which a missing line is looked for again."""
_LOOK_FOR_SPEED = 0.05
_TIDY_EVERY = 60.0
_LONGEST_REST = 3600.0
"""Seconds after which even an idle reader looks for readings that are too old."""


class MeterReader(Service):
    """Does one thing on the bus at a time, and gives it up in between when a TCP client wants it.

    The order: changes of primary addresses, readouts that somebody asked for, those of the schedule with the most
    overdue first, and then the search.
    """

    def __init__(self, meters: Meters, line: Line) -> None:
        """Work for `meters` on `line`."""
        super().__init__("meters")
        self._meters = meters
        self._clock = meters.clock
        self._line = HeldLine(line, self.stopping, beat=self.beat_on, clock=meters.clock)
        self._master = TimedMaster(self._line)
        self._is_fresh = False
        """Whether the bus has just become ours: something is done then, whoever wants it next."""
        self._has_selected = False
        """Whether a meter may still be selected, which others who talk to 253 would reach."""
        self._followed: tuple[dict[int, Meter], int] | None = None
        self._tried: set[int] = set()
        """Meters that were asked since the start, of whom the schedule knows without a clock that is set."""
        self._knew_time = meters.time.is_set
        self._tidy_at = float("-inf")
        self._unsubscribe = meters.settings.subscribe(self._prepare)
        meters.on_order = self.wake

    def beat_on(self) -> None:
        """Say that the service is alive, in the middle of a wait."""
        self.beat()

    def run(self) -> None:
        """Work until told to stop."""
        with contextlib.suppress(Interrupted):
            while not self.stopping.is_set():
                self.beat()
                self._keep_order()
                self._follow()
                self._come_round()
        self._let_go()

    def release(self) -> None:
        """Let go of the bus, and store how far the search has come."""
        self._unsubscribe()
        self._has_selected = False  # it may be another thread that gives up for one that hangs
        self._let_go()
        self._meters.activity = ""
        self._meters.job.note_progress()
        self._meters.job.save()

    def _prepare(self, old: Values, new: Values) -> Transition | None:
        if all(old[setting] == new[setting] for setting in SECTIONS["meters"]):
            return None
        return Transition(apply=self.wake, abandon=lambda: None)

    # One round.

    def _come_round(self) -> None:
        work = self._next_work()
        if work is None:
            self._let_go()
            self.rest(self._wait())
            return
        if not self._line.is_there:
            self._lack_line()
            return
        self._meters.job.line_is_back()
        if not self._line.is_held or (self._line.is_wanted and not self._is_fresh):
            self._take()
            return  # what is most urgent may be something else by now
        self._is_fresh = False
        self._line.refresh()
        began = self._clock()
        try:
            work()
        except PortGoneError as error:
            log.warning("the meters' reader lost the line: %s", error)
            self._meters.job.fail(f"the line was lost: {error}", mends_itself=True)
            self._let_go()
            self.rest(_LOOK_FOR_LINE)
        finally:
            self._meters.share.held(began, self._clock())

    def _next_work(self) -> Callable[[], None] | None:
        """Find what is most urgent."""
        meters = self._meters
        if not meters.is_enabled:
            return None
        if (order := meters.orders.next_primary) is not None:
            return lambda: self._set_primary(*order)
        if (asked := meters.orders.next_readout) is not None:
            return lambda: self._read(asked)
        scheduled = meters.schedule.next()
        if scheduled is not None and scheduled[1] <= self._clock():
            return lambda: self._read(scheduled[0])
        if meters.job.is_running or meters.job.waits_for_line:
            return self._search
        return None

    def _wait(self) -> float:
        wait = max(0.0, self._tidy_at - self._clock()) if self._meters.kept else _LONGEST_REST
        scheduled = self._meters.schedule.next() if self._meters.is_enabled else None
        if scheduled is not None:
            wait = min(wait, scheduled[1] - self._clock())
        return max(0.0, min(wait, _LONGEST_REST))

    def _take(self) -> None:
        """Get the bus, behind everybody who waits for it."""
        meters, line = self._meters, self._line
        self._let_go()
        meters.is_waiting = True
        meters.share.waits(self._clock())
        try:
            # The tunnel's thread changes the speed while the bus is nobody's.
            while line.must_change_speed and not self.stopping.is_set():
                self.beat()
                self.stopping.wait(_LOOK_FOR_SPEED)
            line.take()
            self._is_fresh = meters.is_busy = True
        finally:
            meters.is_waiting = False
            meters.share.has(self._clock())

    def _let_go(self) -> None:
        if self._has_selected and self._line.is_held:
            with contextlib.suppress(LineError, Interrupted):  # at a stop it is sent, and not waited for
                self._master.deselect()
        self._has_selected = False
        self._meters.is_busy = False
        self._line.give_up()

    def _lack_line(self) -> None:
        self._let_go()
        self._meters.activity = "waits for the serial line"
        self._meters.job.fail("there is no serial line", mends_itself=True)
        self.rest(_LOOK_FOR_LINE)
        self._meters.activity = ""

    # What is done on the bus.

    def _search(self) -> None:
        with self._doing("searches meters"):
            self._master.begin()
            self._has_selected = True
            try:
                self._meters.job.step(self._master)
            except (PortGoneError, Interrupted):
                raise
            except Exception as error:
                # The same step would fail again, and end this service each time.
                log.exception("the search cannot go on")
                self._meters.job.fail(f"it cannot go on: {error}", mends_itself=False)
            with self._patiently():
                self._meters.job.save()

    def _read(self, key: int) -> None:
        meters = self._meters
        meter = meters.meters.get(key)
        if meter is None:
            meters.orders.drop([key])
            return
        error = ""
        with self._doing(f"reads {meter.name}"):
            try:
                self._read_and_store(meter)
            except SaveFailed as failure:
                error = str(failure)
            except (PortGoneError, Interrupted):
                raise
            except ApplianceError as failure:
                error = str(failure)
            except Exception as failure:
                log.exception("meter %d, %s, cannot be read", key, meter.name)
                error = f"it cannot be read: {failure}"
        if error:
            with self._patiently():
                meters.note_failure(key, error)
        self._tried.add(key)
        meters.schedule.tried(key, self._clock(), meters.battery_interval, succeeded=not error)
        meters.orders.was_read(key)

    def _read_and_store(self, meter: Meter) -> None:
        master = self._master
        master.begin(high_first=meter.high_first)
        self._set_speed(meter)
        selection = selection_of(meter)
        address = meter.primary if selection is None or meter.reads_by_primary else selection
        assert address is not None  # noqa: S101 (the list has no meter without an address)
        self._has_selected |= address is selection
        reading = read_meter(master, address, stays_selected=True)
        if isinstance(address, int) and selection is not None:
            identity = identify(reading.frames[0])
            if not agrees(selection.mask, identity):
                told = identity.secondary.text if identity.secondary else "nobody known"
                raise ReadoutError(f"at the primary address {address} answers another meter: {told}")
        with self._patiently():
            came = self._clock() if master.told_at is None else master.told_at
            self._meters.store_reading(meter.key, reading, came=came, response=master.response_time)

    def _set_primary(self, key: int, primary: int) -> None:
        meters = self._meters
        meter = meters.meters.get(key)
        if meter is not None:
            with self._doing(f"sets the primary address of {meter.name}"):
                try:
                    self._master.begin(high_first=meter.high_first)
                    self._set_speed(meter)
                    readdress(self._master, meter, primary)
                    with self._patiently():
                        meters.primary_was_set(key, primary)
                except SaveFailed as failure:
                    meters.note_failure(key, str(failure), is_readout=False)
                except (PortGoneError, Interrupted):
                    raise
                except ApplianceError as failure:
                    with self._patiently():
                        meters.note_failure(key, str(failure), is_readout=False)
        meters.orders.was_set(key, primary)

    def _set_speed(self, meter: Meter) -> None:
        if self._line.timing.baud != meter.baud:
            self._line.set_baud(meter.baud)

    @contextlib.contextmanager
    def _doing(self, words: str) -> Iterator[None]:
        self._meters.activity = words
        try:
            yield
        finally:
            self._meters.activity = ""

    @contextlib.contextmanager
    def _patiently(self) -> Iterator[None]:
        """Do something that the disk may hold up."""
        self.patience = DISK_PATIENCE
        try:
            yield
        finally:
            self.patience = PATIENCE
            self.beat()

    # Besides.

    def _follow(self) -> None:
        """Bring the schedule up to date with the list, the battery guard, and a clock that was set."""
        meters = self._meters
        knows_time = meters.time.is_set
        if knows_time and not self._knew_time:
            meters.schedule.forget(key for key in meters.meters if key not in self._tried)
            self._followed = None
        self._knew_time = knows_time
        state = (meters.meters, meters.battery_interval)
        if self._followed is not None and self._followed[0] is state[0] and self._followed[1] == state[1]:
            return
        self._followed = state
        now, wall = self._clock(), meters.time.of(self._clock())
        tries = {key: meters.health(key).last_try for key in meters.meters}
        ages = {key: wall - at for key, at in tries.items() if at is not None}
        meters.schedule.follow(meters.meters.values(), meters.battery_interval, now, ages)

    def _keep_order(self) -> None:
        """Delete a little of what is too old, now and then; store what the search's state is."""
        with self._patiently(), contextlib.suppress(SaveFailed):
            if not self._meters.job.is_running:
                self._meters.job.save()
            if self._clock() >= self._tidy_at:
                self._tidy_at = self._clock() + _TIDY_EVERY
                if self._meters.tidy():
                    self._tidy_at = self._clock() + 1.0
