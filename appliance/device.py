"""The composition root: builds every service from the settings and wires them."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from appliance.certificate import Certificate
from appliance.errors import ListenError
from appliance.line.keeper import LineKeeper
from appliance.line.line import Line
from appliance.settings import network
from appliance.supervision.supervisor import Supervisor
from appliance.supervision.ward import Ward
from appliance.tunnel.tunnel import Tunnel

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from appliance.settings import Settings
    from appliance.supervision.supervisor import Verdict

log = logging.getLogger(__name__)


FIRST_LOOK = 1.0
"""Seconds that clients wait at most for the first attempt to open the line; a network URL may take longer."""


class Device:
    """The whole appliance, whatever its hardware.

    A service that supervision builds anew takes the place of the one before in the attribute of its name.
    """

    def __init__(self, settings: Settings, *, state: Path, host: str) -> None:
        """Build the services; `host` is the address to listen on, empty for every one."""
        self.settings = settings
        self.certificate = Certificate(state, self._names)
        self.line = Line(settings)
        self._host = host
        self._keeper = LineKeeper(self.line)
        self.tunnel = self._new_tunnel()
        self.supervisor = Supervisor([Ward("line", self._build_keeper), Ward("tunnel", self._build_tunnel)])

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
        self.tunnel.stop()  # one that was never started holds its ports all the same
        self.line.close()

    def _build_keeper(self) -> LineKeeper:
        self._keeper = LineKeeper(self.line)
        return self._keeper

    def _new_tunnel(self, former: Tunnel | None = None) -> Tunnel:
        return Tunnel(
            self.settings,
            self.line,
            host=self._host,
            tls_context=self.certificate.context,
            counters=former.counters if former is not None else None,
        )

    def _build_tunnel(self) -> Tunnel:
        # The first one was made by the constructor, for its ports had to be had before anything else began.
        if self.tunnel.thread.ident is not None:
            self.tunnel = self._new_tunnel(self.tunnel)
        # Else the first client, who may be quick, would be refused for want of a line that is there.
        self._keeper.wait_for_first_look(FIRST_LOOK)
        try:
            self.tunnel.listen()
        except ListenError as error:
            log.error("%s; trying again", error)  # noqa: TRY400 (the reason says all, a traceback adds nothing)
        return self.tunnel

    def _names(self) -> list[str]:
        """Give what clients may call this device, for its certificate."""
        hostname = self.settings[network.HOSTNAME]
        return list(
            dict.fromkeys([hostname, f"{hostname}.local", socket.gethostname() or hostname, "127.0.0.1", "::1"])
        )
