"""What an interface is given: an address and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Interface

    from appliance.network.facts import Source


@dataclass(frozen=True, slots=True)
class Binding:
    """An address in use, from one source."""

    source: Source
    address: IPv4Interface
    gateway: IPv4Address | None = None
    name_servers: tuple[IPv4Address, ...] = ()
    hostname: str = ""
    domain: str = ""
    search: tuple[str, ...] = ()
    mtu: int | None = None
    server: IPv4Address | None = None
    expires_at: float = inf
    """Monotonic seconds; infinity for an address that does not expire."""
