"""The composition root: builds every service from the settings and wires them."""

from __future__ import annotations

import logging
import os
import socket
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.certificate import Certificate
from appliance.errors import ListenError, RebootError
from appliance.line.keeper import LineKeeper
from appliance.line.line import Line
from appliance.network.confirmation import Confirmation
from appliance.network.link_watch import LinkSnapshot, LinkWatch
from appliance.network.observed import observe
from appliance.panel.panel import Panel
from appliance.panel.sources import Sources
from appliance.service import Service
from appliance.settings import network as network_settings
from appliance.settings import panel as panel_settings
from appliance.supervision.restart import Kind
from appliance.supervision.supervisor import Supervisor
from appliance.supervision.ward import Ward
from appliance.tunnel.tunnel import Tunnel

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from appliance.hardware import Hardware
    from appliance.network.announcer import Announcer
    from appliance.network.manager import NetworkManager
    from appliance.network.snapshot import NetworkSnapshot
    from appliance.settings import FactoryVariant, Settings
    from appliance.supervision.journal import RestartJournal
    from appliance.supervision.reboot import Rebooter
    from appliance.supervision.supervisor import Verdict

log = logging.getLogger(__name__)


FIRST_LOOK = 1.0
"""Seconds that clients wait at most for the first attempt to open the line; a network URL may take longer."""


class Device:
    """The whole appliance, whatever its hardware.

    A service that supervision builds anew takes the place of the one before in the attribute of its name.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        hardware: Hardware,
        journal: RestartJournal,
        rebooter: Rebooter,
        state: Path,
        host: str,
        began_at: float | None = None,
        feed: Callable[[], None] = lambda: None,
    ) -> None:
        """Build the services.

        :param host: the address to listen on, empty for every one.
        :param began_at: when the program began, in monotonic seconds; now, if not given.
        :param feed: called every 2.5 seconds or more often while all is well, for the watchdog.
        """
        self.settings = settings
        self.journal = journal
        self.certificate = Certificate(state, self._names)
        self.line = Line(settings)
        self._hardware = hardware
        self._rebooter = rebooter
        self._host = host
        self._began_at = time.monotonic() if began_at is None else began_at
        self._keeper = LineKeeper(self.line)
        self._state = state
        self.link = hardware.new_link()
        self.network: NetworkManager | None = None
        self.announcer: Announcer | None = None
        self.confirmation = Confirmation(settings, state, was_used=self._was_used, on_revert=self._revert)
        self.tunnel = self._new_tunnel()
        self.panel: Panel | None = None
        self.panel_watchers: tuple[Callable[[], None], ...] = ()
        """Called in the panel's thread after any LED or input changed; each must be quick."""
        wards = [Ward("line", self._build_keeper), Ward("tunnel", self._build_tunnel)]
        if hardware.manages_network:
            wards += [Ward("network", self._build_network), Ward("mdns", self._build_announcer)]
        if isinstance(self.link, Service):
            wards.insert(0, Ward("link", self._build_link))
        if hardware.board is not None:
            # First, for the time that the button is held at power-on counts from the start.
            wards.insert(0, Ward("panel", self._build_panel))
        self.supervisor = Supervisor(
            wards, failures_in_a_row=journal.failures_in_a_row, feed=feed, on_healthy=journal.healthy
        )

    def start(self, *, must_listen: bool) -> None:
        """Start every service.

        :raises ListenError: when a port cannot be had and `must_listen`; without it the tunnel goes on trying.
        """
        if must_listen:
            self.tunnel.listen()
        self.supervisor.start()

    def supervise(self, stopping: threading.Event) -> Verdict | None:
        """Look after the services until told to stop; see `Supervisor.watch`."""
        return self.supervisor.watch(stopping)

    def stop(self) -> None:
        """Stop every service, the last started first, and give the serial devices back."""
        self.supervisor.stop()
        for first in (self.tunnel, self.link):  # one that was never started holds ports or descriptors all the same
            if isinstance(first, Service) and first.thread.ident is None:
                first.stop()
        self.line.close()

    def restore_factory_defaults(self, variant: FactoryVariant, *, kind: Kind, why: str) -> None:
        """Write the factory defaults and reboot.

        :raises SaveFailed: when the disk did; nothing has changed.
        :raises RebootError: when the reboot cannot be asked for.
        """
        self.settings.reset(variant)
        if self.network is not None:
            self.network.releases_lease = True  # the next owner may be in another network, and go by another name
        self.reboot(kind, why)

    def reboot(self, kind: Kind, why: str) -> None:
        """Have the device begin anew; an orderly stop follows.

        :raises RebootError: when it cannot be asked for.
        """
        self.journal.end(kind, why)
        self._rebooter.reboot(why)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the device itself, a sentence each (any thread)."""
        return (
            *self._hardware.faults,
            *self.supervisor.faults,
            *(str(problem) for problem in self.settings.problems),
            *((self.journal.fault,) if self.journal.fault else ()),
        )

    def network_snapshot(self) -> NetworkSnapshot:
        """State of the network, managed or observed (any thread)."""
        if self.network is not None:
            return self.network.snapshot()
        link = self.link.snapshot()
        return observe(link if isinstance(link, LinkSnapshot) else None, socket.gethostname())

    def status(self) -> str:
        """Say in a line how it goes (any thread)."""
        tunnel = self.tunnel.snapshot()
        port = f" on port {tunnel.port}" if tunnel.port else ""
        faults = "; ".join(self.line.faults) or f"line at {self.line.baud} bit/s"
        network = f"; address {self.network.snapshot().current.address}" if self.network is not None else ""
        return f"Tunnel: {tunnel.state}{port}; {faults}{network}"

    # Builders, for the supervisor. Each makes one that takes the place of the one before.

    def _build_panel(self) -> Panel:
        board, former = self._hardware.board, self.panel
        assert board is not None  # noqa: S101 (there is no ward for the panel otherwise)
        self.panel = Panel(
            board,
            sources=self._sources(),
            on_reset=self._reset_by_button,
            after_button_reset=former is None and self.journal.was_button_reset,
            is_power_on=former is None,
            started=self._began_at if former is None else None,
        )
        self.panel.subscribe(self._tell_panel_watchers)
        self.link.on_change = self._on_link
        return self.panel

    def _build_link(self) -> Service:
        if isinstance(self.link, Service) and self.link.thread.ident is not None:
            self.link = self._hardware.new_link()
        self.link.on_change = self._on_link
        assert isinstance(self.link, Service)  # noqa: S101 (there is no ward for the link otherwise)
        return self.link

    def _build_network(self) -> NetworkManager:
        # Not loaded by a device that only looks at its network; nor is what announces it.
        from appliance.network.manager import NetworkManager

        self.network = NetworkManager(
            self.settings,
            link=self._link_snapshot,
            state=self._state,
            # systemd names a folder that others may read.
            resolv_conf=Path(os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or self._state) / "resolv.conf",
            confirmation=self.confirmation,
        )
        self.network.on_change = self._on_network
        return self.network

    def _build_announcer(self) -> Announcer:
        from appliance.network.announcer import Announcer

        self.announcer = Announcer()
        self._announce()
        return self.announcer

    def _build_keeper(self) -> LineKeeper:
        if self._keeper.thread.ident is not None:
            self._keeper = LineKeeper(self.line)
        return self._keeper

    def _build_tunnel(self) -> Tunnel:
        if self.tunnel.thread.ident is not None:
            self.tunnel = self._new_tunnel(self.tunnel)
        # Else the first client, who may be quick, would be refused for want of a line that is there.
        self._keeper.wait_for_first_look(FIRST_LOOK)
        try:
            self.tunnel.listen()
        except ListenError as error:
            log.error("%s; trying again", error)  # noqa: TRY400 (the reason says all, a traceback adds nothing)
        return self.tunnel

    def _new_tunnel(self, former: Tunnel | None = None) -> Tunnel:
        return Tunnel(
            self.settings,
            self.line,
            host=self._host,
            tls_context=self.certificate.context,
            counters=former.counters if former is not None else None,
        )

    # What link and network tell.

    def _link_snapshot(self) -> LinkSnapshot:
        link = self.link
        return link.snapshot() if isinstance(link, LinkWatch) else LinkSnapshot()

    def _on_link(self) -> None:
        for service in (self.panel, self.network):
            if service is not None:
                service.wake()

    def _on_network(self) -> None:
        if self.panel is not None:
            self.panel.wake()
        self._announce()

    def _announce(self) -> None:
        """Announce name and tunnel under the address in use; nothing while there is none or no carrier."""
        announcer, network = self.announcer, self.network
        if announcer is None or network is None:
            return
        state = network.snapshot()
        address = state.current.address.value
        if not address or not state.has_carrier:
            announcer.withdraw()
            return
        hostname = state.current.hostname.value or self.settings[network_settings.HOSTNAME]
        announcer.announce(hostname, (IPv4Address(address),), tunnel_port=self.tunnel.snapshot().port)

    def _was_used(self) -> bool:
        return self.tunnel.counters.completed_accepts > 0

    def _revert(self, why: str) -> None:
        try:
            self.reboot(Kind.REBOOT, why)
        except RebootError:
            log.exception("the former network settings wait for the next start")

    # What the panel asks and tells.

    def _sources(self) -> Sources:
        return Sources(
            octets=self.line.octets,
            frames=lambda: self.link.frames(),  # noqa: PLW0108 (of the link of then)
            line_errors=lambda: self.line.line_errors() + self._hardware.line_errors(),
            line_faults=self._line_faults,
            has_link=lambda: self.link.snapshot().has_carrier,
            device_faults=lambda: self.faults,
            reset_in_operation=lambda: self.settings[panel_settings.RESET_IN_OPERATION],
        )

    def _line_faults(self) -> tuple[str, ...]:
        if self.line.faults or self.line.up:
            return self.line.faults
        return ("no serial port is configured",)

    def _tell_panel_watchers(self) -> None:
        for watcher in self.panel_watchers:
            watcher()

    def _reset_by_button(self, variant: FactoryVariant) -> None:
        self.restore_factory_defaults(
            variant, kind=Kind.BUTTON_RESET, why=f"factory defaults ({variant.value}) by the button"
        )

    def _names(self) -> list[str]:
        """Give what clients may call this device, for its certificate."""
        hostname = self.settings[network_settings.HOSTNAME]
        return list(
            dict.fromkeys([hostname, f"{hostname}.local", socket.gethostname() or hostname, "127.0.0.1", "::1"])
        )
