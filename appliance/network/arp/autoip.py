"""A link-local address of the device's own choice (RFC 3927, "AutoIP"). Pure: frames and time are given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random
from typing import TYPE_CHECKING

from appliance.network.arp.conflict import AddressCheck, Conflict, Free
from appliance.network.arp.defence import Announcement, Defence, GiveUp
from appliance.network.arp.packet import mac_octets

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = IPv4Address("169.254.1.0")
LAST = IPv4Address("169.254.254.255")
"""RFC 3927, 2.1: the first and the last 256 addresses of 169.254.0.0/16 are reserved."""

PREFIX_LENGTH = 16
"""RFC 3927, 2.1 and 2.8: the mask that goes with every such address; there is no gateway."""

# RFC 3927, 9. Its other constants are those of RFC 5227.
MAX_CONFLICTS = 10
"""Conflicts after which addresses are tried slowly."""
RATE_LIMIT_INTERVAL = 60.0
"""Seconds from one address to the next then."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Use this address, with `PREFIX_LENGTH`; or go on to use it, when it was in use before."""

    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Lost:
    """Stop using this address: the host with this MAC address has it. Another one will be chosen."""

    address: IPv4Address
    mac: str


class AutoIp:
    """Chooses an address, probes and announces it, defends it once, and moves on at a second conflict.

    `Conflict` tells of each address that was found taken, and of a defence. The first address is the remembered one, or
    one that follows from the MAC address, so that a device keeps its address from boot to boot, and devices that are
    switched on together do not all try the same (RFC 3927, 2.1).
    """

    def __init__(
        self,
        mac: str,
        *,
        send: Callable[[bytes], None],
        on_event: Callable[[Chosen | Conflict | Lost], None],
        random: Random | None = None,
        remembered: IPv4Address | None = None,
    ) -> None:
        """Prepare for the interface that has `mac`; `send` takes whole Ethernet frames.

        :param random: in place of the generator that `mac` seeds.
        :param remembered: the address that was in use last; one that is not link-local is passed over.
        :raises InvalidValue: when `mac` is no MAC address.
        """
        self._mac = mac
        self._send = send
        self._on_event = on_event
        self._random = Random(mac_octets(mac)) if random is None else random  # noqa: S311 (the RFC asks for this seed)
        if remembered is not None and not FIRST <= remembered <= LAST:
            remembered = None
        self.candidate = remembered or self._another(None)
        """The address that is in use or tried; for the manager to remember, once it was chosen."""
        self.address: IPv4Address | None = None
        """The address that is in use. It is still in use while it is probed anew after a loss of carrier."""
        self.conflicts = 0
        """Conflicts in a row, up to an address that was kept for `RATE_LIMIT_INTERVAL`."""
        self._now = -math.inf
        """The time of the call that is under way."""
        self._is_running = False
        self._check: AddressCheck | None = None
        self._check_at = math.inf
        """When to begin with the candidate, while nothing else is under way."""
        self._began = -math.inf
        self._not_before = -math.inf
        """When the candidate may be probed at the earliest."""
        self._held_since = math.inf
        self._announcement: Announcement | None = None
        self._defence: Defence | None = None

    @property
    def due(self) -> float:
        """When `check` is to be called next; infinity for never."""
        machines = (self._check, self._announcement)
        return min((machine.due for machine in machines if machine is not None), default=self._check_at)

    def start(self, now: float) -> None:
        """Begin with the candidate."""
        self._is_running = True
        self.conflicts = 0
        self._begin(now)

    def stop(self) -> None:
        """Send nothing more and tell nothing more; the address is no longer ours."""
        self._is_running = False
        self.address = None
        self._rest()

    def carrier_lost(self) -> None:
        """Pause: without a network every address would seem free. The one in use stays."""
        self._rest()

    def carrier_back(self, now: float) -> None:
        """Probe the same address anew, for the network may be another one (RFC 5227, 2.1)."""
        if self._is_running:
            self._rest()
            self._check_at = max(now, self._not_before)

    def check(self, now: float) -> None:
        """Do what is due."""
        if now >= self._check_at:
            self._begin(now)
        for machine in (self._check, self._announcement):
            if machine is not None:
                self._now = now
                machine.check(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take an Ethernet frame that came in, whatever it is."""
        machine = self._check or self._defence
        if machine is not None:
            self._now = now
            machine.receive(data, now)

    def _begin(self, now: float) -> None:
        self._rest()
        self._began = now
        self._check = AddressCheck(
            self.candidate, self._mac, send=self._send, on_event=self._checked, random=self._random
        )
        self._check.start(now)

    def _rest(self) -> None:
        self._check = self._announcement = self._defence = None
        self._check_at = math.inf

    def _checked(self, event: Free | Conflict) -> None:
        self._check = None
        if isinstance(event, Conflict):
            self._move_on(event)
            return
        self.address, self._held_since, self._not_before = self.candidate, self._now, -math.inf
        announcing = self._announcement = Announcement(self.candidate, self._mac, send=self._send)
        self._defence = Defence(self.candidate, self._mac, send=self._send, on_event=self._contested)
        self._defence.start(self._now)
        self._on_event(Chosen(self.candidate))
        if self._announcement is announcing:  # else we were stopped
            announcing.start(self._now)

    def _contested(self, event: Conflict | GiveUp) -> None:
        if isinstance(event, GiveUp):
            self._move_on(event)
        else:
            self._on_event(event)

    def _move_on(self, event: Conflict | GiveUp) -> None:
        self._rest()
        if self._now - self._held_since >= RATE_LIMIT_INTERVAL:
            self.conflicts = 0
        self.conflicts += 1
        self._held_since = math.inf
        lost, self.address = self.address, None
        self.candidate = self._another(event.address)
        if self.conflicts >= MAX_CONFLICTS:
            self._not_before = self._began + RATE_LIMIT_INTERVAL
        self._check_at = max(self._now, self._not_before)
        self._on_event(Lost(event.address, event.mac) if lost is not None else Conflict(event.address, event.mac))

    def _another(self, former: IPv4Address | None) -> IPv4Address:
        while True:
            address = IPv4Address(self._random.randint(int(FIRST), int(LAST)))
            if address != former:
                return address
