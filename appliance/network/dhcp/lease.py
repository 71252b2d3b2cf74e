"""What a server has lent: an address with all that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.errors import InvalidValue
from appliance.network.dhcp import names

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST_LEASE = 10
"""Seconds. With less we would do nothing but renew."""

SMALLEST_MTU, LARGEST_MTU = 1280, 9000
"""Octets. Below the first Linux ends IPv6 on the interface (RFC 8200, 5), our way in when IPv4 fails."""

MOST_SERVERS = 3
"""Routers, name servers and time servers that are kept, of each; the resolver uses no more (resolv.conf(5), MAXNS)."""

FOREVER = 0xFFFFFFFF
"""The lease time that means no end (RFC 2131, 3.3)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lease:
    """An address lent by a server, checked: what is in here can be used as it stands."""

    address: IPv4Address
    prefix_length: int
    """Bits of the network mask, 1 to 32."""
    server: IPv4Address | None = None
    """Who lent it; `None` when a BOOTP server did not tell."""
    routers: tuple[IPv4Address, ...] = ()
    """Default gateways, the preferred first. One may lie outside of the network."""
    dns: tuple[IPv4Address, ...] = ()
    time_servers: tuple[IPv4Address, ...] = ()
    """For NTP, the preferred first."""
    domain: str | None = None
    search: tuple[str, ...] = ()
    hostname: str | None = None
    mtu: int | None = None
    """Octets of a packet; `None`: as it is."""
    obtained: float = 0.0
    """When it was asked for, seconds of the wall clock (which is wrong before the first time server has answered)."""
    duration: int | None = None
    """Seconds from `obtained` on; `None` for ever."""
    t1: int | None = None
    """Seconds from `obtained` until it is renewed; `None` never."""
    t2: int | None = None
    """Seconds from `obtained` until any server is asked to renew it; `None` never."""

    @property
    def interface(self) -> IPv4Interface:
        """The address with its network."""
        return IPv4Interface((self.address, self.prefix_length))

    def has_expired(self, now: float) -> bool:
        """Whether it is surely over at the moment `now` of the wall clock; one that was set back proves nothing."""
        return self.duration is not None and now >= self.obtained + self.duration

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can keep."""
        return {
            "address": str(self.address),
            "prefix_length": self.prefix_length,
            "server": None if self.server is None else str(self.server),
            "routers": [str(router) for router in self.routers],
            "dns": [str(server) for server in self.dns],
            "time_servers": [str(server) for server in self.time_servers],
            "domain": self.domain,
            "search": list(self.search),
            "hostname": self.hostname,
            "mtu": self.mtu,
            "obtained": self.obtained,
            "duration": self.duration,
            "t1": self.t1,
            "t2": self.t2,
        }

    @classmethod
    def from_dict(cls, value: object) -> Lease:
        """Read what `to_dict` gave, trusting none of it.

        :raises InvalidValue: when it is not a whole and sensible lease.
        """
        if not isinstance(value, dict):
            raise InvalidValue("a lease is a table")
        try:
            address = _host(value["address"])
            prefix_length = _whole(value["prefix_length"], 1, 32)
            complaint = complaint_of_address(address, prefix_length)
            if complaint:
                raise InvalidValue(complaint)
            duration = _maybe(value["duration"], lambda number: _whole(number, SHORTEST_LEASE, FOREVER - 1))
            t1, t2 = (_maybe(value[name], lambda number: _whole(number, 1, FOREVER - 1)) for name in ("t1", "t2"))
            if duration is None:
                has_sense = t1 is None and t2 is None
            else:
                has_sense = t1 is not None and t2 is not None and t1 < t2 < duration
            if not has_sense:
                raise InvalidValue("the times of the lease make no sense")
            return cls(
                address=address,
                prefix_length=prefix_length,
                server=_maybe(value["server"], _host),
                routers=tuple(map(_host, _list(value["routers"]))),
                dns=tuple(map(_host, _list(value["dns"]))),
                # Earlier versions kept none.
                time_servers=tuple(map(_host, _list(value.get("time_servers", [])))),
                domain=_maybe(value["domain"], lambda name: names.check_domain(_text(name))),
                search=tuple(names.check_domain(_text(name)) for name in _list(value["search"])),
                hostname=_maybe(value["hostname"], lambda name: names.check_hostname(_text(name))),
                mtu=_maybe(value["mtu"], lambda number: _whole(number, SMALLEST_MTU, LARGEST_MTU)),
                obtained=_moment(value["obtained"]),
                duration=duration,
                t1=t1,
                t2=t2,
            )
        except KeyError as error:
            raise InvalidValue(f"a lease has {error}") from error


def is_host(address: IPv4Address) -> bool:
    """Whether the address can belong to another host or to this: no "none", loopback, multicast or broadcast."""
    first = address.packed[0]
    return first not in {0, 127} and first < 224


def complaint_of_address(address: IPv4Address, prefix_length: int) -> str:
    """Say why this host cannot have the address; empty when it can."""
    if not is_host(address):
        return f"the address {address} cannot be a host's"
    network = IPv4Interface((address, prefix_length)).network
    # With one bit or none left for the host there is neither of the two (RFC 3021).
    if prefix_length <= 30:
        if address == network.network_address:
            return f"the address {address} is that of the network {network} itself"
        if address == network.broadcast_address:
            return f"the address {address} is the broadcast address of {network}"
    return ""


def classful_prefix_length(address: IPv4Address) -> int:
    """Bits of the network of a class A, B or C address (RFC 791, 3.2)."""
    first = address.packed[0]
    return 8 if first < 128 else 16 if first < 192 else 24


def prefix_length_of(mask: IPv4Address) -> int | None:
    """Count the bits of a mask; `None` when it is none: empty, or with a hole."""
    bits = int(mask)
    length = bits.bit_count()
    return length if bits and bits == 0xFFFFFFFF << (32 - length) & 0xFFFFFFFF else None


def _maybe(value: object, read: Callable[[object], T]) -> T | None:
    return None if value is None else read(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue("a text is missing")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list) or len(value) > names.MOST_NAMES:
        raise InvalidValue("a list is missing or too long")
    return value


def _whole(value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidValue(f"a whole number from {low} to {high} is missing")
    return value


def _moment(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise InvalidValue("a moment is missing")
    return float(value)


def _host(value: object) -> IPv4Address:
    try:
        address = IPv4Address(_text(value))
    except ValueError as error:
        raise InvalidValue("an address is missing") from error
    if not is_host(address):
        raise InvalidValue(f"the address {address} cannot be a host's")
    return address
