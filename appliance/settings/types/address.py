"""IPv4 addresses: of a host, of our own interface."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Interface

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

INTERFACE = re.compile(r"(?P<address>[0-9.]+)(?:/(?P<prefix>0|[1-9][0-9]?)| +(?P<mask>[0-9.]+))?", re.ASCII)
SHORTEST_PREFIX = 8
LONGEST_PREFIX = 30


def host_address(text: str) -> IPv4Address:
    """Read the address of one host in four decimal numbers.

    :raises InvalidValue: for anything else: this network (0/8), loopback, multicast, reserved and broadcast ones too.
    """
    try:
        address = IPv4Address(text)
    except AddressValueError:
        raise InvalidValue from None
    if address.is_multicast:
        raise InvalidValue("a multicast address")
    if address.is_loopback:
        raise InvalidValue("a loopback address")
    if address.packed[0] == 0 or address.is_reserved:
        raise InvalidValue("not the address of a host")
    return address


def prefix_of(mask: str) -> int:
    """Count the bits of a network mask such as 255.255.255.0.

    :raises InvalidValue: when it is no mask: ones first, then zeros.
    """
    try:
        bits = f"{int(IPv4Address(mask)):032b}"
    except AddressValueError:
        raise InvalidValue("not a network mask") from None
    if "01" in bits:
        raise InvalidValue("not a network mask")
    return bits.count("1")


def classful_prefix(address: IPv4Address) -> int:
    """Give the mask that an address had before there was CIDR: class A 8 bits, B 16, C 24 (RFC 791 section 3.2)."""
    first = address.packed[0]
    return 8 if first < 128 else 16 if first < 192 else 24


class HostAddress(Type[IPv4Address]):
    """The IPv4 address of a host: a gateway, a name server."""

    allowed = "the IPv4 address of a host, such as 192.168.0.1"

    def _parse(self, text: str) -> IPv4Address:
        return host_address(text)

    def format(self, value: IPv4Address) -> str:
        """Write the four numbers."""
        return str(value)


class InterfaceAddress(Type[IPv4Interface]):
    """Our own IPv4 address with the mask of its network.

    Written with a prefix length, with a mask after a space, or alone, which takes the mask of its class.
    """

    allowed = (
        "an IPv4 address alone, with /8 to /30 or with a mask, such as 192.168.0.10/24 or 192.168.0.10 255.255.255.0"
    )

    def _parse(self, text: str) -> IPv4Interface:
        parts = INTERFACE.fullmatch(text)
        if parts is None:
            raise InvalidValue
        address = host_address(parts["address"])
        if parts["prefix"] is not None:
            prefix = int(parts["prefix"])
        elif parts["mask"] is not None:
            prefix = prefix_of(parts["mask"])
        else:
            prefix = classful_prefix(address)
        if not SHORTEST_PREFIX <= prefix <= LONGEST_PREFIX:
            raise InvalidValue(f"a mask of {prefix} bits leaves no usable network")
        interface = IPv4Interface((address, prefix))
        if address == interface.network.network_address:
            raise InvalidValue(f"the address of the network {interface.network} itself")
        if address == interface.network.broadcast_address:
            raise InvalidValue(f"the broadcast address of {interface.network}")
        return interface

    def format(self, value: IPv4Interface) -> str:
        """Write address and prefix length."""
        return value.with_prefixlen
