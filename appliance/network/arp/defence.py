"""Telling others of an address that is in use, and holding on to it (RFC 5227, 2.3 and 2.4). Pure: time is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.network.arp.conflict import Conflict
from appliance.network.arp.packet import announcement, decode, mac_octets, mac_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address

# RFC 5227, 1.1; RFC 3927, 9 has the same. Seconds, and numbers of packets.
ANNOUNCE_NUM = 2
ANNOUNCE_INTERVAL = 2.0
DEFEND_INTERVAL = 10.0
"""Least time between two defences."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The address must not be used any more: the host with this MAC address insists on it."""

    address: IPv4Address
    mac: str


class Announcement:
    """Tells everybody, twice, that an address is ours from now on (RFC 5227, 2.3)."""

    def __init__(self, address: IPv4Address, mac: str, *, send: Callable[[bytes], None]) -> None:
        """Prepare to announce `address`; `send` takes whole Ethernet frames.

        :raises InvalidValue: when `mac` is no MAC address.
        """
        self.address = address
        self.due = math.inf
        """When `check` is to be called next; infinity before the start and after the last one."""
        self._frame = announcement(address, mac)
        self._send = send
        self._left = 0

    def start(self, now: float) -> None:
        """Send the first one."""
        self._left = ANNOUNCE_NUM
        self.due = now
        self.check(now)

    def stop(self) -> None:
        """Send no more."""
        self.due = math.inf

    def check(self, now: float) -> None:
        """Send the next one, if it is due."""
        if now < self.due or self.due == math.inf:
            return
        self._left -= 1
        self.due = now + ANNOUNCE_INTERVAL if self._left else math.inf
        self._send(self._frame)

    def receive(self, data: bytes, now: float) -> None:
        """Take a frame, of no concern here."""


class Defence:
    """Watches over an address that is in use.

    Another host that shows it as its own is answered by one announcement and reported as `Conflict`, at most once each
    `DEFEND_INTERVAL`. If it shows it again within that time, an address that was given to us (DHCP, AutoIP) is to be
    given up, and `GiveUp` ends the defence (RFC 5227, 2.4 (b)). One that was set by hand is kept (`keep`, 2.4 (c)): a
    device that leaves it can be found no more, and who set it there must decide.

    A probe of another host is no conflict: the kernel answers it.
    """

    due = math.inf
    """Nothing is ever due: a defence acts on frames alone."""

    def __init__(
        self,
        address: IPv4Address,
        mac: str,
        *,
        send: Callable[[bytes], None],
        on_event: Callable[[Conflict | GiveUp], None],
        keep: bool = False,
    ) -> None:
        """Prepare to defend `address`; `send` takes whole Ethernet frames.

        :raises InvalidValue: when `mac` is no MAC address.
        """
        self.address = address
        self.conflicts = 0
        """Frames of other hosts with our address, since the start."""
        self._mac = mac_text(mac_octets(mac))
        self._frame = announcement(address, mac)
        self._send = send
        self._on_event = on_event
        self._keep = keep
        self._is_running = False
        self._defended = -math.inf

    def start(self, now: float) -> None:  # noqa: ARG002 (every machine is given the time)
        """Begin with no conflict known."""
        self.conflicts = 0
        self._defended = -math.inf
        self._is_running = True

    def stop(self) -> None:
        """End; frames mean nothing any more."""
        self._is_running = False

    def check(self, now: float) -> None:
        """Do nothing; nothing is ever due."""

    def receive(self, data: bytes, now: float) -> None:
        """Take an Ethernet frame that came in, whatever it is."""
        if not self._is_running:
            return
        packet = decode(data)
        if packet is None or packet.sender_mac == self._mac or packet.sender_address != self.address:
            return
        self.conflicts += 1
        if now - self._defended >= DEFEND_INTERVAL:
            self._defended = now
            self._send(self._frame)
            self._on_event(Conflict(self.address, packet.sender_mac))
        elif not self._keep:
            self._is_running = False
            self._on_event(GiveUp(self.address, packet.sender_mac))
