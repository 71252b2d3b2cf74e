"""What the DHCP client asks for: its messages, their numbers, and when to repeat them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from appliance.network.dhcp.events import TO_ALL, Destination
from appliance.network.dhcp.message import BROADCAST, REQUEST, UNSPECIFIED, Message
from appliance.network.dhcp.option import MessageType, Option
from appliance.network.dhcp.timing import wait_before_repetition

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from ipaddress import IPv4Address

    from appliance.network.dhcp.events import DhcpConfiguration
    from appliance.network.dhcp.lease import Lease


class Inquiry:
    """One question to a server after the other (RFC 2131, table 5), each repeated until it is answered or dropped."""

    def __init__(
        self,
        mac: bytes,
        configuration: DhcpConfiguration,
        send: Callable[[bytes, Destination], None],
        generator: random.Random,
    ) -> None:
        """Speak for the interface with the address `mac`."""
        self.xid = 0
        """Number of the present question; only answers with it count."""
        self.tries = 0
        """Times that it was sent."""
        self.asked = -math.inf
        """When anything was last asked."""
        self.granted = 0.0
        """When that was first asked which an ACK would grant: its times count from here (RFC 2131, 4.4.1)."""
        self._mac = mac
        self._configuration = configuration
        self._send = send
        self._random = generator
        self._began = 0.0
        self._secs = 0

    def begin(self, now: float) -> None:
        """Turn to a new question."""
        self.xid = self._random.getrandbits(32)
        self.tries = self._secs = 0
        self._began = now

    def discover(self, now: float, wish: IPv4Address | None) -> float:
        """Ask for any address, best of all for `wish`; give the moment to repeat it."""
        self._secs = int(now - self._began)
        return self._ask(self._encode(MessageType.DISCOVER, secs=self._secs, address=wish), TO_ALL, now)

    def select(self, now: float, offer: Lease) -> float:
        """Take an offer, with the seconds of the DISCOVER, so that a relay takes the same way (RFC 2131, 4.4.1)."""
        data = self._encode(MessageType.REQUEST, secs=self._secs, address=offer.address, server=offer.server)
        return self._ask(data, TO_ALL, now)

    def confirm(self, now: float, address: IPv4Address) -> float:
        """Ask whether `address`, known from before, is still ours (INIT-REBOOT)."""
        data = self._encode(MessageType.REQUEST, secs=int(now - self._began), address=address)
        self._ask(data, TO_ALL, now)
        return now + wait_before_repetition(1, self._random)

    def renew(self, now: float, lease: Lease, *, to_all: bool) -> float:
        """Ask for more time with an address that is in use."""
        # A number of its own for each, for hours may lie between two: the answer's time counts from its own request.
        self.xid = self._random.getrandbits(32)
        self.granted = now
        data = self._encode(MessageType.REQUEST, secs=int(now - self._began), ciaddr=lease.address)
        return self._ask(data, Destination(lease.address, BROADCAST) if to_all else _to_server(lease), now)

    def decline(self, now: float, lease: Lease, reason: str) -> None:
        """Tell that somebody else has the address: to all, from no address, for it is not ours (RFC 2131, 4.4.4)."""
        self.begin(now)
        data = self._encode(MessageType.DECLINE, address=lease.address, server=lease.server, reason=reason)
        self._send(data, TO_ALL)

    def release(self, now: float, lease: Lease) -> None:
        """Give the address back."""
        self.begin(now)
        self._send(self._encode(MessageType.RELEASE, ciaddr=lease.address, server=lease.server), _to_server(lease))

    def _ask(self, data: bytes, destination: Destination, now: float) -> float:
        self.tries += 1
        if self.tries == 1:
            self.granted = now
        self.asked = now
        self._send(data, destination)
        return now + wait_before_repetition(self.tries, self._random)

    def _encode(
        self,
        kind: MessageType,
        *,
        secs: int = 0,
        ciaddr: IPv4Address = UNSPECIFIED,
        address: IPv4Address | None = None,
        server: IPv4Address | None = None,
        reason: str = "",
    ) -> bytes:
        configuration = self._configuration
        options: dict[int, bytes] = {Option.MESSAGE_TYPE: bytes((kind,))}
        if configuration.client_id is not None:
            options[Option.CLIENT_IDENTIFIER] = configuration.client_id
        if address is not None:
            options[Option.REQUESTED_ADDRESS] = address.packed
        if server is not None:
            options[Option.SERVER_IDENTIFIER] = server.packed
        if reason:
            options[Option.MESSAGE] = reason.encode("ascii", "replace")[:255]
        if kind in {MessageType.DISCOVER, MessageType.REQUEST}:
            options[Option.MAXIMUM_MESSAGE_SIZE] = configuration.message_size.to_bytes(2)
            options[Option.PARAMETER_REQUEST_LIST] = bytes(configuration.requested)
            if configuration.hostname:
                options[Option.HOST_NAME] = configuration.hostname.encode("ascii", "replace")
        message = Message(
            op=REQUEST, xid=self.xid, chaddr=self._mac, options=options, secs=min(max(secs, 0), 0xFFFF), ciaddr=ciaddr
        )
        return message.encode()


def _to_server(lease: Lease) -> Destination:
    return Destination(lease.address, lease.server if lease.server is not None else BROADCAST)
