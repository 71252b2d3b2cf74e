"""How the device comes by its address, and what it does when it cannot. Pure: frames and time are given."""

from __future__ import annotations

import logging
from dataclasses import replace
from enum import StrEnum
from ipaddress import IPv4Interface
from math import inf
from typing import TYPE_CHECKING

from appliance.network.arp.autoip import PREFIX_LENGTH, AutoIp, Chosen
from appliance.network.arp.autoip import Lost as AutoIpLost
from appliance.network.arp.conflict import PROBE_WAIT, AddressCheck, Conflict, Free
from appliance.network.arp.defence import Announcement, Defence, GiveUp
from appliance.network.binding import Binding, lease_binding, static_binding
from appliance.network.configuration import Method
from appliance.network.dhcp.bootp import BootpAnswered, BootpClient
from appliance.network.dhcp.client import DhcpClient
from appliance.network.dhcp.events import AddressOffered, Bound, Lost, Refused, Renewed, Unanswered
from appliance.network.facts import Source
from appliance.settings.network import AddressCheck as Thoroughness

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address
    from random import Random

    from appliance.network.configuration import NetworkConfiguration
    from appliance.network.dhcp.lease import Lease
    from appliance.network.server_client import ServerClient

log = logging.getLogger(__name__)

FALLBACK = 15.0
"""Seconds without an address from a server, after which AutoIP chooses one."""

STATIC_RETRY = 60.0
"""Seconds between two attempts to take a configured address that another host had."""


class Party(StrEnum):
    """Who asked for an address to be checked."""

    CLIENT = "client"
    STATIC = "static"
    STATIC_AGAIN = "static again"


class Acquisition:
    """Leads DHCP, BOOTP, conflict detection and AutoIP to one address at a time.

    The method's own address comes first. When a server gives none for `FALLBACK` seconds, or another host has the
    configured address, AutoIP stands in, and the method goes on trying behind it and takes over when it can.
    """

    def __init__(
        self,
        configuration: NetworkConfiguration,
        mac: str,
        *,
        thoroughness: Thoroughness,
        new_client: Callable[[Callable[[object], None]], ServerClient] | None,
        send_arp: Callable[[bytes], None],
        on_binding: Callable[[Binding | None], None],
        on_lease: Callable[[Lease], None],
        random: Random,
        remembered_autoip: IPv4Address | None = None,
    ) -> None:
        """Prepare to come by an address for the interface that has `mac`.

        :param new_client: makes the client for the method, which tells its events to the callable that it is given;
            None for a method that asks no server.
        :param on_binding: is told each new binding, and None when there is none any more.
        :param on_lease: is told each lease that was bound or renewed, to be remembered.
        :raises InvalidValue: when `mac` is no MAC address.
        """
        self.configuration = configuration
        self.binding: Binding | None = None
        self.trouble = ""
        """Why the method's address is not there, a sentence for people; empty while all is well."""
        self._mac = mac
        self._thoroughness = thoroughness
        self._send_arp = send_arp
        self._on_binding = on_binding
        self._on_lease = on_lease
        self._random = random
        self._client = new_client(self._on_client) if new_client is not None else None
        self._autoip = AutoIp(mac, send=send_arp, on_event=self._on_autoip, random=None, remembered=remembered_autoip)
        self._is_autoip_running = False
        self._check: AddressCheck | None = None
        self._checked_for = Party.CLIENT
        self._announcement: Announcement | None = None
        self._defence: Defence | None = None
        self._offered: Lease | None = None
        self._lease: Lease | None = None
        self._fallback_at = inf
        self._static_at = inf
        self._now = -inf
        self._has_carrier = False

    @property
    def due(self) -> float:
        """When `check` must be called next."""
        machines = (self._client, self._check, self._announcement, self._autoip if self._is_autoip_running else None)
        return min(
            self._fallback_at, self._static_at, *(machine.due for machine in machines if machine is not None), inf
        )

    @property
    def watched(self) -> frozenset[IPv4Address]:
        """The addresses about which ARP frames are of interest."""
        watched = {machine.address for machine in (self._check, self._defence) if machine is not None}
        if self._is_autoip_running:
            watched.add(self._autoip.candidate)
        return frozenset(watched)

    @property
    def autoip_address(self) -> IPv4Address | None:
        """The address that AutoIP holds, to be remembered."""
        return self._autoip.address

    def start(self, now: float) -> None:
        """Begin; there is a carrier."""
        self._now = now
        self._has_carrier = True
        if self._client is not None:
            self._client.start(now)
            self._fallback_at = now + FALLBACK
        elif self.configuration.method is Method.STATIC:
            self._try_static(Party.STATIC)
        else:
            self._start_autoip()

    def stop(self, *, release: bool = False) -> None:
        """Send nothing more; with `release` give a lease back first."""
        if self._client is not None:
            if release and isinstance(self._client, DhcpClient):
                self._client.release(self._now)
            self._client.stop()
        self._stop_autoip()
        self._unguard()
        if self._check is not None:
            self._check.stop()
        self._check = None
        self._fallback_at = self._static_at = inf

    def carrier_lost(self, now: float) -> None:
        """Pause. The address stays: the cable may be back in a moment, and connections live on."""
        self._now = now
        self._has_carrier = False
        self._fallback_at = self._static_at = inf
        if self._client is not None:
            self._client.carrier_lost(now)
        self._autoip.carrier_lost()
        if self._check is not None:
            self._check.stop()
            self._check = None

    def carrier_back(self, now: float) -> None:
        """Look whether the address still holds: the cable may be in another network now."""
        self._now = now
        self._has_carrier = True
        if self._client is not None:
            self._client.carrier_back(now)
            if not self._has_own_binding:
                self._fallback_at = now + FALLBACK
        if self._is_autoip_running:
            self._autoip.carrier_back(now)
        if self.configuration.method is Method.STATIC:
            self._try_static(Party.STATIC_AGAIN if self._has_own_binding else Party.STATIC)

    def reconfigure(self, configuration: NetworkConfiguration, now: float) -> None:
        """Use other settings, of those that need no reboot: gateway, names, name servers."""
        self._now = now
        self.configuration = configuration
        if self.binding is None:
            return
        if self.binding.source is Source.STATIC:
            self._take_static()
        elif self.binding.source is Source.AUTOIP:
            self._bind(replace(self.binding, name_servers=configuration.name_servers))
        elif self._lease is not None:
            self._bind(replace(self.binding, name_servers=configuration.name_servers or self._lease.dns))

    def renew(self, now: float) -> None:
        """Ask the server now."""
        self._now = now
        if self._client is not None and self._has_carrier:
            self._client.renew(now)

    def receive_from_server(self, data: bytes, now: float) -> None:
        """Take what came to the DHCP client's port."""
        self._now = now
        if self._client is not None:
            self._client.receive(data, now)

    def receive_arp(self, frame: bytes, now: float) -> None:
        """Take an ARP frame."""
        self._now = now
        if self._is_autoip_running:
            self._autoip.receive(frame, now)
        for machine in (self._check, self._defence):
            if machine is not None:
                machine.receive(frame, now)

    def check(self, now: float) -> None:
        """Do what is due."""
        self._now = now
        for machine in (self._client, self._check, self._announcement):
            if machine is not None and machine.due <= now:
                machine.check(now)
        if self._is_autoip_running and self._autoip.due <= now:
            self._autoip.check(now)
        if self._fallback_at <= now:
            self._fallback_at = inf
            if not self._has_own_binding:
                self._note(self.trouble or f"no {self.configuration.method} server has answered")
                self._start_autoip()
        if self._static_at <= now:
            self._static_at = inf
            self._try_static(Party.STATIC)

    @property
    def _has_own_binding(self) -> bool:
        return self.binding is not None and self.binding.source is not Source.AUTOIP

    # What the machines tell.

    def _on_client(self, event: object) -> None:
        method = self.configuration.method
        if isinstance(event, AddressOffered | BootpAnswered | Renewed):
            for remark in event.remarks:
                log.info("from the %s server: %s", method, remark)
        if isinstance(event, AddressOffered | BootpAnswered):
            self._offered = event.lease
            if self.binding is not None and self.binding.address.ip == event.lease.address and self._has_own_binding:
                self._accept()  # in use, and defended
            else:
                self._ask(event.lease.address, Party.CLIENT)
        elif isinstance(event, Bound | Renewed):
            self._on_lease(event.lease)
            self._take_lease(event.lease)
        elif isinstance(event, Lost):
            self._note(event.reason)
            self._drop()
            self._fallback_at = self._now + FALLBACK
        elif isinstance(event, Refused):
            server = f"the {method} server {event.server}" if event.server is not None else f"a {method} server"
            self._note(f"{server} is of no use: {event.reason}")
        elif isinstance(event, Unanswered):
            self._note(f"the {method} server {event.server} does not answer; the lease goes on")

    def _on_check(self, event: Free | Conflict) -> None:
        party, self._check = self._checked_for, None
        if isinstance(event, Conflict):
            taken = f"{event.address} is used by another device, {event.mac}"
            self._note(taken)
            if party is Party.CLIENT:
                self._decline(taken)
            elif party is Party.STATIC:
                self._static_at = self._now + STATIC_RETRY
                self._start_autoip()
        elif party is Party.CLIENT:
            self._accept()
        elif party is Party.STATIC:
            self._take_static()
        elif party is Party.STATIC_AGAIN:
            self.trouble = ""
            self._guard(event.address)

    def _on_autoip(self, event: object) -> None:
        if isinstance(event, Chosen):
            address = IPv4Interface((event.address, PREFIX_LENGTH))
            self._bind(Binding(Source.AUTOIP, address, name_servers=self.configuration.name_servers))
        elif isinstance(event, AutoIpLost):
            self._note(f"{event.address} is used by another device, {event.mac}")
            self._drop()

    def _on_defence(self, event: Conflict | GiveUp) -> None:
        contested = f"{event.address} is used by another device too, {event.mac}"
        self._note(contested)
        if isinstance(event, GiveUp):
            self._decline(contested)

    # What follows.

    def _accept(self) -> None:
        if isinstance(self._client, DhcpClient):
            self._client.accept(self._now)
        elif self._offered is not None:
            self._take_lease(self._offered)

    def _decline(self, reason: str) -> None:
        if isinstance(self._client, DhcpClient):
            self._client.decline(self._now, reason)
        elif isinstance(self._client, BootpClient):
            self._client.decline(self._now)
            if self._has_own_binding:
                self._drop()
                self._fallback_at = self._now + FALLBACK

    def _ask(self, address: IPv4Address, party: Party) -> None:
        """Have the address checked for a conflict, as thoroughly as is configured."""
        self._checked_for = party
        if self._thoroughness is Thoroughness.OFF:
            self._on_check(Free(address))
            return
        self._check = AddressCheck(
            address,
            self._mac,
            send=self._send_arp,
            on_event=self._on_check,
            random=self._random,
            quick=self._thoroughness is Thoroughness.QUICK,
            # The exchange with the server has kept hosts apart that were switched on together.
            probe_wait=0.0 if party is Party.CLIENT else PROBE_WAIT,
        )
        self._check.start(self._now)

    def _try_static(self, party: Party) -> None:
        if self.configuration.address is not None:
            self._ask(self.configuration.address.ip, party)

    def _take_static(self) -> None:
        self.trouble = ""
        self._own(static_binding(self.configuration))

    def _take_lease(self, lease: Lease) -> None:
        self.trouble = ""
        self._lease = lease
        self._fallback_at = inf
        self._own(lease_binding(lease, self.configuration, self._now))

    def _own(self, binding: Binding) -> None:
        """Use the method's own address, and let AutoIP rest."""
        is_new = self.binding is None or self.binding.address != binding.address
        self._stop_autoip()
        self._bind(binding)
        if is_new:
            self._guard(binding.address.ip)

    def _guard(self, address: IPv4Address) -> None:
        """Announce an address and defend it; a configured one is kept whatever comes."""
        self._unguard()
        self._defence = Defence(
            address,
            self._mac,
            send=self._send_arp,
            on_event=self._on_defence,
            keep=self.configuration.method is Method.STATIC,
        )
        self._defence.start(self._now)
        self._announcement = Announcement(address, self._mac, send=self._send_arp)
        self._announcement.start(self._now)

    def _unguard(self) -> None:
        self._announcement = self._defence = None

    def _start_autoip(self) -> None:
        if not self._is_autoip_running:
            self._is_autoip_running = True
            self._autoip.start(self._now)

    def _stop_autoip(self) -> None:
        if self._is_autoip_running:
            self._is_autoip_running = False
            self._autoip.stop()

    def _drop(self) -> None:
        self._unguard()
        if self.binding is not None:
            self.binding = None
            self._on_binding(None)

    def _bind(self, binding: Binding) -> None:
        self.binding = binding
        self._on_binding(binding)

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.warning("%s", trouble)
        self.trouble = trouble
