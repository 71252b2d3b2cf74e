"""What Prometheus is told: the snapshots of the device as counters and gauges, with their names and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.panel.rhythm import Rhythm
from appliance.web.measure import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.network.snapshot import NetworkSnapshot
    from appliance.web.device_view import DeviceView
    from appliance.web.measure import Measure

MEGA = 1_000_000

LINE_ERRORS = (
    ("parity", "rx_parity_errors"),
    ("framing", "rx_framing_errors"),
    ("overrun", "rx_overrun_errors"),
    ("no_buffer", "rx_no_buffer_errors"),
    ("break", "rx_breaks"),
)
"""Kinds of line errors, with the fields of `PortStatistics`."""

STATUSES = ("200", "400", "401", "404", "408", "413", "501", "unknown")
HTTP_TROUBLES = ("work_queue_full", "socket_error", "memory_error", "connections_refused", "connections_evicted")
"""Fields of `HttpCounters`."""


def measures(device: DeviceView, network: NetworkSnapshot) -> Iterator[Measure]:
    """Look at everything once."""
    yield from _device(device)
    yield from _line(device)
    yield from _tunnel(device)
    yield from _http(device)
    yield from _network(network)


def _device(device: DeviceView) -> Iterator[Measure]:
    product = device.product
    yield gauge("build_info", "The device and its firmware; always 1.", "version", "serial_number", "board").add(
        1, product.version, product.serial_number, product.board
    )
    yield gauge("uptime_seconds", "Time since the program began.").add(device.uptime)
    yield gauge("faults", "Faults of the device itself, as the status page lists them.").add(len(device.faults))
    yield gauge("settings_saved", "Whether a restart would lose no change of settings.").add(device.settings.is_saved)
    up = gauge("service_up", "Whether a part of the program runs.", "service")
    restarts = counter("service_restarts", "Times that a part of the program was restarted.", "service")
    for ward in device.services():
        up.add(ward.is_alive, ward.name)
        restarts.add(ward.restarts, ward.name)
    yield from (up, restarts)
    leds = gauge("led_lit", "Whether a LED of the front panel is lit or blinks.", "led")
    for shown in device.panel.snapshot().leds if device.panel is not None else ():
        leds.add(shown.rhythm is not Rhythm.OFF, shown.led.value)
    yield leds


def _line(device: DeviceView) -> Iterator[Measure]:
    line = device.line.snapshot()
    up = gauge("line_port_up", "Whether a serial port of the M-Bus is in use.", "port")
    received = counter("line_receive_bytes", "Bytes received from the M-Bus.", "port")
    sent = counter("line_transmit_bytes", "Bytes sent on the M-Bus.", "port")
    errors = counter("line_errors", "Errors that the serial port has counted.", "port", "kind")
    for port in line.branches:
        if not port.url:
            continue
        up.add(port.fault is None, port.name)
        received.add(port.statistics.rx_bytes, port.name)
        sent.add(port.statistics.tx_bytes, port.name)
        for kind, name in LINE_ERRORS:
            errors.add(getattr(port.statistics, name), port.name, kind)
    yield from (up, received, sent, errors)
    yield gauge("line_speed_bits_per_second", "Baud rate of the M-Bus.").add(line.baud)


def _tunnel(device: DeviceView) -> Iterator[Measure]:
    tunnel = device.tunnel.snapshot()
    counters = tunnel.counters
    yield gauge("tunnel_listening", "Whether clients can connect to the M-Bus over TCP.").add(
        tunnel.port is not None or tunnel.tls_port is not None
    )
    yield gauge("tunnel_clients", "Clients that are connected now.").add(len(tunnel.clients))
    yield counter("tunnel_accepts", "Connections handed to the line.").add(counters.completed_accepts)
    yield counter("tunnel_dropped_accepts", "Connections refused.").add(counters.dropped_accepts)
    yield counter("tunnel_disconnects", "Connections ended.").add(counters.disconnects)
    yield counter("tunnel_from_serial_bytes", "Bytes from the M-Bus passed to a client.").add(
        counters.octets_from_serial
    )
    yield counter("tunnel_from_network_bytes", "Bytes from clients written to the M-Bus.").add(
        counters.octets_from_network
    )
    yield counter("tunnel_dropped_bytes", "Bytes from the M-Bus that came while nobody was connected.").add(
        counters.octets_dropped
    )
    yield counter("tunnel_connection_seconds", "Time that clients were connected, added up.").add(
        tunnel.accept_connection_seconds
    )


def _http(device: DeviceView) -> Iterator[Measure]:
    if device.http is None:
        return
    server = device.http.snapshot()
    counters = server.counters
    yield counter("http_receive_bytes", "Bytes received by the web server.").add(counters.rx_bytes)
    yield counter("http_transmit_bytes", "Bytes sent by the web server.").add(counters.tx_bytes)
    answers = counter("http_responses", "Answers of the web server by status.", "status")
    for status in STATUSES:
        answers.add(getattr(counters, f"status_{status}"), status)
    troubles = counter("http_troubles", "Requests and connections that the web server could not serve.", "kind")
    for kind in HTTP_TROUBLES:
        troubles.add(getattr(counters, kind), kind)
    yield from (answers, troubles)
    yield gauge("http_connections", "Open connections to the web server.").add(server.connections)
    yield gauge("http_busy_workers", "Answers that are being made now.").add(server.busy_workers)


def _network(network: NetworkSnapshot) -> Iterator[Measure]:
    modes = network.link_modes
    speed = modes.speed if modes is not None else None
    yield gauge("link_up", "Whether the Ethernet port has a carrier.").add(network.has_carrier)
    yield gauge("link_speed_bits_per_second", "Negotiated speed of the Ethernet port.").add(
        speed * MEGA if speed is not None else None
    )
    yield gauge("network_troubles", "Troubles of the network, as the pages list them.").add(len(network.troubles))
    yield gauge("address_lease_expiry_timestamp_seconds", "When the lease of the address ends.").add(
        network.lease_ends_at
    )
