"""What the clients of address servers have in common."""

from __future__ import annotations

from typing import Protocol


class ServerClient(Protocol):
    """What the clients of address servers, DHCP and BOOTP, have in common."""

    @property
    def due(self) -> float:
        """When `check` must be called next."""

    def start(self, now: float) -> None:
        """Begin to ask."""

    def stop(self) -> None:
        """Ask no more."""

    def receive(self, data: bytes, now: float) -> None:
        """Take what came to the client's port."""

    def check(self, now: float) -> None:
        """Do what is due."""

    def carrier_lost(self, now: float) -> None:
        """Pause."""

    def carrier_back(self, now: float) -> None:
        """Ask whether all is as before."""

    def renew(self, now: float) -> None:
        """Ask now."""
