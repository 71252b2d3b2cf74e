"""What the broker keeps: that this device is there, and announcements of its meters. All of it may be sent twice."""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import UnknownMeter
from appliance.publishing.announcement import (
    components_of,
    gateway_announcement,
    gateway_id,
    meter_announcement,
    meter_id,
    topic_of,
)
from appliance.publishing.sensors import sensors_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.meters.meter import Meter
    from appliance.meters.view import MetersView
    from appliance.product import Product
    from appliance.publishing.broker import Broker
    from appliance.publishing.client import BrokerClient
    from appliance.publishing.directory import Directory

AT_ONCE = 8
"""Messages that are on their way at a time."""

DEVICE = 0
"""Stands for this device itself among the numbers of meters."""


@dataclass(frozen=True, slots=True)
class _Notice:
    topic: str
    payload: bytes
    on_kept: Callable[[], None]


class Notices:
    """Brings what the broker keeps into line with the meter list and the settings. For the publisher's thread alone.

    It is made anew when the settings change, and for each connection.
    """

    def __init__(self, broker: Broker, product: Product, meters: MetersView, directory: Directory) -> None:
        """Begin with everything to be looked at."""
        self._broker, self._product = broker, product
        self._meters, self._directory = meters, directory
        self._work: dict[int, None] = {}
        self._queue: deque[_Notice] = deque()
        self._sent: dict[int, _Notice] = {}
        self.refusal = ""
        """Why the broker refused a message of these, in words."""
        self._queue.append(_Notice(broker.topics.availability, b"online", lambda: None))
        self.look_again()

    def look_again(self) -> None:
        """Have every meter looked at, because the list may have changed."""
        listed = [state.meter.key for state in self._meters.snapshot().meters]
        for number in (DEVICE, *listed, *self._directory.meters):
            self._work[number] = None

    def look_at(self, meter: int) -> None:
        """Have one meter looked at."""
        self._work[meter] = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be sent and nothing on its way."""
        return not (self._work or self._queue or self._sent)

    def turn(self, client: BrokerClient, *, flying: int | None) -> bool:
        """Send what can be sent now; say whether more could be done at once.

        :param flying: the meter whose reading is on its way; nothing of it is taken back meanwhile.
        """
        if len(self._sent) >= AT_ONCE:
            return False
        if not self._queue:
            number = next((number for number in self._work if number != flying), None)
            if number is None:
                return False
            del self._work[number]
            self._look(number)
        if self._queue:
            notice = self._queue.popleft()
            packet = client.tell(notice.topic, notice.payload, retain=True)
            self._sent[packet] = notice
        return True

    def settled(self, packet: int, refusal: str) -> None:
        """Take an acknowledgement."""
        notice = self._sent.pop(packet, None)
        if notice is None:
            return
        if refusal:
            self.refusal = refusal
        else:
            notice.on_kept()

    def _look(self, number: int) -> None:
        """Queue what brings the broker into line with one meter."""
        told = self._directory.find(number)
        meter: Meter | None = None
        if number != DEVICE:
            with contextlib.suppress(UnknownMeter):
                meter = self._meters.find(number)
        topic = ""
        if meter is not None:
            topic = self._broker.topics.reading(self._directory.place(meter))
            told = self._directory.find(number)
        if told.topic and (told.topic != topic or not self._broker.retains):
            self._clear(number, told.topic, lambda: self._directory.change(number, topic=""))
        wanted, payload = self._announcement(number, meter, topic)
        if told.announcement and told.announcement != wanted:
            self._clear(number, told.announcement, lambda: self._forget_announcement(number, told.announcement))
        if wanted:
            digest = hashlib.sha256(payload).hexdigest()[:16]
            if (told.announcement, told.digest) != (wanted, digest):
                # The topic first: whatever may be there must be found again to be taken back.
                if not told.announcement:
                    self._directory.change(number, announcement=wanted, digest="")
                self._queue.append(
                    _Notice(wanted, payload, lambda: self._directory.change(number, announcement=wanted, digest=digest))
                )
        if meter is None and number != DEVICE and not told.topic and not told.announcement:
            self._directory.forget(number)

    def _announcement(self, number: int, meter: Meter | None, topic: str) -> tuple[str, bytes]:
        """Give topic and content of what Home Assistant is to be told; nothing where it is to be told nothing."""
        broker = self._broker
        if not broker.discovery:
            return "", b""
        if number == DEVICE:
            return topic_of(broker, gateway_id(broker)), gateway_announcement(broker, self._product)
        if meter is None:
            return "", b""
        components = self._directory.components(number)
        if not components:
            latest = self._meters.latest(number)
            if latest is None:
                return "", b""
            self._directory.learn(number, components_of(sensors_of(latest.telegrams, meter.medium)))
            components = self._directory.components(number)
        if not components:
            return "", b""
        return (
            topic_of(broker, meter_id(broker, meter)),
            meter_announcement(broker, self._product, meter, components, topic=topic),
        )

    def _clear(self, number: int, topic: str, on_kept: Callable[[], None]) -> None:
        def done() -> None:
            on_kept()
            self.look_at(number)  # to be forgotten when nothing is left

        self._queue.append(_Notice(topic, b"", done))

    def _forget_announcement(self, number: int, former: str) -> None:
        if self._directory.find(number).announcement == former:
            self._directory.change(number, announcement="", digest="")
