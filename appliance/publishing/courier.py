"""Brings readings to the broker, one after the other, each exactly once."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.errors import BrokerError, UnknownMeter
from appliance.publishing.announcement import components_of
from appliance.publishing.message import message_of
from appliance.publishing.progress import Flight
from appliance.publishing.sensors import sensors_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.meters.readings import StoredReading
    from appliance.meters.view import MetersView
    from appliance.publishing.broker import Broker
    from appliance.publishing.client import BrokerClient
    from appliance.publishing.directory import Directory
    from appliance.publishing.progress import Progress

log = logging.getLogger(__name__)

MOST_WAITING = 50_000
"""Readings that are kept for a broker that is away; of more, the oldest are skipped. At 2400 bit/s a bus that is read
without a pause has some 60,000 in a day."""

PAGE = 200
"""Readings that are looked at in one go."""
AHEAD = 16
"""Readings that are in memory."""
DOUBT = 60.0
"""Seconds between two looks at whether the readings' numbers began anew."""

_NEVER = (0x90, 0x95, 0x99)
"""Reason codes with which a message would be refused again: topic name invalid, packet too large, payload format."""
_HEAD = 16
"""Bytes of a packet besides topic and content, at most."""
_HIGHEST_PACKET = 0x7FFF


class Courier:
    """Knows what waits, what is on its way and what has arrived. For the publisher's thread alone.

    One reading is on its way at a time. It is on the disk as it is sent, with its packet identifier, before it is; that
    the broker has it is on the disk before it is released. So at whatever moment the power goes, the same message goes
    again under the same identifier, or only its release does.
    """

    def __init__(
        self,
        progress: Progress,
        directory: Directory,
        meters: MetersView,
        *,
        most_waiting: int = MOST_WAITING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Go on where `progress`, which is open, says; where it says nothing, with the next reading.

        :raises SaveFailed: when the disk fails.
        """
        self._progress, self._directory, self._meters = progress, directory, meters
        self._most_waiting = most_waiting
        self._clock = clock
        if progress.cursor is None:
            newest = self._newest()
            progress.begin(newest.key if newest else 0, newest.at if newest else 0.0)
        self._seen = progress.cursor or 0
        self.waiting = 0
        self.note = ""
        """What is wrong with a reading, in words."""
        self.learnt: deque[int] = deque()
        """Meters that have told something new, to be announced."""
        self._next: deque[StoredReading] = deque()
        self._is_flying = False
        """Whether a reading was sent through the present connection and is not settled."""
        self._is_settled = False
        """Whether the reading in `progress.flight` has arrived, which may not be on the disk yet."""
        self._refusal: tuple[int, str] | None = None
        self._doubted_at = clock()

    @property
    def flying(self) -> int | None:
        """The meter whose reading is on its way."""
        flight = self._progress.flight
        return flight.meter if flight is not None and not self._is_settled else None

    def look(self) -> bool:
        """Count what waits; say whether there is more to count.

        :raises SaveFailed: when the readings or the progress cannot be read or written.
        """
        page = self._meters.readings(after=self._seen, limit=PAGE)
        if page:
            self._seen = page[-1].key
            self.waiting += len(page)
        elif self._clock() - self._doubted_at >= DOUBT:
            self._doubted_at = self._clock()
            self._check_numbers()
        return len(page) == PAGE

    def start(self, client: BrokerClient, broker: Broker) -> None:
        """Begin with a new connection: go on with the reading that was on its way.

        :raises BrokerError: when the broker confirms nothing.
        """
        if client.highest_qos == 0:
            raise BrokerError("the broker confirms nothing (QoS 0), so no reading could be known to have arrived")
        self._is_flying = False
        flight = self._progress.flight
        if flight is None or self._is_settled:
            return
        is_known = client.has_session and flight.session == broker.session
        if not is_known:
            # It remembers nothing: neither that it has the reading, if it has, nor what would release it. So it goes
            # as a new one. A reader that had it already tells it by its number.
            flight = replace(flight, packet=self._next_packet(), is_received=False, session=broker.session)
            self._progress.depart(flight)
        self._is_flying = True
        client.send(flight, again=is_known)

    def stop(self) -> None:
        """End with a connection."""
        self._is_flying = False

    def turn(self, client: BrokerClient, broker: Broker) -> bool:
        """Send the next reading if none is on its way; say whether one was sent.

        :raises SaveFailed: when the disk fails.
        :raises BrokerError: when the broker refuses a reading for now.
        """
        if self._refusal is not None:
            self._take_refusal(*self._refusal)
        if self._is_flying:
            return False
        while (reading := self._take()) is not None:
            flight = self._flight(reading, client, broker)
            if flight is None:
                continue
            self._progress.depart(flight)
            self._is_flying, self._is_settled = True, False
            client.send(flight, again=False)
            return True
        self._arrive()
        return False

    def received(self, packet: int) -> None:
        """Note on the disk that the broker has the reading; it is released when this returns.

        :raises SaveFailed: when the disk fails.
        """
        flight = self._progress.flight
        if flight is not None and flight.packet == packet and self._is_flying:
            self._progress.receive(replace(flight, is_received=True))

    def settled(self, packet: int, code: int, refusal: str) -> bool:
        """Take the end of a message; say whether it was the reading's."""
        flight = self._progress.flight
        if flight is None or flight.packet != packet or not self._is_flying:
            return False
        self._is_flying = False
        if refusal:
            self._refusal = (code, refusal)
        else:
            self._is_settled = True
            self.waiting = max(0, self.waiting - 1)
            self.note = ""
        return True

    @property
    def published(self) -> int:
        """Readings that the broker has confirmed."""
        return self._progress.published + self._is_settled

    def _take_refusal(self, code: int, words: str) -> None:
        self._refusal = None
        flight = self._progress.flight
        if code not in _NEVER or flight is None:
            raise BrokerError(words)
        self._skip(flight.reading, flight.at, 1, words)

    def _take(self) -> StoredReading | None:
        """Give the next reading; count those that are gone, or too many."""
        self._trim()
        position = self._position
        if not self._next:
            self._next.extend(self._meters.readings(after=position, limit=AHEAD))
        if not self._next:
            self.waiting = 0
            return None
        reading = self._next.popleft()
        if position and reading.key > position + 1:  # from 0 on nothing was owed
            self._skip(reading.key - 1, self._progress.cursor_at, reading.key - 1 - position, "", keep_next=True)
        return reading

    @property
    def _position(self) -> int:
        flight = self._progress.flight
        return flight.reading if flight is not None else self._progress.cursor or 0

    def _trim(self) -> None:
        excess = self.waiting - self._most_waiting
        while excess > 0:
            page = self._meters.readings(after=self._position, limit=min(excess, PAGE))
            if not page:
                return
            self._skip(page[-1].key, page[-1].at, len(page), "the broker was away for too long")
            excess -= len(page)

    def _skip(self, cursor: int, at: float, count: int, why: str, *, keep_next: bool = False) -> None:
        self._arrive()
        log.warning("%d readings up to number %d are not published%s", count, cursor, f": {why}" if why else "")
        self._progress.skip(cursor, at, count)
        self.waiting = max(0, self.waiting - count)
        self._seen = max(self._seen, cursor)
        if why:
            self.note = f"readings were skipped: {why}"
        if not keep_next:
            self._next.clear()

    def _arrive(self) -> None:
        if self._is_settled:
            self._progress.arrive()
            self._is_settled = False

    def _flight(self, reading: StoredReading, client: BrokerClient, broker: Broker) -> Flight | None:
        """Make the message; None for a reading that is skipped."""
        try:
            meter = self._meters.find(reading.meter)
        except UnknownMeter:
            self._skip(reading.key, reading.at, 1, "", keep_next=True)
            return None
        sensors = sensors_of(reading.telegrams, meter.medium)
        topic = broker.topics.reading(self._directory.place(meter))
        payload = message_of(reading, meter, sensors, store=self._progress.store)
        if client.largest is not None and len(payload) + len(topic.encode()) + _HEAD > client.largest:
            self._skip(reading.key, reading.at, 1, "a message is too large for the broker", keep_next=True)
            return None
        if broker.retains:
            self._directory.change(meter.key, topic=topic)
        if broker.discovery and self._directory.learn(meter.key, components_of(sensors)):
            self.learnt.append(meter.key)
        return Flight(
            reading.key, meter.key, reading.at, self._next_packet(), topic, payload, broker.retains, broker.session
        )

    def _next_packet(self) -> int:
        return self._progress.packet % _HIGHEST_PACKET + 1

    def _newest(self) -> StoredReading | None:
        found = (self._meters.latest(state.meter.key) for state in self._meters.snapshot().meters)
        return max((reading for reading in found if reading is not None), key=lambda one: one.key, default=None)

    def _check_numbers(self) -> None:
        """Notice that the readings were begun anew with lower numbers, as after a file was taken away by hand."""
        newest = self._newest()
        progress = self._progress
        if newest is None or progress.flight is not None or progress.cursor is None:
            return
        if newest.key < progress.cursor and newest.at > progress.cursor_at:
            log.warning("readings are numbered anew; all of them are published")
            progress.skip(0, 0.0, 0)
            self._seen = self.waiting = 0
            self._next.clear()
