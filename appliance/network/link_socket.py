"""The kernel's messages about interfaces: rtnetlink, by way of pyroute2."""

from __future__ import annotations

import errno
import os
from typing import Any

from appliance.errors import NetworkError
from appliance.network.link_table import Link, LinkMessage, Notice

RECEIVE_BUFFER = 1 << 18
"""Octets of messages that the kernel keeps for us: some hundred events of 2 KiB."""

# The kernel's numbers (netlink(7), rtnetlink(7)).
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_MULTI = 0x1, 0x2
NLM_F_DUMP_INTR = 0x10
"""Set in a list that was disturbed while it was made."""
NLM_F_DUMP = 0x300
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTMGRP_LINK = 0x1


class LinkSocket:
    """Subscribes to the changes of all interfaces, then asks for a list of them.

    It sees the network namespace of the thread that builds it, and belongs to that thread alone. Of pyroute2 it uses
    the one class that has neither an event loop nor a queue, so that its descriptor can be waited for
    (docs/decisions/link-watch.md). Building the first one imports pyroute2: 0.15 s here, more on a Pi.
    """

    def __init__(self) -> None:
        """Open, subscribe, ask.

        :raises OSError: when the kernel gives no such socket.
        """
        # Imported here, by the thread that needs it: it must not delay the start of the tunnel. Its modules import
        # each other in circles; the first is the end from which they can be entered.
        import pyroute2.iproute  # noqa: F401
        from pyroute2.netlink.rtnl.iprsocket import IPRSocket

        self._is_spoilt = False
        self._socket: Any = IPRSocket(rcvbuf=RECEIVE_BUFFER)
        try:
            # Made at its first use; inside of `bind` its error would be lost among 180 attempts.
            self._descriptor: int = self._socket.socket.fileno()
            self._socket.bind(groups=RTMGRP_LINK)
            self.ask()
        except KeyError as error:  # pyroute2's word for: no address could be bound
            self.close()
            raise NetworkError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL)) from error
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Give the descriptor to wait for."""
        return self._descriptor

    def ask(self) -> None:
        """Ask for a list of all interfaces; `read` gives it, ended by a message without a link.

        While interfaces come and go the kernel may leave others out, and says so; then the list is asked for once more
        before it ends.
        """
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

        self._is_spoilt = False
        self._socket.put(ifinfmsg(), msg_type=RTM_GETLINK, msg_flags=NLM_F_REQUEST | NLM_F_DUMP)

    def read(self) -> list[LinkMessage]:
        """Take what the kernel has sent in one piece; wait for it when there is nothing.

        :raises OSError: with ENOBUFS when messages were lost; what is known is then worth nothing.
        :raises NetworkError: when the kernel refuses the list.
        """
        return [message for message in map(self._understand, self._socket.get()) if message is not None]

    def close(self) -> None:
        """Free the descriptor."""
        self._socket.close()

    def _understand(self, raw: Any) -> LinkMessage | None:
        header = raw["header"]
        kind, flags = header["type"], header["flags"]
        # The kernel marks only the first message after the disturbance, which need not be the last of the list.
        self._is_spoilt |= bool(flags & NLM_F_DUMP_INTR)
        if kind == NLMSG_ERROR:
            code = abs(raw["error"])
            if code:
                raise NetworkError(code, os.strerror(code))
            return None
        if kind == NLMSG_DONE:
            if not self._is_spoilt:
                return LinkMessage(Notice.LIST_ENDS)
            self.ask()
            return None
        if kind not in {RTM_NEWLINK, RTM_DELLINK} or raw["family"]:
            return None  # of a bridge: a port that leaves it is "deleted" there, and goes on to exist
        state = raw.get_attr("IFLA_OPERSTATE")
        if state is None:
            return None  # an aside of a WLAN driver
        link = Link(
            index=raw["index"],
            name=raw.get_attr("IFLA_IFNAME") or "",
            flags=raw["flags"],
            mac=raw.get_attr("IFLA_ADDRESS") or "",
            operational_state=str(state).lower(),
        )
        if kind == RTM_DELLINK:
            return LinkMessage(Notice.REMOVED, link)
        return LinkMessage(Notice.LISTED if flags & NLM_F_MULTI else Notice.CHANGED, link)
