"""Whether another host has an address, before it is used (RFC 5227, 2.1). Pure: frames and time are given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.network.arp.packet import decode, mac_octets, mac_text, probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address
    from random import Random

# RFC 5227, 1.1; RFC 3927, 9 has the same. Seconds, and numbers of packets.
PROBE_WAIT = 1.0
"""The first probe is sent after a random part of it."""
PROBE_NUM = 3
PROBE_MIN = 1.0
PROBE_MAX = 2.0
"""Between two probes passes a random time from `PROBE_MIN` to it."""
ANNOUNCE_WAIT = 2.0
"""Silence after the last probe that makes an address free."""

QUICK_WAIT_MIN = 0.2
QUICK_WAIT_MAX = 0.3
"""The quick check has one probe, and a random silence from `QUICK_WAIT_MIN` to it. Not of the RFC: a host that is awake
answers within milliseconds; one that is busy, or whose answer is lost, is missed."""


@dataclass(frozen=True, slots=True)
class Free:
    """Nobody showed up: the address may be used."""

    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Conflict:
    """The host with this MAC address has the address too, or is about to take it."""

    address: IPv4Address
    mac: str


class AddressCheck:
    """Asks whether anybody has an address, and says it once, as `Free` or as `Conflict`.

    In full it takes 4 to 7 s. The address must not be in use meanwhile, or only as one that was free before.
    """

    def __init__(
        self,
        address: IPv4Address,
        mac: str,
        *,
        send: Callable[[bytes], None],
        on_event: Callable[[Free | Conflict], None],
        random: Random,
        quick: bool = False,
        probe_wait: float = PROBE_WAIT,
    ) -> None:
        """Prepare to ask for `address` from the interface that has `mac`.

        :param send: takes whole Ethernet frames.
        :param quick: ask once and wait 0.2 to 0.3 s, in place of the RFC's timing.
        :param probe_wait: the longest wait before the first probe. It keeps hosts apart that are switched on together;
            where something else did that already (the exchange with a DHCP server), it may be 0.
        :raises InvalidValue: when `mac` is no MAC address.
        """
        self.address = address
        self.due = math.inf
        """When `check` is to be called next; infinity before the start and after the end."""
        self._mac = mac_text(mac_octets(mac))
        self._send = send
        self._on_event = on_event
        self._random = random
        self._quick = quick
        self._probe_wait = 0.0 if quick else probe_wait
        self._probes_left = 0

    @property
    def is_running(self) -> bool:
        """Whether the answer is still to come."""
        return self.due != math.inf

    def start(self, now: float) -> None:
        """Begin; a check that was running begins anew."""
        self._probes_left = 1 if self._quick else PROBE_NUM
        self.due = now + self._random.uniform(0.0, self._probe_wait)

    def stop(self) -> None:
        """End without an answer."""
        self.due = math.inf

    def check(self, now: float) -> None:
        """Do what is due. Late calls put the rest off, and never send two probes at once."""
        if now < self.due or not self.is_running:
            return
        if not self._probes_left:
            self._end(Free(self.address))
            return
        self._probes_left -= 1
        self.due = now + self._pause()
        self._send(probe(self.address, self._mac))

    def receive(self, data: bytes, now: float) -> None:  # noqa: ARG002 (every machine is given the time)
        """Take an Ethernet frame that came in, whatever it is.

        Who has the address as its sender address is a holder; who probes for it wants it at the same time. Frames of
        the own MAC address are our own, back by way of a loop in the network.
        """
        if not self.is_running:
            return
        packet = decode(data)
        if packet is None or packet.sender_mac == self._mac:
            return
        if packet.sender_address == self.address or (packet.is_probe and packet.target_address == self.address):
            self._end(Conflict(self.address, packet.sender_mac))

    def _pause(self) -> float:
        if self._quick:
            return self._random.uniform(QUICK_WAIT_MIN, QUICK_WAIT_MAX)
        return self._random.uniform(PROBE_MIN, PROBE_MAX) if self._probes_left else ANNOUNCE_WAIT

    def _end(self, event: Free | Conflict) -> None:
        self.due = math.inf
        self._on_event(event)
