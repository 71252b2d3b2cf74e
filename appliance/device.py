"""The composition root: builds every service from the settings and wires them."""

from __future__ import annotations

import logging
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.certificate import Certificate
from appliance.errors import RebootError, SaveFailed
from appliance.httpd.access_log import AccessLog
from appliance.httpd.statistics import HttpCounters
from appliance.late_parts import LateParts
from appliance.line.keeper import LineKeeper
from appliance.line.line import Line
from appliance.logbook import RECENT
from appliance.monitor.line_monitor import LineMonitor
from appliance.network.confirmation import Confirmation
from appliance.network.link_watch import LinkSnapshot, LinkWatch
from appliance.network.observed import observe
from appliance.panel.panel import Panel
from appliance.product import find_product
from appliance.sampling import sources_of
from appliance.service import Service
from appliance.supervision.restart import Kind
from appliance.supervision.supervisor import Supervisor
from appliance.supervision.ward import Ward
from appliance.tunnel.tunnel import Tunnel
from appliance.wiring import ailments, announce, listen, names_of, panel_sources, status_line

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from appliance.console import Console
    from appliance.hardware import Hardware
    from appliance.httpd.exchange import Application
    from appliance.httpd.server import WebServer
    from appliance.latecomers import Latecomers
    from appliance.network.announcer import Announcer
    from appliance.network.manager import NetworkManager
    from appliance.network.snapshot import NetworkSnapshot
    from appliance.settings import FactoryVariant, Settings
    from appliance.supervision.journal import RestartJournal
    from appliance.supervision.reboot import Rebooter
    from appliance.supervision.supervisor import Verdict
    from appliance.supervision.ward import WardSnapshot

log = logging.getLogger(__name__)

FIRST_LOOK = 1.0
"""Seconds that clients wait at most for the first attempt to open the line; a network URL may take longer."""


class Device(LateParts):
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
        asks_new_password: bool = True,
        began_at: float | None = None,
        feed: Callable[[], None] = lambda: None,
        on_started: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Build the services.

        :param host: the address to listen on, empty for every one.
        :param asks_new_password: whether the factory password must be replaced before anything else can be changed.
        :param began_at: when the program began, in monotonic seconds; now, if not given.
        :param feed: called every 2.5 seconds or more often while all is well, for the watchdog.
        :param on_started: called with the name of each service that was started, in the order of its start.
        """
        super().__init__(Line(settings))
        self.settings = settings
        self.journal = journal
        self.product = find_product()
        self.certificate = Certificate(state, lambda: names_of(self))
        self.monitor = LineMonitor(self.line)
        self._hardware = hardware
        self._rebooter = rebooter
        self._host = host
        self._began_at = time.monotonic() if began_at is None else began_at
        self._keeper = LineKeeper(self.line)
        self._state = self.state_folder = state
        # systemd names a folder that others may read.
        self._runtime = Path(os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or state)
        self.link = hardware.new_link()
        self.network: NetworkManager | None = None
        self.announcer: Announcer | None = None
        self.confirmation = Confirmation(settings, state, was_used=self._was_used, on_revert=self._revert)
        self.tunnel = self._new_tunnel()
        self.access_log = AccessLog(settings, unlogged=("/live", "/live/history", "/serial/monitor/rows"))
        self.http: WebServer | None = None
        """None until it is started, after the tunnel."""
        self._http_counters = HttpCounters()
        self._asks_new_password = asks_new_password
        self._application: Application | None = None
        self.console: Console | None = None
        """None until it is started, after the web server."""
        self.panel: Panel | None = None
        self.panel_watchers: tuple[Callable[[], None], ...] = ()
        """Called in the panel's thread after any LED or input changed; each must be quick."""
        wards = [Ward("line", self._build_keeper), Ward("tunnel", self._build_tunnel), Ward("web", self._build_web)]
        wards.append(Ward("console", self._build_console))
        if hardware.manages_network:
            # The first after the tunnel: until there is an address, nobody reaches any of the rest.
            wards.insert(2, Ward("network", self._build_network))
            wards.append(Ward("mdns", self._build_announcer))
        wards += self.late_wards()
        if isinstance(self.link, Service):
            wards.insert(0, Ward("link", self._build_link))
        if hardware.board is not None:
            # First, for the time that the button is held at power-on counts from the start.
            wards.insert(0, Ward("panel", self._build_panel))
        self._feed = feed
        self.supervisor = Supervisor(
            wards,
            failures_in_a_row=journal.failures_in_a_row,
            feed=self._after_a_round,
            on_started=on_started,
            on_healthy=journal.healthy,
        )

    def start(self, *, must_listen: bool) -> None:
        """Start every service.

        :raises ListenError: when a port cannot be had and `must_listen`; without it each service goes on trying.
        """
        if must_listen:
            self.tunnel.listen()
            self.http = self._new_web()
            self.http.listen()
            self.console = self._new_console()
            self.console.listen()
        self.supervisor.start()

    def supervise(self, stopping: threading.Event) -> Verdict | None:
        """Look after the services until told to stop; see `Supervisor.watch`."""
        return self.supervisor.watch(stopping)

    def stop(self) -> None:
        """Stop every service, the last started first, and give the serial devices back."""
        self.supervisor.stop()
        # One that was never started holds ports or descriptors all the same.
        for first in (self.console, self.http, self.tunnel, self.link):
            if isinstance(first, Service) and first.thread.ident is None:
                first.stop()
        self.line.close()
        self.close_late_parts()

    def restore_factory_defaults(self, variant: FactoryVariant, *, kind: Kind, why: str) -> None:
        """Write the factory defaults and reboot.

        :raises SaveFailed: when the disk did; nothing has changed.
        :raises RebootError: when the reboot cannot be asked for.
        """
        self.settings.reset(variant)
        try:
            self.certificate.remove()  # its key was the former owner's secret
        except OSError as error:
            log.error("the certificate stays: %s", error)  # noqa: TRY400 (the reason says all)
        try:
            self.meters.forget_all()  # what is counted in somebody's house is nobody else's business
        except SaveFailed as error:
            log.error("the meters stay: %s", error)  # noqa: TRY400 (the reason says all)
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
    def uptime(self) -> float:
        """Seconds since the program began (any thread)."""
        return time.monotonic() - self._began_at

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the device itself, a sentence each (any thread)."""
        return (
            *self._hardware.faults,
            *self.supervisor.faults,
            *(str(problem) for problem in self.settings.problems),
            *(fault for fault in (self.journal.fault, self.certificate.problem) if fault),
            *self.late_faults,
        )

    def network_snapshot(self) -> NetworkSnapshot:
        """State of the network, managed or observed (any thread)."""
        if self.network is not None:
            return self.network.snapshot()
        link = self.link.snapshot()
        return observe(link if isinstance(link, LinkSnapshot) else None, socket.gethostname())

    def renew(self) -> None:
        """Ask the DHCP server to renew the lease now, where the network is ours (any thread)."""
        if self.network is not None:
            self.network.renew()

    def identify(self) -> None:
        """Let all LEDs flash for a while; nothing happens without a panel (any thread)."""
        if self.panel is not None:
            self.panel.identify()

    def log_lines(self) -> tuple[str, ...]:
        """Give the last lines of the program's log, the oldest first (any thread)."""
        return RECENT.lines()

    def services(self) -> tuple[WardSnapshot, ...]:
        """State of every service (any thread)."""
        return self.supervisor.snapshot()

    def status(self) -> str:
        """Say in a line how it goes (any thread)."""
        return status_line(self)

    # Builders, for the supervisor. Each makes one that takes the place of the one before.

    def _build_panel(self) -> Panel:
        board, former = self._hardware.board, self.panel
        assert board is not None  # noqa: S101 (there is no ward for the panel otherwise)
        self.panel = Panel(
            board,
            sources=panel_sources(self, line_errors=self._hardware.line_errors),
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
            resolv_conf=self._runtime / "resolv.conf",
            confirmation=self.confirmation,
        )
        self.network.on_change = self._on_network
        return self.network

    def _build_announcer(self) -> Announcer:
        from appliance.network.announcer import Announcer

        self.announcer = Announcer()
        announce(self)
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
        listen(self.tunnel)
        return self.tunnel

    def _build_web(self) -> WebServer:
        if self.http is None or self.http.thread.ident is not None:
            self.http = self._new_web()
        listen(self.http)
        return self.http

    def _new_web(self) -> WebServer:
        # Not loaded before the tunnel serves: together they take half a second, and several on a small board.
        from appliance.httpd.server import WebServer
        from appliance.web.assembly import assemble

        if self._application is None:
            self._application = assemble(
                self,
                https_port=lambda: self.http.snapshot().https_port if self.http is not None else None,
                on_login=lambda _: self.confirmation.confirm(),
                asks_new_password=self._asks_new_password,
            )
        return WebServer(
            self.settings,
            application=self._application,
            certificate=self.certificate,
            host=self._host,
            spool=self._state,
            counters=self._http_counters,
            access_log=self.access_log,
        )

    def _build_console(self) -> Console:
        if self.console is None or self.console.thread.ident is not None:
            self.console = self._new_console(self.console)
        listen(self.console)
        return self.console

    def _new_latecomers(self) -> Latecomers:
        from appliance.latecomers import Latecomers

        return Latecomers(
            self.settings,
            self._state,
            self.product,
            sources=sources_of(self, line_errors=self._hardware.line_errors),
            update_bus=self._hardware.update_bus,
            ailments=lambda: ailments(self, host=self._host),
            reboot=lambda why: self.reboot(Kind.UPDATE, why),
        )

    def _new_console(self, former: Console | None = None) -> Console:
        from appliance.console import Console

        return Console(
            self,
            host=self._host,
            asks_new_password=self._asks_new_password,
            on_login=lambda _: self.confirmation.confirm(),
            baselines=former.baselines if former is not None else None,
        )

    def _new_tunnel(self, former: Tunnel | None = None) -> Tunnel:
        return Tunnel(
            self.settings,
            self.line,
            host=self._host,
            certificate=self.certificate,
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

    def _after_a_round(self) -> None:
        announce(self)  # a port may have moved
        self._feed()

    def _on_network(self) -> None:
        if self.panel is not None:
            self.panel.wake()
        announce(self)

    def _was_used(self) -> bool:
        return self.tunnel.counters.completed_accepts > 0

    def _revert(self, why: str) -> None:
        try:
            self.reboot(Kind.REBOOT, why)
        except RebootError:
            log.exception("the former network settings wait for the next start")

    # What the panel asks and tells.

    def _tell_panel_watchers(self) -> None:
        for watcher in self.panel_watchers:
            watcher()

    def _reset_by_button(self, variant: FactoryVariant) -> None:
        self.restore_factory_defaults(
            variant, kind=Kind.BUTTON_RESET, why=f"factory defaults ({variant.value}) by the button"
        )
