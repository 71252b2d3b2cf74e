"""How many may be connected, and who goes when there are too many. Pure; time is given."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from appliance.httpd.connection import Connection
    from appliance.httpd.limits import Limits


LOOPBACK = "loopback"


@lru_cache(256)
def neighbourhood_of(address: str) -> str:
    """Say with whom the client at `address` is counted: an IPv4 address stands alone, an IPv6 one for its /64.

    One host can have every address of a /64 (RFC 4291, 2.5.1), so that those count as one.
    """
    host = ip_address(address.partition("%")[0])
    if host.is_loopback:
        return LOOPBACK
    return str(host.packed[:8].hex()) if isinstance(host, IPv6Address) else str(host)


class Crowd:
    """All open connections."""

    def __init__(self, limits: Limits) -> None:
        """Begin with nobody."""
        self._limits = limits
        self._members: set[Connection] = set()
        self._each: Counter[str] = Counter()
        self.when_empty: asyncio.Event | None = None
        """Set when the last one has gone."""

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._members))

    def add(self, member: Connection) -> None:
        """Let `member` in."""
        self._members.add(member)
        self._each[member.neighbourhood] += 1

    def remove(self, member: Connection) -> None:
        """Note that `member` has gone."""
        if member in self._members:
            self._members.discard(member)
            self._each[member.neighbourhood] -= 1
            if not self._each[member.neighbourhood]:
                del self._each[member.neighbourhood]
        if not self._members and self.when_empty is not None:
            self.when_empty.set()

    def find_room(self, newcomer: str, now: float) -> Connection | bool:
        """Say whether there is room for one more from the neighbourhood `newcomer`.

        :returns: a yes or no, or the one who has to go first.
        """
        if newcomer != LOOPBACK and self._each[newcomer] >= self._limits.connections_each:
            return self._idlest(newcomer, now) or False
        if len(self._members) < self._limits.connections:
            return True
        # The most crowded first. Where nobody of it can go, the next one; an honest client is alone or one of few.
        for neighbourhood, _ in self._each.most_common():
            found = self._idlest(neighbourhood, now)
            if found is not None:
                return found
        return False

    def _idlest(self, neighbourhood: str, now: float) -> Connection | None:
        candidates = [
            member
            for member in self._members
            if member.neighbourhood == neighbourhood
            and not member.is_busy
            and now - member.opened_at > self._limits.unassailable
        ]
        return min(candidates, key=lambda member: member.active_at, default=None)
