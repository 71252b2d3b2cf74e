"""What a server's message grants: a lease, or a reason why it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import InvalidValue
from appliance.network.dhcp import names
from appliance.network.dhcp.lease import (
    FOREVER,
    LARGEST_MTU,
    MOST_SERVERS,
    SHORTEST_LEASE,
    SMALLEST_MTU,
    Lease,
    classful_prefix_length,
    complaint_of_address,
    is_host,
    prefix_length_of,
)
from appliance.network.dhcp.option import Option

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address

    from appliance.network.dhcp.message import Message

T1_PART, T2_PART = 0.5, 0.875
"""Parts of the lease after which it is renewed, where the server says nothing (RFC 2131, 4.4.5)."""

EARLIEST_T1 = 5
"""Seconds. A server that wants us to renew more often than that is not followed."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a message was read as: `lease` is `None` when it cannot be used, and `reason` says why."""

    lease: Lease | None
    reason: str = ""
    remarks: tuple[str, ...] = ()
    """What of the lesser values was dropped, and why, a sentence each; some 30 at most."""


def read_grant(message: Message, *, obtained: float, timed: bool = True) -> Grant:
    """Check what the server grants. Never raises.

    :param obtained: when it was asked for, seconds of the wall clock.
    :param timed: whether there is a lease time, as in DHCP; an address from BOOTP is for ever.
    """
    remarks: list[str] = []
    address, mask = message.yiaddr, message.mask
    if mask is None:
        if Option.SUBNET_MASK in message.options:
            remarks.append("the network mask is malformed; that of the address's class is used")
        prefix_length: int | None = classful_prefix_length(address)
    else:
        prefix_length = prefix_length_of(mask)
    if prefix_length is None:
        return Grant(None, f"{mask} is no network mask")
    complaint = complaint_of_address(address, prefix_length)
    if complaint:
        return Grant(None, complaint)
    times: tuple[int | None, int | None, int | None] = (None, None, None)
    if timed:
        duration = message.lease_time
        if duration is None:
            return Grant(None, "the lease has no time")
        if duration < SHORTEST_LEASE:
            return Grant(None, f"a lease of {duration} s is too short to be used")
        if duration != FOREVER:
            times = duration, *_renewal_times(message, duration, remarks)
    search, complaints = names.decode_search_list(message.options.get(Option.DOMAIN_SEARCH, b""))
    remarks += complaints
    server = message.server
    if not timed and server is None:
        server = message.siaddr
    lease = Lease(
        address=address,
        prefix_length=prefix_length,
        server=server if server is not None and is_host(server) else None,
        # We install no other routes than the default one. So where the classless routes (which alone count for a
        # client that installs them, RFC 3442) have none, the plain router does.
        routers=_hosts(message.default_routers or message.routers, address, "router", remarks),
        dns=_hosts(message.dns, None, "name server", remarks),
        time_servers=_hosts(message.time_servers, address, "time server", remarks),
        domain=_name(message, Option.DOMAIN_NAME, names.check_domain, "domain", remarks),
        search=search,
        hostname=_name(message, Option.HOST_NAME, names.check_hostname, "hostname", remarks),
        mtu=_mtu(message, remarks),
        obtained=obtained,
        duration=times[0],
        t1=times[1],
        t2=times[2],
    )
    return Grant(lease, remarks=tuple(remarks))


def _renewal_times(message: Message, duration: int, remarks: list[str]) -> tuple[int, int]:
    """Give T1 and T2: the server's when they make sense, otherwise the usual parts of the lease."""
    usual = int(duration * T1_PART), int(duration * T2_PART)
    told = message.renewal_time, message.rebinding_time
    t1 = usual[0] if told[0] is None else told[0]
    t2 = usual[1] if told[1] is None else told[1]
    if EARLIEST_T1 <= t1 < t2 < duration:
        return t1, t2
    remarks.append(f"the renewal times {t1} s and {t2} s do not fit a lease of {duration} s; the usual ones are used")
    return usual


def _hosts(
    addresses: tuple[IPv4Address, ...], own: IPv4Address | None, what: str, remarks: list[str]
) -> tuple[IPv4Address, ...]:
    """Keep the first few addresses that can be somebody else's."""
    usable: list[IPv4Address] = []
    refused = 0
    for address in addresses:
        if not is_host(address) or address == own:
            refused += 1
            if refused == 1:
                remarks.append(f"the {what} {address} is left out: it cannot be one")
        elif address not in usable:
            usable.append(address)
            if len(usable) > MOST_SERVERS:
                remarks.append(f"only the first {MOST_SERVERS} of the {what}s are used")
                break
    return tuple(usable[:MOST_SERVERS])


def _name(message: Message, code: Option, check: Callable[[str], str], what: str, remarks: list[str]) -> str | None:
    text = names.text_of(message.options.get(code, b""))
    if not text:
        return None
    try:
        return check(text)
    except InvalidValue as error:
        remarks.append(f"{what}: {error}")
        return None


def _mtu(message: Message, remarks: list[str]) -> int | None:
    if Option.INTERFACE_MTU not in message.options:
        return None
    mtu = message.mtu
    if mtu is None or not SMALLEST_MTU <= mtu <= LARGEST_MTU:
        remarks.append(f"an MTU of {mtu if mtu is not None else 'no size'} is left out")
        return None
    return mtu
