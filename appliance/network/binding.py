"""What an interface is given: an address and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from appliance.network.configuration import Method
from appliance.network.facts import Source

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Interface

    from appliance.network.configuration import NetworkConfiguration
    from appliance.network.dhcp.lease import Lease


@dataclass(frozen=True, slots=True)
class Binding:
    """An address in use, from one source."""

    source: Source
    address: IPv4Interface
    gateway: IPv4Address | None = None
    name_servers: tuple[IPv4Address, ...] = ()
    time_servers: tuple[IPv4Address, ...] = ()
    hostname: str = ""
    domain: str = ""
    search: tuple[str, ...] = ()
    mtu: int | None = None
    server: IPv4Address | None = None
    expires_at: float = inf
    """Monotonic seconds; infinity for an address that does not expire."""


def static_binding(configuration: NetworkConfiguration) -> Binding:
    """Make that of the configured address.

    :raises ValueError: when none is configured.
    """
    if configuration.address is None:
        raise ValueError("no address is configured")
    return Binding(
        Source.STATIC,
        configuration.address,
        gateway=configuration.gateway,
        name_servers=configuration.name_servers,
        domain=configuration.domain,
    )


def lease_binding(lease: Lease, configuration: NetworkConfiguration, now: float) -> Binding:
    """Make that of a lease which begins at `now`; configured name servers come before the server's."""
    return Binding(
        Source.BOOTP if configuration.method is Method.BOOTP else Source.DHCP,
        lease.interface,
        gateway=lease.routers[0] if lease.routers else None,
        name_servers=configuration.name_servers or lease.dns,
        time_servers=lease.time_servers,
        hostname=lease.hostname or "",
        domain=lease.domain or "",
        search=lease.search,
        mtu=lease.mtu,
        server=lease.server,
        expires_at=inf if lease.duration is None else now + lease.duration,
    )
