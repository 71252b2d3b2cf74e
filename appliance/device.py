"""The composition root: builds every service from the settings and wires them."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from appliance.certificate import Certificate
from appliance.errors import ListenError, ServiceError
from appliance.line.line import Line
from appliance.settings import network
from appliance.tunnel.tunnel import Tunnel

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.service import Service
    from appliance.settings import Settings

log = logging.getLogger(__name__)


FIRST_LOOK = 1.0
"""Seconds that clients wait at most for the first attempt to open the line; a network URL may take longer."""


class Device:
    """The whole appliance, whatever its hardware."""

    def __init__(self, settings: Settings, *, state: Path, host: str) -> None:
        """Build the services; `host` is the address to listen on, empty for every one."""
        self.settings = settings
        self.certificate = Certificate(state, self._names)
        self.line = Line(settings)
        self.tunnel = Tunnel(settings, self.line, host=host, tls_context=self.certificate.context)
        self._services: tuple[Service, ...] = (self.line, self.tunnel)

    def start(self, *, must_listen: bool) -> None:
        """Start every service.

        :raises ListenError: when a port cannot be had and `must_listen`; without it the tunnel goes on trying.
        """
        try:
            self.tunnel.listen()
        except ListenError as error:
            if must_listen:
                raise
            log.error("%s; trying again", error)  # noqa: TRY400 (the reason says all, a traceback adds nothing)
        self.line.start()
        # Else the first client, who may be quick, would be refused for want of a line that is there.
        self.line.wait_for_first_look(FIRST_LOOK)
        self.tunnel.start()

    def stop(self) -> None:
        """Stop every service, the last started first, and give the serial devices back."""
        for service in reversed(self._services):
            try:
                service.stop()
            except ServiceError:
                log.exception("stopping %s", service.name)
        self.line.close()

    def _names(self) -> list[str]:
        """Give what clients may call this device, for its certificate."""
        hostname = self.settings[network.HOSTNAME]
        return list(
            dict.fromkeys([hostname, f"{hostname}.local", socket.gethostname() or hostname, "127.0.0.1", "::1"])
        )
