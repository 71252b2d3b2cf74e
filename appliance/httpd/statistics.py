"""What the web server counted, and its state."""

from __future__ import annotations

from dataclasses import dataclass

_COUNTED = (200, 400, 401, 404, 408, 413, 501)


@dataclass(slots=True)
class HttpCounters:
    """Counts since the start; the server's thread alone writes them."""

    rx_bytes: int = 0
    """Read from clients; under TLS what came out of it."""
    tx_bytes: int = 0
    status_200: int = 0
    status_400: int = 0
    status_401: int = 0
    status_404: int = 0
    status_408: int = 0
    status_413: int = 0
    status_501: int = 0
    status_unknown: int = 0
    """Answers with any other status."""
    work_queue_full: int = 0
    """Requests that got 503 because too many were waiting for a worker."""
    socket_error: int = 0
    """Connections lost while they were answered, and failures to accept one."""
    memory_error: int = 0
    """Requests that got 503 because there was no memory for them."""
    connections_refused: int = 0
    """Over a cap, with nobody who could make room."""
    connections_evicted: int = 0
    """Closed to make room for another."""

    def count(self, status: int) -> None:
        """Count an answer."""
        name = f"status_{status}" if status in _COUNTED else "status_unknown"
        setattr(self, name, getattr(self, name) + 1)


@dataclass(frozen=True, slots=True)
class HttpSnapshot:
    """State and counts of the web server."""

    state: str
    """`On (running)`, `Off`, or why a port that should be served is not."""
    is_enabled: bool
    http_port: int | None
    """Port listened on now; `None` while there is none."""
    https_port: int | None
    connections: int
    busy_workers: int
    counters: HttpCounters
    """A copy of the moment."""
