"""A list of networks, such as those that may use a service."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from appliance.errors import InvalidValue, quoted
from appliance.settings.types.type import Type

Network = IPv4Network | IPv6Network

MOST = 64
ENTRY = re.compile(r"(?P<address>[0-9A-Fa-f:.]+)(?:/(?P<prefix>0|[1-9][0-9]{0,2}))?", re.ASCII)


def network(text: str) -> Network:
    """Read an address (a network of one) or a network in CIDR form, IPv4 or IPv6.

    Bits set beyond the prefix are refused rather than dropped: who may enter must not be a guess.

    :raises InvalidValue: naming the entry.
    """
    parts = ENTRY.fullmatch(text)
    if parts is None:
        raise InvalidValue(f"{quoted(text)} is no address and no network")
    try:
        address: IPv4Address | IPv6Address = ip_address(parts["address"])
        loose: Network = ip_network(text, strict=False)
    except ValueError:
        raise InvalidValue(f"{quoted(text)} is no address and no network") from None
    if loose.network_address != address:
        raise InvalidValue(f"{text} has bits set beyond its mask: {loose} is the network, {address} the host")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        raise InvalidValue(f"{text} is an IPv4 address in IPv6 dress; write {address.ipv4_mapped}")
    return loose


class NetworkList(Type[tuple[Network, ...]]):
    """Addresses and networks, IPv4 and IPv6, with commas or spaces between; may be empty. Repeated ones count once."""

    allowed = f"at most {MOST} addresses or networks such as 192.0.2.7, 10.1.0.0/16 or fd00::/8, or empty"

    def _parse(self, text: str) -> tuple[Network, ...]:
        entries = [entry for entry in re.split(r"[ ,]+", text) if entry]
        if len(entries) > MOST:
            raise InvalidValue(f"{len(entries)} entries")
        return tuple(dict.fromkeys(network(entry) for entry in entries))

    def format(self, value: tuple[Network, ...]) -> str:
        """Write the entries with commas between, a single host without its prefix length."""
        return ", ".join(
            str(entry.network_address if entry.prefixlen == entry.max_prefixlen else entry) for entry in value
        )
