"""IPv4 addresses of an interface over rtnetlink."""

from __future__ import annotations

import errno
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING, Any

from appliance.errors import NetworkError
from appliance.network.kernel.netlink import NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE
from appliance.network.kernel.state import SCOPE_LINK, SCOPE_UNIVERSE, HeldAddress
from appliance.network.kernel.wanted import FOREVER

if TYPE_CHECKING:
    from collections.abc import Container

    from appliance.network.kernel.netlink import Netlink
    from appliance.network.kernel.wanted import WantedAddress

RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
AF_INET = 2
IFA_F_SECONDARY = 0x1

MARK = 103
"""Says that an address is the appliance's (IFA_PROTO, from Linux 5.18 on), so that it is known after a restart too."""


def read(netlink: Netlink, index: int, ours: Container[IPv4Interface] = ()) -> tuple[HeldAddress, ...]:
    """Read the addresses, the kernel's first one first; those in `ours` count as ours without a mark.

    :raises NetworkError: when the interface is gone, or what the kernel says.
    """
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

    question = ifaddrmsg()
    question["family"] = AF_INET
    question["index"] = index
    held = []
    for answer in netlink.ask(question, RTM_GETADDR, NLM_F_DUMP):
        if answer["index"] != index:
            continue  # a kernel before 4.20 lists all
        interface = IPv4Interface((answer.get_attr("IFA_LOCAL"), answer["prefixlen"]))
        broadcast = answer.get_attr("IFA_BROADCAST")
        lifetime = answer.get_attr("IFA_CACHEINFO") or {}
        held.append(
            HeldAddress(
                interface=interface,
                broadcast=None if broadcast is None else IPv4Address(broadcast),
                scope=answer["scope"],
                valid=_seconds(lifetime.get("ifa_valid", FOREVER)),
                preferred=_seconds(lifetime.get("ifa_preferred", FOREVER)),
                is_secondary=bool(answer["flags"] & IFA_F_SECONDARY),
                is_ours=answer.get_attr("IFA_PROTO") == MARK or interface in ours,
            )
        )
    return tuple(held)


def put(netlink: Netlink, index: int, wanted: WantedAddress) -> None:
    """Add an address, or give the one that is there a new lifetime, which touches nothing else of it.

    :raises NetworkError: when the kernel refuses.
    """
    question = _message(index, wanted.interface)
    question["scope"] = SCOPE_LINK if wanted.is_link_local else SCOPE_UNIVERSE
    valid, preferred = wanted.lifetime
    question["attrs"] += [
        ("IFA_CACHEINFO", {"ifa_valid": valid, "ifa_preferred": preferred, "cstamp": 0, "tstamp": 0}),
        ("IFA_PROTO", MARK),
    ]
    if wanted.broadcast_address is not None:
        question["attrs"].append(("IFA_BROADCAST", str(wanted.broadcast_address)))
    netlink.ask(question, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE)


def remove(netlink: Netlink, index: int, interface: IPv4Interface) -> None:
    """Remove an address; one that is gone already is no error.

    :raises NetworkError: when the kernel refuses.
    """
    try:
        netlink.ask(_message(index, interface), RTM_DELADDR)
    except NetworkError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise


def is_as_wanted(held: HeldAddress, wanted: WantedAddress) -> bool:
    """Whether the address has what cannot be changed while it is there: broadcast and scope."""
    scope = SCOPE_LINK if wanted.is_link_local else SCOPE_UNIVERSE
    return (held.broadcast, held.scope) == (wanted.broadcast_address, scope)


def _message(index: int, interface: IPv4Interface) -> Any:
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

    question = ifaddrmsg()
    question["family"] = AF_INET
    question["index"] = index
    question["prefixlen"] = interface.network.prefixlen
    question["attrs"] = [("IFA_LOCAL", str(interface.ip)), ("IFA_ADDRESS", str(interface.ip))]
    return question


def _seconds(lifetime: int) -> int | None:
    return None if lifetime == FOREVER else lifetime
