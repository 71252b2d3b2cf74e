"""What the interface really has, as the kernel tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Interface

IFF_UP, IFF_LOWER_UP = 0x1, 0x10000

SCOPE_UNIVERSE, SCOPE_LINK = 0, 253
"""How far an address means something (rtnetlink(7)): everywhere; on this link."""


@dataclass(frozen=True, slots=True)
class HeldAddress:
    """One IPv4 address of the interface."""

    interface: IPv4Interface
    broadcast: IPv4Address | None = None
    scope: int = SCOPE_UNIVERSE
    valid: int | None = None
    """Seconds that are left of it; `None` has no end."""
    preferred: int | None = None
    """Seconds until it is deprecated; `None` has no end."""
    is_secondary: bool = False
    """Whether another address of the same network came before it; it goes with that one unless it is promoted."""
    is_ours: bool = False
    """Whether the appliance has put it there, now or before a restart."""


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """One IPv4 default route of the main table, on whatever interface."""

    gateway: IPv4Address | None
    index: int
    """Of its interface; 0 when it has several."""
    metric: int
    protocol: int
    """Who made it (``/etc/iproute2/rt_protos``)."""
    is_onlink: bool = False
    """Whether the gateway is taken to be on the link although no address is in its network."""
    mtu: int | None = None
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class PortState:
    """The interface itself."""

    name: str
    index: int
    mac: str
    flags: int
    """``IFF_...`` bits."""
    mtu: int
    promotes_secondaries: bool
    """Whether the next address of a network takes over when the first one goes."""
    arp_announce: int
    arp_ignore: int
    has_ipv6: bool
    """Whether IPv6 runs on it, at least with its link-local address."""
    accepts_advertisements: bool
    """Whether IPv6 routers can give it addresses and routes."""

    @property
    def is_up(self) -> bool:
        """Whether it is switched on."""
        return bool(self.flags & IFF_UP)

    @property
    def has_carrier(self) -> bool:
        """Whether it is connected to something that is alive."""
        return bool(self.flags & IFF_LOWER_UP)


@dataclass(frozen=True, slots=True)
class InterfaceState:
    """The interface with its IPv4 addresses in the kernel's order, and all default routes, the best first."""

    port: PortState
    addresses: tuple[HeldAddress, ...]
    routes: tuple[DefaultRoute, ...]

    @property
    def default_route(self) -> DefaultRoute | None:
        """The default route in force, whoever made it."""
        return self.routes[0] if self.routes else None

    @property
    def our_route(self) -> DefaultRoute | None:
        """The default route that the appliance has made."""
        return next((route for route in self.routes if route.is_ours), None)

    def address(self, interface: IPv4Interface) -> HeldAddress | None:
        """Give the address with this network, if it is there."""
        return next((held for held in self.addresses if held.interface == interface), None)
