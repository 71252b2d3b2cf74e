"""What one part of the device tells another, looked up in the device at the time."""

from __future__ import annotations

import contextlib
import logging
import socket
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Protocol

from appliance.errors import ListenError
from appliance.panel.sources import Sources
from appliance.sampling import Sampled
from appliance.settings import http as http_settings
from appliance.settings import network as network_settings
from appliance.settings import panel as panel_settings
from appliance.settings import tunnel as tunnel_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.network.announcer import Announcer
    from appliance.network.manager import NetworkManager
    from appliance.network.snapshot import NetworkSnapshot
    from appliance.settings import Settings
    from appliance.supervision.supervisor import Supervisor

log = logging.getLogger(__name__)

ANSWER = 5.0
"""Seconds within which the web server must answer the device itself."""


class Parts(Sampled, Protocol):
    """The parts of the device that have something to tell. One that was built anew is found at the next look."""

    @property
    def settings(self) -> Settings:
        """All settings."""

    @property
    def network(self) -> NetworkManager | None:
        """Who manages the network; None where it is only looked at."""

    @property
    def announcer(self) -> Announcer | None:
        """Who tells the network our name."""

    @property
    def supervisor(self) -> Supervisor:
        """Who looks after the services."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the device itself."""

    def network_snapshot(self) -> NetworkSnapshot:
        """State of the network."""


class Listens(Protocol):
    """A service with TCP ports."""

    def listen(self) -> None:
        """Bind them, or raise a ListenError."""


def listen(service: Listens) -> None:
    """Have `service` bind its ports; when it cannot, it tries again by itself."""
    try:
        service.listen()
    except ListenError as error:
        log.error("%s; trying again", error)  # noqa: TRY400 (the reason says all, a traceback adds nothing)


def panel_sources(device: Parts, *, line_errors: Callable[[], int]) -> Sources:
    """Give the panel what its LEDs tell of.

    :param line_errors: those that the serial ports themselves do not count.
    """
    return Sources(
        octets=device.line.octets,
        frames=lambda: device.link.frames(),  # noqa: PLW0108 (of the link of then)
        line_errors=lambda: device.line.line_errors() + line_errors(),
        line_faults=lambda: _line_faults(device),
        has_link=lambda: device.link.snapshot().has_carrier,
        device_faults=lambda: device.faults,
        reset_in_operation=lambda: device.settings[panel_settings.RESET_IN_OPERATION],
    )


def _line_faults(device: Parts) -> tuple[str, ...]:
    if device.line.faults or device.line.up:
        return device.line.faults
    return ("no serial port is configured",)


def announce(device: Parts) -> None:
    """Announce name, pages and tunnel under the address in use; nothing while there is none or no carrier.

    What is announced already costs nothing.
    """
    announcer, network = device.announcer, device.network
    if announcer is None or network is None:
        return
    state = network.snapshot()
    address = state.current.address.value
    if not address or not state.has_carrier:
        announcer.withdraw()
        return
    hostname = state.current.hostname.value or device.settings[network_settings.HOSTNAME]
    announcer.announce(
        hostname,
        (IPv4Address(address),),
        tunnel_port=device.tunnel.snapshot().port,
        http_port=device.http.snapshot().http_port if device.http is not None else None,
    )


def names_of(device: Parts) -> list[str]:
    """Give what clients may call the device, for its certificate."""
    hostname = device.settings[network_settings.HOSTNAME]
    address = device.network_snapshot().current.address.value
    names = [hostname, f"{hostname}.local", socket.gethostname() or hostname, address, "127.0.0.1", "::1"]
    return [name for name in dict.fromkeys(names) if name]


def status_line(device: Parts) -> str:
    """Say in a line how it goes."""
    tunnel = device.tunnel.snapshot()
    port = f" on port {tunnel.port}" if tunnel.port else ""
    faults = "; ".join(device.line.faults) or f"line at {device.line.baud} bit/s"
    network = f"; address {device.network.snapshot().current.address}" if device.network is not None else ""
    return f"Tunnel: {tunnel.state}{port}; {faults}{network}"


def ailments(device: Parts, *, host: str = "") -> tuple[str, ...]:
    """Say what keeps new firmware from being kept, a sentence each; nothing while all is well.

    The tunnel has to listen, the web server to answer a request, both where they are not switched off, and no service
    may fail again and again. What is wrong outside, such as a line that is not plugged in, is no fault of firmware.

    :param host: the address on which the device listens, empty for every one.
    """
    found = [*device.supervisor.faults]
    tunnel = device.tunnel.snapshot()
    is_off = device.settings[tunnel_settings.ACCEPT_MODE] is tunnel_settings.AcceptMode.DISABLED
    if not is_off and tunnel.port is None and tunnel.tls_port is None:
        found.append(f"the tunnel does not listen ({tunnel.state})")
    if device.settings[http_settings.ENABLED] and (complaint := _web_complaint(device, host or "127.0.0.1")):
        found.append(complaint)
    return tuple(found)


def _web_complaint(device: Parts, host: str) -> str:
    # Both are there already where a web server answers, and not needed before.
    import http.client
    import ssl

    server = device.http.snapshot() if device.http is not None else None
    if server is None or (port := server.http_port or server.https_port) is None:
        return "the web server does not listen"
    # Of our own server on our own loopback nothing has to be proven; its certificate names the device.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = (
        http.client.HTTPConnection(host, port, timeout=ANSWER)
        if server.http_port is not None
        else http.client.HTTPSConnection(host, port, timeout=ANSWER, context=context)
    )
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/live")  # which is not in the log of requests
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"the web server does not answer ({str(error) or type(error).__name__})"
    return f"the web server answers {status}" if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR else ""
