"""The service that sends readings to an MQTT broker."""

from __future__ import annotations

import logging
import select
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.errors import BrokerError, SaveFailed
from appliance.publishing.backoff import Backoff
from appliance.publishing.broker import Broker
from appliance.publishing.connection import Connection
from appliance.publishing.courier import MOST_WAITING, Courier
from appliance.publishing.directory import Directory
from appliance.publishing.notices import Notices
from appliance.publishing.progress import Progress
from appliance.publishing.snapshot import PublisherSnapshot
from appliance.service import Service
from appliance.settings import Transition
from appliance.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.meters.view import MetersView
    from appliance.product import Product
    from appliance.publishing.client import BrokerClient
    from appliance.settings import Settings, Values

log = logging.getLogger(__name__)

SLOW_DISK = 5.0
"""Seconds that a round may take: a memory card can need some of them to flush."""
STEADY = 30.0
"""Seconds after which a connection counts as good, so that the next attempt after its end is made soon."""
NO_BROKER = "no broker is set"


class Publisher(Service):
    """Sends every stored reading once, and keeps what the broker retains in line with the meter list.

    The meters' store is the queue: readings wait there, and a file beside it says how far publishing has come. All is
    done in the service's own thread; but a name is looked up in one that ends with the question, for nothing can
    interrupt the system's resolver.
    """

    patience = SLOW_DISK

    def __init__(
        self,
        settings: Settings,
        meters: MetersView,
        state_folder: Path,
        product: Product,
        *,
        backoff: Backoff | None = None,
        step_patience: float | None = None,
        most_waiting: int = MOST_WAITING,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Publish the readings of `meters` as `settings` say.

        :param state_folder: where the progress is kept.
        :param step_patience: seconds for each step of a connection, for tests; None takes those of the steps.
        """
        super().__init__("mqtt")
        self._settings, self._meters, self._product = settings, meters, product
        self._backoff = backoff or Backoff()
        self._step_patience = step_patience
        self._most_waiting = most_waiting
        self._clock, self._wall = clock, wall
        self._progress = Progress(state_folder)
        self._courier: Courier | None = None
        self._directory: Directory | None = None
        self._notices: Notices | None = None
        self._connection: Connection | None = None
        self._stuck: Connection | None = None
        """The last connection whose name was not resolved in time; no other question is asked until its is over."""
        self._open_since: float | None = None
        """When the broker welcomed us, by `clock`."""
        self._not_before = clock()
        self._is_old = self._is_off = False
        self._list = 0
        """A mark of the meter list as it was last looked at."""
        self._waker = Waker()
        self._broker = self._used = Broker.of(settings.in_force, product)
        self._snapshot = PublisherSnapshot(self._broker.is_enabled, broker=self._broker.place)
        self._unsubscribe = (settings.subscribe(self._prepare), meters.subscribe(self.wake))
        self._broker = Broker.of(settings.in_force, product)

    def snapshot(self) -> PublisherSnapshot:
        """State (any thread)."""
        return self._snapshot

    def wake(self) -> None:
        """Make the service come round once (any thread)."""
        self._waker.wake()

    def run(self) -> None:
        """Publish until told to stop."""
        try:
            while not self.stopping.is_set():
                self.beat()
                seconds = self._round()
                self._tell()
                self._wait(seconds)
        finally:
            self._hang_up(politely=True)
            self._progress.close()

    def release(self) -> None:
        """Give back what is held."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._waker.close(self.thread)
        self._hang_up()

    # Settings.

    def _prepare(self, before: Values, after: Values) -> Transition | None:
        broker = Broker.of(after, self._product)
        if broker == Broker.of(before, self._product):
            return None

        def apply() -> None:
            self._broker = broker
            self.wake()

        return Transition(apply, lambda: None)

    def _change_broker(self, broker: Broker) -> None:
        self._hang_up(politely=True)
        self._used, self._is_old, self._is_off = broker, False, False
        self._backoff.reset()
        self._not_before = self._clock()
        self._note(error="", is_enabled=broker.is_enabled, broker=broker.place)

    # One round.

    def _round(self) -> float | None:
        """Do what can be done now; give the seconds until something is due, None for never."""
        broker = self._broker
        if broker != self._used:
            self._change_broker(broker)
        try:
            if not broker.is_enabled:
                self._switch_off()
                return None
            return self._work(broker)
        except BrokerError as error:
            self._lose(str(error))
        except SaveFailed as error:
            self._lose(str(error))
            self._progress.close()
            self._courier = None
        return 0.0 if broker.is_enabled else self._not_before - self._clock()

    def _work(self, broker: Broker) -> float | None:
        now = self._clock()
        if self._courier is None:
            if now < self._not_before:
                return self._not_before - now
            self._progress.open()
            self._directory = Directory(self._progress)
            self._courier = Courier(
                self._progress, self._directory, self._meters, most_waiting=self._most_waiting, clock=self._clock
            )
        has_more = self._courier.look()
        if not broker.host:
            self._note(error=NO_BROKER)
            return 0.0 if has_more else None
        if self._connection is None and not self._connect(broker, now):
            return 0.0 if has_more else max(0.0, self._not_before - now)
        connection = self._connection
        assert connection is not None  # noqa: S101 (just made)
        connection.turn()
        client = connection.client
        if client is not None:
            has_more |= self._publish(client, broker, self._courier)
        return 0.0 if has_more else connection.due_in()

    def _connect(self, broker: Broker, now: float) -> bool:
        if now < self._not_before:
            return False
        if self._stuck is not None:
            if self._stuck.resolution is not None and not self._stuck.resolution.is_over:
                raise BrokerError("the name of the broker cannot be looked up: no answer")
            self._stuck = None
        self._connection = Connection(
            broker,
            is_old=self._is_old,
            wake=self.wake,
            on_received=self._on_received,
            on_settled=self._on_settled,
            clock=self._clock,
            patience=self._step_patience,
        )
        return True

    def _publish(self, client: BrokerClient, broker: Broker, courier: Courier) -> bool:
        """Send what can be sent; say whether more can be."""
        directory, notices = self._directory, self._notices
        assert directory is not None  # noqa: S101 (made with the courier)
        if notices is None:
            if not client.has_session:
                directory.doubt()
            courier.start(client, broker)
            notices = self._notices = Notices(broker, self._product, self._meters, directory)
            self._list = self._mark()
            self._open_since = self._clock()
            log.info("connected to the MQTT broker %s", broker.place)
            self._note(is_connected=True, since=self._wall(), error="")
        elif (mark := self._mark()) != self._list:
            self._list = mark
            notices.look_again()
        has_more = courier.turn(client, broker)
        while courier.learnt:
            notices.look_at(courier.learnt.popleft())
        return notices.turn(client, flying=courier.flying) or has_more

    def _mark(self) -> int:
        return hash(tuple(state.meter for state in self._meters.snapshot().meters))

    def _on_received(self, packet: int) -> None:
        if self._courier is not None:
            self._courier.received(packet)

    def _on_settled(self, packet: int, code: int, refusal: str) -> None:
        if self._courier is not None and self._courier.settled(packet, code, refusal):
            if not refusal:
                self._backoff.reset()
        elif self._notices is not None:
            self._notices.settled(packet, refusal)

    def _lose(self, why: str) -> None:
        """End the connection, and have another one made in a while."""
        if why != self._snapshot.error:
            log.warning("MQTT: %s", why)
        now = self._clock()
        connection = self._connection
        if connection is not None and connection.resolution is not None and not connection.resolution.is_over:
            self._stuck = connection
        if self._open_since is not None and now - self._open_since >= STEADY:
            self._backoff.reset()
        if connection is not None and connection.speaks_no_5 and not self._is_old:
            self._is_old = True
            self._not_before = now
        else:
            self._not_before = now + self._backoff.delay()
        self._hang_up()
        self._note(error=why)

    def _hang_up(self, *, politely: bool = False) -> None:
        connection, self._connection, self._notices = self._connection, None, None
        if self._courier is not None:
            self._courier.stop()
        if connection is not None and connection is not self._stuck:
            connection.close(politely=politely)
        if self._open_since is not None:
            self._open_since = None
            self._note(is_connected=False, since=self._wall())

    def _switch_off(self) -> None:
        """Have nothing owed: what is read while publishing is off is not published later."""
        if self._is_off:
            return
        self._courier = self._directory = None
        if not self._used.host:  # as the factory has it: nothing is left that ought to be taken back
            self._progress.remove()
        elif self._progress.path.exists() or self._progress.is_open:
            self._progress.open()
            if self._progress.cursor is not None:
                self._progress.forget()
            self._progress.close()
        self._note(error="", note="", published=0, waiting=0, skipped=0, since=None)
        self._is_off = True

    # What is told, and waited for.

    def _note(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # type: ignore[arg-type] # by the names of the fields

    def _tell(self) -> None:
        courier = self._courier
        if courier is None:
            return
        notes = (self._notices.refusal if self._notices is not None else "", courier.note)
        self._note(
            published=courier.published,
            waiting=courier.waiting,
            skipped=self._progress.skipped,
            note="; ".join(note for note in notes if note),
        )

    def _wait(self, seconds: float | None) -> None:
        poll = select.poll()
        poll.register(self._waker, select.POLLIN)
        wanted = self._connection.waits_for() if self._connection is not None else None
        if wanted is not None:
            poll.register(*wanted)
        self.is_resting = True
        try:
            poll.poll(None if seconds is None else max(0.0, seconds) * 1000)
        finally:
            self.is_resting = False
        self._waker.clear()
