"""The DHCP client on a clock in the test's hands, and a server made of messages."""

from __future__ import annotations

import itertools
import random
import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from appliance.network.dhcp.client import DhcpClient
from appliance.network.dhcp.events import AddressOffered, Destination, DhcpConfiguration, Event
from appliance.network.dhcp.lease import Lease
from appliance.network.dhcp.message import REPLY, Message
from appliance.network.dhcp.option import MessageType, Option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAC = bytes.fromhex("020000000042")
SERVER, OTHER_SERVER = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
ADDRESS, OTHER_ADDRESS = IPv4Address("192.0.2.100"), IPv4Address("192.0.2.101")
WALL = 1_700_000_000.0
START = 5000.0


def ip(text: str) -> bytes:
    return IPv4Address(text).packed


def seconds(number: int) -> bytes:
    return struct.pack("!I", number)


GOOD_OPTIONS: dict[int, bytes] = {
    Option.SUBNET_MASK: ip("255.255.255.0"),
    Option.ROUTER: SERVER.packed,
    Option.DOMAIN_NAME_SERVER: SERVER.packed,
    Option.LEASE_TIME: seconds(3600),
}


def reply(
    question: Message,
    kind: int | None,
    *,
    options: dict[int, bytes | None] | None = None,
    address: IPv4Address = ADDRESS,
    server: IPv4Address | None = SERVER,
) -> Message:
    """What a server answers: `options` replace or (None) remove those of a good one."""
    given: dict[int, bytes | None] = {}
    if kind is not None:
        given[Option.MESSAGE_TYPE] = bytes((kind,))
    if server is not None:
        given[Option.SERVER_IDENTIFIER] = server.packed
    if kind != MessageType.NAK:
        given |= GOOD_OPTIONS
    given |= options or {}
    return Message(
        op=REPLY,
        xid=question.xid,
        chaddr=question.chaddr,
        options={code: value for code, value in given.items() if value is not None},
        yiaddr=IPv4Address(0) if kind == MessageType.NAK else address,
    )


Answer = bytes | list[bytes] | None


class Server:
    """Answers as a good server does; what it says can be bent."""

    def __init__(self, identifier: IPv4Address = SERVER, address: IPv4Address = ADDRESS) -> None:
        self.identifier = identifier
        self.address = address
        self.options: dict[int, bytes | None] = {}
        self.knows = True
        """Whether it confirms an address that it has not just offered."""

    def __call__(self, question: Message) -> Answer:
        if question.message_type == MessageType.DISCOVER:
            return self.reply(question, MessageType.OFFER)
        if question.message_type == MessageType.REQUEST:
            if question.server is not None and question.server != self.identifier:
                return None
            wanted = question.requested_address or question.ciaddr
            is_new = question.server is not None
            good = wanted == self.address and (is_new or self.knows)
            return self.reply(question, MessageType.ACK if good else MessageType.NAK)
        return None

    def reply(self, question: Message, kind: MessageType) -> bytes:
        options = self.options if kind != MessageType.NAK else {}
        return reply(question, kind, options=options, address=self.address, server=self.identifier).encode()


def silent(_question: Message) -> Answer:
    return None


class Rig:
    """A client, its clock, and whoever answers."""

    def __init__(
        self,
        server: Callable[[Message], Answer] = silent,
        *,
        remembered: Lease | None = None,
        configuration: DhcpConfiguration | None = None,
        accepts: bool = True,
        seed: int = 1,
    ) -> None:
        self.now = START
        self.server = server
        self.accepts = accepts
        self.sent: list[tuple[float, Message, Destination]] = []
        self.events: list[tuple[float, Event]] = []
        self._answers: list[bytes] = []
        self.client = DhcpClient(
            mac=MAC,
            configuration=configuration or DhcpConfiguration(),
            send=self._send,
            on_event=self._event,
            random=random.Random(seed),
            remembered=remembered,
            wall_clock=lambda: WALL + self.now - START,
        )

    def _send(self, data: bytes, destination: Destination) -> None:
        message = Message.decode(data)
        self.sent.append((self.now - START, message, destination))
        answer = self.server(message)
        if answer is not None:
            self._answers += [answer] if isinstance(answer, bytes) else answer

    def _event(self, event: Event) -> None:
        self.events.append((self.now - START, event))
        if isinstance(event, AddressOffered) and self.accepts:
            self.client.accept(self.now)

    def hear(self, data: bytes | Message) -> None:
        """Let the client receive something."""
        self.client.receive(data.encode() if isinstance(data, Message) else data, self.now)
        self._deliver()

    def start(self) -> None:
        self.client.start(self.now)
        self._deliver()

    def run(self, seconds: float) -> None:
        """Let time go on, and do what comes due."""
        self._deliver()
        end = self.now + seconds
        for _ in range(100_000):
            due = self.client.due
            if due > end:
                break
            self.now = max(self.now, due)
            self.client.check(self.now)
            self._deliver()
        else:
            raise AssertionError("the client never rests")
        self.now = end

    def _deliver(self) -> None:
        for _ in range(100_000):
            if not self._answers:
                return
            self.client.receive(self._answers.pop(0), self.now)
        raise AssertionError("the client and the server flood each other")

    def kinds(self) -> list[int | None]:
        return [message.message_type for _, message, _ in self.sent]

    def times(self, kind: int) -> list[float]:
        return [at for at, message, _ in self.sent if message.message_type == kind]

    def names(self) -> list[str]:
        return [type(event).__name__ for _, event in self.events]

    @property
    def question(self) -> Message:
        return self.sent[-1][1]

    def clear(self) -> None:
        self.sent.clear()
        self.events.clear()


def bound(server: Callable[[Message], Answer] | None = None, **more: object) -> Rig:
    """Make a client that has a lease."""
    made = Rig(server or Server(), **more)  # type: ignore[arg-type]  # the words of Rig, passed on
    made.start()
    assert made.client.lease is not None, made.events
    made.clear()
    return made


DISCOVER, REQUEST, DECLINE, RELEASE = 1, 3, 4, 7
REMEMBERED = Lease(ADDRESS, 24, server=SERVER, obtained=WALL - 100, duration=3600, t1=1800, t2=3150)


def near(times: list[float], expected: Sequence[float], within: float = 1.0) -> bool:
    """Whether the waits (not the sums of them) are as expected."""
    waits = [after - before for before, after in itertools.pairwise(times)]
    return len(waits) == len(expected) and all(
        abs(wait - other) <= within for wait, other in zip(waits, expected, strict=True)
    )
