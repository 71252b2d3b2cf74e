"""IPv4 default routes over rtnetlink."""

from __future__ import annotations

import errno
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from appliance.errors import NetworkError
from appliance.network.kernel.netlink import NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE
from appliance.network.kernel.state import DefaultRoute

if TYPE_CHECKING:
    from appliance.network.kernel.netlink import Netlink

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
AF_INET = 2
TABLE_MAIN = 254
RTN_UNICAST = 1
RTNH_F_ONLINK = 0x4

PROTOCOL = 103
"""Says that a route is the appliance's: a number that no program in iproute2's rt_protos has."""

METRIC = 103
"""The rank of our route. Not one that other network managers use (NetworkManager 100, dhcpcd 200 and 1000 and more,
systemd-networkd 1024, the kernel 0), because a route replaces one of the same rank whoever made it."""


def read(netlink: Netlink) -> tuple[DefaultRoute, ...]:
    """Read the default routes of the main table, the one in force first.

    :raises NetworkError: what the kernel says.
    """
    question = _message()
    found = []
    for answer in netlink.ask(question, RTM_GETROUTE, NLM_F_DUMP):
        if answer["dst_len"] or answer["tos"] or answer["type"] != RTN_UNICAST:
            continue
        if (answer.get_attr("RTA_TABLE") or answer["table"]) != TABLE_MAIN:
            continue
        gateway = answer.get_attr("RTA_GATEWAY")
        metrics = answer.get_attr("RTA_METRICS")
        metric = answer.get_attr("RTA_PRIORITY") or 0
        found.append(
            DefaultRoute(
                gateway=None if gateway is None else IPv4Address(gateway),
                index=answer.get_attr("RTA_OIF") or 0,
                metric=metric,
                protocol=answer["proto"],
                is_onlink=bool(answer["flags"] & RTNH_F_ONLINK),
                mtu=metrics.get_attr("RTAX_MTU") if metrics is not None else None,
                is_ours=(answer["proto"], metric) == (PROTOCOL, METRIC),
            )
        )
    return tuple(sorted(found, key=lambda route: route.metric))


def put(netlink: Netlink, wanted: DefaultRoute, *, replaces_ours: bool) -> None:
    """Make our default route, in the place of the one that we have (`replaces_ours`) or as the first of its rank.

    :raises NetworkError: EEXIST when somebody else's route has our rank, or what the kernel says.
    """
    question = _message(wanted)
    how = NLM_F_REPLACE if replaces_ours else NLM_F_EXCL
    netlink.ask(question, RTM_NEWROUTE, NLM_F_CREATE | how)


def remove(netlink: Netlink, route: DefaultRoute) -> None:
    """Remove our route; one that is gone already is no error.

    :raises NetworkError: when the kernel refuses.
    """
    try:
        netlink.ask(_message(route), RTM_DELROUTE)
    except NetworkError as error:
        if error.errno != errno.ESRCH:
            raise


def _message(route: DefaultRoute | None = None) -> Any:
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    question = rtmsg()
    question["family"] = AF_INET
    question["table"] = TABLE_MAIN
    # pyroute2 puts names of its own into what is left out.
    question["proto"] = question["scope"] = question["type"] = question["flags"] = 0
    if route is None:
        return question
    question["proto"] = route.protocol
    question["type"] = RTN_UNICAST
    question["flags"] = RTNH_F_ONLINK if route.is_onlink else 0
    question["attrs"] = [("RTA_OIF", route.index), ("RTA_PRIORITY", route.metric)]
    if route.gateway is not None:
        question["attrs"].append(("RTA_GATEWAY", str(route.gateway)))
    if route.mtu is not None:
        question["attrs"].append(("RTA_METRICS", {"attrs": [("RTAX_MTU", route.mtu)]}))
    return question
