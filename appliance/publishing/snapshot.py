"""State of the publishing, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublisherSnapshot:
    """How it goes at one moment."""

    is_enabled: bool = False
    is_connected: bool = False
    broker: str = ""
    """Name or address, and port; empty where none is set."""
    since: float | None = None
    """When the present connection was made, or else the last one ended; seconds since 1970 (UTC)."""
    published: int = 0
    """Readings that the broker has confirmed, since publishing was switched on."""
    waiting: int = 0
    """Readings that are stored and not confirmed yet."""
    skipped: int = 0
    """Readings that will never be published: deleted before their turn, too many, or refused by the broker."""
    error: str = ""
    """What was wrong last, in words; empty while all is well."""
    note: str = ""
    """What does not work as it should although there is a connection; empty for nothing."""
