"""What the DHCP client is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.network.dhcp.message import BROADCAST, UNSPECIFIED
from appliance.network.dhcp.option import Option

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from appliance.network.dhcp.lease import Lease

REQUESTED = (
    Option.SUBNET_MASK,
    Option.CLASSLESS_STATIC_ROUTE,  # RFC 3442 wants it asked for before the router
    Option.ROUTER,
    Option.DOMAIN_NAME_SERVER,
    Option.HOST_NAME,
    Option.DOMAIN_NAME,
    Option.INTERFACE_MTU,
    Option.BROADCAST_ADDRESS,
    Option.LEASE_TIME,
    Option.RENEWAL_TIME,
    Option.REBINDING_TIME,
    Option.DOMAIN_SEARCH,
    Option.NTP_SERVERS,
)
"""Options that the server is asked for."""

MESSAGE_SIZE = 1472
"""Octets that we take (option 57): what fits into an Ethernet frame, for a reply in fragments is not read."""


@dataclass(frozen=True, slots=True)
class DhcpConfiguration:
    """What the user decides about the DHCP client."""

    client_id: bytes | None = None
    """Whole content of option 61, its type octet included (2 to 255 octets); `None`: the server goes by the MAC."""
    hostname: str = ""
    """Name told to the server (option 12); empty: none."""
    requested: tuple[int, ...] = REQUESTED
    message_size: int = MESSAGE_SIZE


@dataclass(frozen=True, slots=True)
class Destination:
    """Between which addresses a datagram goes, from port 68 to port 67."""

    source: IPv4Address
    target: IPv4Address

    @property
    def is_broadcast(self) -> bool:
        """Whether it goes to everybody on the link."""
        return self.target == BROADCAST


TO_ALL = Destination(UNSPECIFIED, BROADCAST)
"""From a host without an address to whoever listens."""


@dataclass(frozen=True, slots=True)
class AddressOffered:
    """A server has lent an address that nobody has checked yet: answer with `accept` or `decline`."""

    lease: Lease
    remarks: tuple[str, ...] = ()
    """What of the server's lesser values was dropped, and why."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The address was accepted and is ours from now on."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Renewed:
    """The lease goes on; whatever else than the address is in it may have changed."""

    lease: Lease
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """The address must not be used any more."""

    lease: Lease
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A server does not want us (NAK), or what it gives cannot be used."""

    server: IPv4Address | None
    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The server did not answer when the user wanted the lease renewed; the lease goes on as before."""

    server: IPv4Address | None


Event = AddressOffered | Bound | Renewed | Lost | Refused | Unanswered
