"""The interface itself over rtnetlink: read, switch on, MTU, ARP behaviour."""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING, Any

from appliance.errors import NetworkError
from appliance.network.kernel.netlink import NLA_F_NESTED, attribute
from appliance.network.kernel.state import IFF_UP, PortState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.network.kernel.netlink import Netlink

RTM_NEWLINK, RTM_GETLINK = 16, 18
RTEXT_FILTER_SKIP_STATS = 1 << 3
IFLA_AF_SPEC, IFLA_INET_CONF = 26, 1
AF_INET = 2

ARP_ANNOUNCE, ARP_IGNORE, PROMOTE_SECONDARIES = 18, 19, 20
"""The kernel's numbers of its IPv4 settings of an interface (linux/ip.h, ``IPV4_DEVCONF_...``)."""

IPV4_SETTINGS = {
    # A host asks with an address of the network that it asks about, and answers for its addresses of this port alone:
    # with an address of AutoIP beside one of a server, the other would confuse the conflict checks of both networks.
    ARP_ANNOUNCE: 2,
    ARP_IGNORE: 1,
    PROMOTE_SECONDARIES: 1,
}


def read(netlink: Netlink, name: str) -> PortState:
    """Read the interface `name`.

    :raises NetworkError: ENODEV when there is none of this name, or what the kernel says.
    """
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    question = ifinfmsg()
    question["attrs"] = [("IFLA_IFNAME", name), ("IFLA_EXT_MASK", RTEXT_FILTER_SKIP_STATS)]
    try:
        answers = netlink.ask(question, RTM_GETLINK)
    except NetworkError as error:
        if error.errno == errno.ENODEV:
            raise NetworkError(errno.ENODEV, f"there is no interface {name}") from error
        raise
    if not answers:
        raise NetworkError(errno.ENODEV, f"there is no interface {name}")
    found = answers[0]
    specific = found.get_attr("IFLA_AF_SPEC")
    ipv4 = _settings(specific, "AF_INET")
    ipv6 = _settings(specific, "AF_INET6", "IFLA_INET6_CONF")
    return PortState(
        name=found.get_attr("IFLA_IFNAME") or name,
        index=found["index"],
        mac=found.get_attr("IFLA_ADDRESS") or "",
        flags=found["flags"],
        mtu=found.get_attr("IFLA_MTU") or 0,
        promotes_secondaries=bool(ipv4.get("promote_secondaries")),
        arp_announce=ipv4.get("arp_announce", 0),
        arp_ignore=ipv4.get("arp_ignore", 0),
        has_ipv6=bool(ipv6) and not ipv6.get("disable_ipv6"),
        accepts_advertisements=bool(ipv6.get("accept_ra")),
    )


def switch_on(netlink: Netlink, index: int) -> None:
    """Switch the interface on.

    :raises NetworkError: when the kernel refuses.
    """
    question = _change(index)
    question["flags"] = question["change"] = IFF_UP
    netlink.ask(question, RTM_NEWLINK)


def set_mtu(netlink: Netlink, index: int, mtu: int) -> None:
    """Set the MTU in octets.

    :raises NetworkError: when the kernel or the driver refuses.
    """
    question = _change(index)
    question["attrs"] = [("IFLA_MTU", mtu)]
    netlink.ask(question, RTM_NEWLINK)


def set_ipv4_settings(netlink: Netlink, index: int, settings: Mapping[int, int] = IPV4_SETTINGS) -> None:
    """Change the kernel's IPv4 settings of the interface, by number.

    Over netlink, because the service sees /proc/sys read-only.

    :raises NetworkError: when the kernel refuses.
    """
    packed = b"".join(attribute(number, struct.pack("=I", value)) for number, value in settings.items())
    for kind in (IFLA_INET_CONF, AF_INET, IFLA_AF_SPEC):
        packed = attribute(kind | NLA_F_NESTED, packed)
    netlink.ask(_change(index), RTM_NEWLINK, attributes=packed)


def _change(index: int) -> Any:
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    question = ifinfmsg()
    question["index"] = index
    return question


def _settings(specific: Any, *path: str) -> Mapping[str, int]:
    for name in path:
        specific = specific.get_attr(name) if specific is not None else None
    return specific if specific is not None else {}
