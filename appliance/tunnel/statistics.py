"""What the tunnel counted, and its state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Counts since the start; the tunnel's thread alone writes them."""

    completed_accepts: int = 0
    completed_connects: int = 0
    disconnects: int = 0
    dropped_accepts: int = 0
    dropped_connects: int = 0
    octets_from_serial: int = 0
    octets_from_network: int = 0
    octets_dropped: int = 0
    """Serial bytes that arrived while nobody was there to have them."""
    connection_seconds: float = 0.0
    """Of connections that have ended."""


@dataclass(frozen=True, slots=True)
class ClientSnapshot:
    """A client that is connected."""

    peer: str
    is_secure: bool
    has_bus: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class TunnelSnapshot:
    """State and counts of the tunnel."""

    state: str
    """`Disabled`, `Waiting`, `Connected 192.0.2.7:51512`, or what is wrong."""
    port: int | None
    """Port listened on now; `None` while there is none."""
    tls_port: int | None
    clients: tuple[ClientSnapshot, ...]
    counters: Counters
    """A copy of the moment."""
    accept_connection_seconds: float
    """Of all connections, those that are open included."""
    connect_connection_seconds: tuple[float, ...] = (0.0,)
    connect_state: str = "Disabled"
    """Dialling out is not offered; its rows are shown all the same."""
