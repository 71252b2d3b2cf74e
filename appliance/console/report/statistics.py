"""The counters: of the tunnel, the serial line, the web server (device.md 5.3 to 5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.display import table

if TYPE_CHECKING:
    from appliance.console.baseline import Baselines, Counts
    from appliance.device_view import DeviceView
    from appliance.httpd.statistics import HttpSnapshot
    from appliance.line.branch import BranchSnapshot
    from appliance.tunnel.statistics import TunnelSnapshot

NOT_AVAILABLE = "not available"


def duration(seconds: float) -> str:
    """Write a time as the pages do: ``0 days 00:01:17``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} days {hour:02}:{minute:02}:{second:02}"


def tunnel_counts(tunnel: TunnelSnapshot) -> Counts:
    """Give the counters of the tunnel."""
    counters = tunnel.counters
    connects = {
        f"Connect {number} connection time": seconds
        for number, seconds in enumerate(tunnel.connect_connection_seconds, 1)
    }
    return {
        "Completed accepts": counters.completed_accepts,
        "Completed connects": counters.completed_connects,
        "Disconnects": counters.disconnects,
        "Dropped accepts": counters.dropped_accepts,
        "Dropped connects": counters.dropped_connects,
        "Octets from serial": counters.octets_from_serial,
        "Octets from network": counters.octets_from_network,
        "Octets dropped": counters.octets_dropped,
        "Accept connection time": tunnel.accept_connection_seconds,
        **connects,
    }


def line_counts(branch: BranchSnapshot) -> Counts:
    """Give the counters of one serial port."""
    found = branch.statistics
    return {
        "Receiver bytes": found.rx_bytes,
        "Receiver breaks": found.rx_breaks,
        "Receiver parity errors": found.rx_parity_errors,
        "Receiver framing errors": found.rx_framing_errors,
        "Receiver overrun errors": found.rx_overrun_errors,
        "Receiver no Rx buffer errors": found.rx_no_buffer_errors,
        "Transmitter bytes": found.tx_bytes,
        "Transmitter breaks": found.tx_breaks,
    }


def http_counts(http: HttpSnapshot) -> Counts:
    """Give the counters of the web server."""
    counters = http.counters
    return {
        "Rx bytes": counters.rx_bytes,
        "Tx bytes": counters.tx_bytes,
        "200 OK": counters.status_200,
        "400 Bad Request": counters.status_400,
        "401 Unauthorized": counters.status_401,
        "404 Not Found": counters.status_404,
        "408 Request Timeout": counters.status_408,
        "413 Content Too Large": counters.status_413,
        "501 Not Implemented": counters.status_501,
        "Status unknown": counters.status_unknown,
        "Work queue full": counters.work_queue_full,
        "Socket error": counters.socket_error,
        "Memory error": counters.memory_error,
        "Connections refused": counters.connections_refused,
        "Connections evicted": counters.connections_evicted,
    }


def tunnel_lines(device: DeviceView, baselines: Baselines) -> list[str]:
    """Write state and counters of the tunnel."""
    tunnel = device.tunnel.snapshot()
    rows = _rows(baselines.since("tunnel", tunnel_counts(tunnel)))
    states = [("Accept mode", tunnel.state), ("Connect mode", tunnel.connect_state)]
    return ["Tunnel 1", *table([*rows, *states], indent="  ")]


def line_lines(device: DeviceView, baselines: Baselines) -> list[str]:
    """Write the counters of every serial port that the device has."""
    lines = []
    for branch in device.line.snapshot().branches:
        if branch.url:
            found = branch.statistics
            rows = _rows(baselines.since(f"line {branch.name}", line_counts(branch)))
            queued = [
                ("Queued receive bytes", _number("", found.rx_queued)),
                ("Queued transmit bytes", _number("", found.tx_queued)),
            ]
            lines += [f"Line 1, {branch.name}", *table([*rows, *queued], indent="  ")]
    return lines or ["Line 1: no serial port is configured"]


def http_lines(device: DeviceView, baselines: Baselines) -> list[str]:
    """Write state and counters of the web server, and the size of its log."""
    if device.http is None:
        return ["HTTP: the web server does not run"]
    http = device.http.snapshot()
    entries, size = device.access_log.size
    rows = [
        ("State", http.state),
        *_rows(baselines.since("http", http_counts(http))),
        ("Log", f"{entries} entries ({size} bytes)"),
    ]
    return ["HTTP", *table(rows, indent="  ")]


def clear(device: DeviceView, baselines: Baselines) -> None:
    """Count everything from now on."""
    baselines.clear("tunnel", tunnel_counts(device.tunnel.snapshot()))
    for branch in device.line.snapshot().branches:
        baselines.clear(f"line {branch.name}", line_counts(branch))
    if device.http is not None:
        baselines.clear("http", http_counts(device.http.snapshot()))


def _rows(counts: Counts) -> list[tuple[str, ...]]:
    return [(label, _number(label, count)) for label, count in counts.items()]


def _number(label: str, count: float | None) -> str:
    if count is None:
        return NOT_AVAILABLE
    return duration(count) if label.endswith("time") else str(int(count))
