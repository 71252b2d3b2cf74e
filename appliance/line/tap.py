"""Who hears what goes over the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from appliance.line.branch import Branch
    from appliance.line.lease import Party


class Tap(Protocol):
    """Hears every byte, in the thread that has the line in hand and on the path of the bytes: it must not wait."""

    def sent(self, party: Party | None, octets: bytes, now: float, ends: float) -> None:
        """Hear what `party` has given to the line at `now`, and when by reckoning the last bit has left."""

    def heard(self, branch: Branch, octets: bytes, now: float) -> None:
        """Hear what came from the meters on `branch`."""

    def dropped(self, count: int, ends: float) -> None:
        """Hear that the last `count` bytes given to the line were dropped; by reckoning the rest has left at `ends`."""


class DeafTap:
    """Hears nothing."""

    def sent(self, party: Party | None, octets: bytes, now: float, ends: float) -> None:
        """Do nothing."""

    def heard(self, branch: Branch, octets: bytes, now: float) -> None:
        """Do nothing."""

    def dropped(self, count: int, ends: float) -> None:
        """Do nothing."""
