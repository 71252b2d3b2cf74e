"""Where the recorder finds its numbers in the running device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.hardware import Link
    from appliance.httpd.server import WebServer
    from appliance.line.line import Line
    from appliance.meters.meters import Meters
    from appliance.tunnel.statistics import Counters
    from appliance.tunnel.tunnel import Tunnel


class Sampled(Protocol):
    """The parts that count. Those that may be built anew are asked for at each sample."""

    @property
    def line(self) -> Line:
        """The serial line."""

    @property
    def tunnel(self) -> Tunnel:
        """The M-Bus over TCP."""

    @property
    def link(self) -> Link:
        """The network's link."""

    @property
    def http(self) -> WebServer | None:
        """The web server, once it is there."""

    @property
    def meters(self) -> Meters:
        """The meters and their readouts."""


class Sources(TypedDict):
    """Arguments of `appliance.recorder.History`."""

    counters: Mapping[str, Callable[[], float]]
    gauges: Mapping[str, Callable[[], float | None]]


def sources_of(device: Sampled, *, line_errors: Callable[[], int]) -> Sources:
    """Give what is recorded of `device`, by name.

    :param line_errors: those that the serial ports themselves do not count.
    """
    return Sources(
        counters={
            "line_rx_bytes": lambda: sum(branch.received for branch in device.line.branches),
            # A request goes out on every port: as many bytes are on the bus as on one of them.
            "line_tx_bytes": lambda: max(branch.transmitted for branch in device.line.branches),
            "line_errors": lambda: device.line.line_errors() + line_errors(),
            "tunnel_octets_from_serial": lambda: device.tunnel.counters.octets_from_serial,
            "tunnel_octets_from_network": lambda: device.tunnel.counters.octets_from_network,
            "tunnel_accepts": lambda: device.tunnel.counters.completed_accepts,
            "tunnel_dropped_accepts": lambda: device.tunnel.counters.dropped_accepts,
            "http_requests": lambda: _requests(device.http),
            "meter_readouts": lambda: device.meters.readouts,
            "meter_failures": lambda: device.meters.failures,
            "network_frames": lambda: device.link.frames(),  # noqa: PLW0108 (of the link of then)
        },
        gauges={
            "tunnel_clients": lambda: _clients(device.tunnel.counters),
            "link_up": lambda: device.link.snapshot().has_carrier,
        },
    )


def _clients(counters: Counters) -> int:
    """Count who is connected, which costs a tenth of a snapshot."""
    return counters.completed_accepts - counters.disconnects


def _requests(server: WebServer | None) -> int:
    if server is None:
        return 0
    counters = server.counters
    return (
        counters.status_200
        + counters.status_400
        + counters.status_401
        + counters.status_404
        + counters.status_408
        + counters.status_413
        + counters.status_501
        + counters.status_unknown
    )
