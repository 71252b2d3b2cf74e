"""What the web server allows itself and its clients, beside what the settings say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers that hold for every device; a test may take smaller ones."""

    connections: int = 256
    """At one time, those that are being closed included."""
    connections_each: int = 32
    """From one IPv4 address or one IPv6 /64. Not for loopback: whoever is there has better ways to do harm."""
    unassailable: float = 1.0
    """Seconds from its start for which no connection is closed in favour of another."""
    workers: int = 4
    """Threads that run the application."""
    queue: int = 64
    """Requests that wait for a worker; the next one gets status 503."""
    retry_after: int = 2
    """Seconds after which a client that got 503 may ask again."""
    stuck: float = 60.0
    """Seconds in one step of one request after which a worker is given up."""
    abandoned: int = 8
    """Workers given up, and still there, that are replaced; with more the server makes do with those that it has."""
    linger_seconds: float = 3.0
    """How long it reads and drops what a client sends that got its answer early (RFC 9112, 9.6)."""
    linger_bytes: int = 8 * 1024 * 1024
    upload_rate: int = 4096
    """Bytes a second that an upload must bring on average after `upload_grace`."""
    upload_grace: float = 15.0
    upload_seconds: float = 3600.0
    """The longest upload."""
    accept_pause: float = 0.5
    """Seconds without accepting after the system had no descriptor left."""
    last_answers: float = 1.0
    """Seconds that answers under way may still take when the server stops."""
