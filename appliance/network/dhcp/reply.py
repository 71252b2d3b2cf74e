"""Which of all the datagrams that come to port 68 is an answer to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import MessageError
from appliance.network.dhcp.lease import is_host
from appliance.network.dhcp.message import ETHERNET, REPLY, Message
from appliance.network.dhcp.option import MessageType

if TYPE_CHECKING:
    from collections import Counter

ANSWERS = frozenset({MessageType.OFFER, MessageType.ACK, MessageType.NAK})


def read_reply(data: bytes, mac: bytes, ignored: Counter[str]) -> Message | None:
    """Read a datagram; `None` when it is no BOOTP or DHCP reply for the interface `mac`, the reason then counted."""
    try:
        message = Message.decode(data)
    except MessageError:
        ignored["malformed"] += 1
        return None
    if message.op != REPLY:
        ignored["not a reply"] += 1
        return None
    if message.htype != ETHERNET or message.chaddr != mac:
        ignored["for another host"] += 1
        return None
    return message


def objection_of_dhcp(message: Message, xid: int) -> str:
    """Say why a reply is no answer of a DHCP server to the question `xid`; empty when it is one."""
    if not message.has_cookie:
        return "without the magic cookie"
    if message.message_type is None:
        return "not DHCP"
    if message.message_type not in ANSWERS:
        return "of an unknown type"
    if message.xid != xid:
        return "with another xid"
    if message.server is None or not is_host(message.server):
        return "without a server"
    return ""
