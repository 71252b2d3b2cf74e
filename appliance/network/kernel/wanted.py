"""What the interface shall have."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from appliance.errors import InvalidValue

LINK_LOCAL = IPv4Network("169.254.0.0/16")
"""Addresses that mean something on one link alone (RFC 3927 section 2.1)."""

SMALLEST_MTU, LARGEST_MTU = 68, 1500
"""Octets: what every IPv4 link carries (RFC 791 section 3.2), and what an Ethernet frame does."""

FOREVER = 0xFFFFFFFF
"""Seconds that stand for no end: in a lease (RFC 2131 section 3.3), and for the kernel."""


def _is_host(address: IPv4Address) -> bool:
    return not (
        address.is_multicast
        or address.is_loopback
        or int(address) >> 24 in {0, *range(240, 256)}  # "this network", and what is reserved with the broadcast
    )


@dataclass(frozen=True, slots=True)
class WantedAddress:
    """One IPv4 address with the network it is in."""

    interface: IPv4Interface
    broadcast: IPv4Address | None = None
    """`None` takes that of the network; a network of /31 or /32 has none."""
    valid: int | None = None
    """Seconds after which the kernel removes it by itself; `None` is never. 1 or more."""
    preferred: int | None = None
    """Seconds for which it is not marked as deprecated; `None` is as long as it is valid."""

    def __post_init__(self) -> None:
        """Refuse what no host can have.

        :raises InvalidValue: with the reason.
        """
        if not _is_host(self.interface.ip):
            raise InvalidValue(f"{self.interface.ip} is not the address of a host")
        if not self.interface.network.prefixlen:
            raise InvalidValue(f"{self.interface}: a network of all addresses")
        if self.valid is not None and self.valid < 1:
            raise InvalidValue(f"{self.interface.ip} would be valid for {self.valid} s")
        if self.preferred is not None and not 0 <= self.preferred <= self.lifetime[0]:
            raise InvalidValue(f"{self.interface.ip} would be preferred for {self.preferred} s")

    @property
    def broadcast_address(self) -> IPv4Address | None:
        """The broadcast address that the kernel shall use."""
        if self.interface.network.prefixlen > 30:
            return None
        return self.broadcast or self.interface.network.broadcast_address

    @property
    def is_link_local(self) -> bool:
        """Whether it is one of AutoIP."""
        return self.interface.ip in LINK_LOCAL

    @property
    def lifetime(self) -> tuple[int, int]:
        """Seconds valid and preferred as the kernel counts them, `FOREVER` for no end."""
        valid = FOREVER if self.valid is None else min(self.valid, FOREVER)
        return valid, valid if self.preferred is None else min(self.preferred, valid)


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that the interface shall have of IPv4; without an address it has none."""

    addresses: tuple[WantedAddress, ...] = field(default=())
    gateway: IPv4Address | None = None
    """The default route's; one outside of the networks is taken to be on the link all the same."""
    mtu: int | None = None
    """Octets, 68 to 1500; `None` is the default of Ethernet, 1500."""

    def __post_init__(self) -> None:
        """Refuse what does not fit together.

        :raises InvalidValue: with the reason.
        """
        own = [address.interface.ip for address in self.addresses]
        if len(set(own)) < len(own):
            raise InvalidValue("the same address twice")
        if self.mtu is not None and not SMALLEST_MTU <= self.mtu <= LARGEST_MTU:
            raise InvalidValue(f"an MTU of {self.mtu}; {SMALLEST_MTU} to {LARGEST_MTU} octets are possible")
        if self.gateway is None:
            return
        if not own:
            raise InvalidValue(f"the gateway {self.gateway} without an address of our own")
        if self.gateway in own or not _is_host(self.gateway):
            raise InvalidValue(f"{self.gateway} cannot be the gateway")
        for address in self.addresses:
            if address.broadcast_address is not None and self.gateway == address.broadcast_address:
                raise InvalidValue(f"{self.gateway} cannot be the gateway: it is a broadcast address")

    @property
    def is_gateway_on_link(self) -> bool:
        """Whether the gateway is in the network of one of the addresses."""
        return any(self.gateway in address.interface.network for address in self.addresses)
