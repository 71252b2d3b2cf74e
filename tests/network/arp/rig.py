"""A network without time: machines on one wire, and a clock that jumps from deadline to deadline."""

from __future__ import annotations

import math
from ipaddress import IPv4Address
from random import Random
from typing import TYPE_CHECKING, Protocol

from appliance.network.arp.packet import NO_MAC, ArpPacket, Operation, decode

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = "02:00:00:00:00:01"
THEIRS = "02:00:00:00:00:02"
THIRD = "02:00:00:00:00:03"
ADDRESS = IPv4Address("192.0.2.10")
OTHER_ADDRESS = IPv4Address("192.0.2.11")


class Machine(Protocol):
    @property
    def due(self) -> float: ...
    def start(self, now: float) -> None: ...
    def stop(self) -> None: ...
    def check(self, now: float) -> None: ...
    def receive(self, data: bytes, now: float) -> None: ...


def reply(address: IPv4Address = ADDRESS, mac: str = THEIRS, *, to: str = OURS) -> bytes:
    """What the kernel of a host with `address` answers to a probe."""
    return ArpPacket(Operation.REPLY, mac, address, to, IPv4Address(0)).encode(to)


def request(sender: IPv4Address, target: IPv4Address, mac: str = THEIRS) -> bytes:
    return ArpPacket(Operation.REQUEST, mac, sender, NO_MAC, target).encode()


class Wire:
    """Delivers what one machine sends to all others, at once."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.machines: list[Machine] = []
        self.sent: list[tuple[float, ArpPacket]] = []
        self.events: list[tuple[float, object]] = []

    def sender(self) -> Callable[[bytes], None]:
        """Give the next machine its `send`."""
        number = len(self.machines)

        def send(frame: bytes) -> None:
            packet = decode(frame)
            assert packet is not None
            self.sent.append((self.now, packet))
            for other, machine in enumerate(self.machines):
                if other != number:
                    machine.receive(frame, self.now)

        return send

    def note(self, event: object) -> None:
        self.events.append((self.now, event))

    @property
    def happened(self) -> list[object]:
        return [event for _, event in self.events]

    def run(self, until: float = math.inf, *, stop: Callable[[], object] = lambda: False) -> None:
        """Go on until `until` (seconds of the clock), until nothing is due, or until `stop`."""
        for _ in range(10_000):
            due = min((machine.due for machine in self.machines), default=math.inf)
            if stop():
                return
            if due > until or due == math.inf:
                self.now = max(self.now, until) if until != math.inf else self.now
                return
            self.now = max(self.now, due)
            for machine in self.machines:
                if machine.due <= self.now:
                    machine.check(self.now)
        raise AssertionError("it never comes to rest")


class Fixed(Random):
    """Gives the least, or the most, of what may be."""

    def __init__(self, part: float) -> None:
        super().__init__(0)
        self._part = part

    def random(self) -> float:
        return self._part

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self._part
