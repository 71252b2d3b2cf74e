"""What has gone wrong with servers of late, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.network.dhcp.timing import wait_before_repetition

if TYPE_CHECKING:
    import random
    from ipaddress import IPv4Address

MOST_TOLD = 8
"""Refusals that are told for each message sent; a flood of the rest is counted only."""


class Refusals:
    """Slows the client down before servers that never keep their word, and keeps a flood of offers quiet."""

    def __init__(self, generator: random.Random) -> None:
        self.distrusted: IPv4Address | None = None
        """A server that offered and did not keep its word; another one's offer is preferred for a while."""
        self._random = generator
        self._in_a_row = 0
        self._told: set[tuple[IPv4Address | None, str]] = set()

    def forgive(self) -> None:
        """Begin with a clean slate: there is a lease, or another network."""
        self.distrusted = None
        self._in_a_row = 0
        self._told.clear()

    def delay(self, at_least: float) -> float:
        """Give the seconds before the next attempt: none after the first failure, then more each time."""
        self._in_a_row += 1
        if self._in_a_row == 1:
            return at_least
        return max(at_least, wait_before_repetition(self._in_a_row - 1, self._random))

    def question_sent(self) -> None:
        """Tell refusals anew, for they may be answers to another question."""
        self._told.clear()

    def is_new(self, server: IPv4Address | None, reason: str) -> bool:
        """Whether this refusal is to be told; it is not a second time."""
        if (server, reason) in self._told or len(self._told) >= MOST_TOLD:
            return False
        self._told.add((server, reason))
        return True
