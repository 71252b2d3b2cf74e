"""What a network may do to the client. Whatever it was, a good server gives it an address afterwards."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.network.dhcp.events import AddressOffered, Refused
from appliance.network.dhcp.message import MAGIC_COOKIE, Message
from appliance.network.dhcp.option import MessageType, Option
from appliance.network.dhcp.state import State
from tests.network.dhcp.rig import ADDRESS, OTHER_SERVER, SERVER, Rig, Server, bound, ip, reply, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

OFFER, ACK, NAK = MessageType.OFFER, MessageType.ACK, MessageType.NAK


def raw(question: Message, kind: int | None, tail: bytes, **fields: bytes) -> bytes:
    """A reply whose options begin well and go on with `tail` as it stands."""
    head = reply(question, kind).encode(0)
    if fields:
        head = replace(reply(question, kind), **fields).encode(0)  # type: ignore[arg-type]  # fields by name
    return head[:-1] + tail


def offers(question: Message, **more: bytes | None) -> bytes:
    """An offer with some options replaced or removed, by name."""
    return reply(question, OFFER, options={Option[name]: value for name, value in more.items()}).encode()


def with_address(address: str, mask: str = "255.255.255.0") -> Callable[[Message], list[bytes]]:
    def offer(question: Message) -> list[bytes]:
        options: dict[int, bytes | None] = {Option.SUBNET_MASK: ip(mask)}
        return [reply(question, OFFER, address=IPv4Address(address), options=options).encode()]

    return offer


def one(make: Callable[[Message], bytes]) -> Callable[[Message], list[bytes]]:
    return lambda question: [make(question)]


# Datagrams that have no effect: what is sent in answer to a DISCOVER, the client goes on looking.
REJECTED: dict[str, Callable[[Message], list[bytes]]] = {
    "an empty datagram": lambda _: [b""],
    "one octet": lambda _: [b"\2"],
    "a header cut off": one(lambda question: reply(question, OFFER).encode()[:200]),
    "noise": lambda _: [bytes(range(256)) * 4],
    "zeros": lambda _: [bytes(65507)],
    "a stray BOOTP reply": one(lambda question: reply(question, None).encode()),
    "a BOOTP reply without a vendor area": one(lambda question: reply(question, None).encode()[:236]),
    "a wrong cookie": one(lambda question: reply(question, OFFER).encode().replace(MAGIC_COOKIE, b"abcd")),
    "no cookie": one(lambda question: reply(question, OFFER).encode()[:236]),
    "an offer for another question": one(
        lambda question: replace(reply(question, OFFER), xid=~question.xid & 0xFFFFFFFF).encode()
    ),
    "an offer for another host": one(lambda question: replace(reply(question, OFFER), chaddr=bytes(6)).encode()),
    "an offer for a longer hardware address": one(
        lambda question: replace(reply(question, OFFER), chaddr=question.chaddr + b"\0").encode()
    ),
    "an offer on Token Ring": one(lambda question: replace(reply(question, OFFER), htype=6).encode()),
    "our own question back": one(lambda question: question.encode()),
    "a request with our number": one(lambda question: replace(reply(question, OFFER), op=1).encode()),
    "type 0": one(lambda question: reply(question, 0).encode()),
    "an unknown type": one(lambda question: reply(question, 200).encode()),
    "a type of two octets": one(lambda question: offers(question, MESSAGE_TYPE=b"\2\5")),
    "a type without octets": one(lambda question: offers(question, MESSAGE_TYPE=b"")),
    "no server identifier": one(lambda question: reply(question, OFFER, server=None).encode()),
    "a server identifier of three octets": one(lambda question: offers(question, SERVER_IDENTIFIER=b"abc")),
    "the server 0.0.0.0": one(lambda question: offers(question, SERVER_IDENTIFIER=bytes(4))),
    "the server 255.255.255.255": one(lambda question: offers(question, SERVER_IDENTIFIER=b"\xff" * 4)),
    "an option cut off": one(lambda question: raw(question, OFFER, b"\x0c\x20abc")),
    "an option without a length": one(lambda question: raw(question, OFFER, b"\x0c")),
    "an overload of itself": one(lambda question: raw(question, OFFER, b"\x34\1\1\xff", file=b"\x34\1\1\xff")),
    "an overload of each other": one(
        lambda question: raw(question, OFFER, b"\x34\1\3\xff", file=b"\x34\1\2\xff", sname=b"\x34\1\1\xff")
    ),
    "an overload of 255": one(lambda question: raw(question, OFFER, b"\x34\1\xff\xff")),
    "an ACK without a request": one(lambda question: reply(question, ACK).encode()),
    "a NAK without a request": one(lambda question: reply(question, NAK).encode()),
    "a flood of NAKs": lambda question: [reply(question, NAK).encode()] * 500,
    "a flood of noise": lambda _: [b"\2\1\6\0" + bytes(300)] * 500,
    "no lease time": one(lambda question: offers(question, LEASE_TIME=None)),
    "a lease time of three octets": one(lambda question: offers(question, LEASE_TIME=b"\1\1\1")),
    "a lease of 0": one(lambda question: offers(question, LEASE_TIME=seconds(0))),
    "a lease of 9 s": one(lambda question: offers(question, LEASE_TIME=seconds(9))),
    "0.0.0.0": with_address("0.0.0.0"),  # noqa: S104
    "0.1.2.3": with_address("0.1.2.3"),
    "127.0.0.1": with_address("127.0.0.1"),
    "multicast": with_address("224.0.0.1"),
    "class E": with_address("240.0.0.1"),
    "broadcast": with_address("255.255.255.255"),
    "the network's own address": with_address("192.0.2.0"),
    "the network's broadcast address": with_address("192.0.2.255"),
    "a broadcast address within": with_address("192.0.2.127", "255.255.255.128"),
    "a mask of 0.0.0.0": with_address("192.0.2.100", "0.0.0.0"),  # noqa: S104
    "a mask with a hole": with_address("192.0.2.100", "255.0.255.0"),
    "a mask upside down": with_address("192.0.2.100", "0.0.0.255"),
    "a flood of unusable offers": lambda question: [
        reply(question, OFFER, server=IPv4Address(0xC0000200 + n % 250 + 1), options={Option.LEASE_TIME: None}).encode()
        for n in range(1000)
    ],
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_cannot_be_used_has_no_effect(name: str) -> None:
    rig = Rig(lambda question: REJECTED[name](question) if question.message_type == 1 else None)
    rig.start()
    rig.run(60)
    assert rig.client.state is State.SELECTING
    assert set(rig.kinds()) == {1}
    assert len(rig.sent) == 5
    assert sum(rig.client.ignored.values()) >= 5
    assert all(isinstance(event, Refused) and event.reason for _, event in rig.events)
    assert len(rig.events) <= 8 * len(rig.sent)
    is_bound_by_a_good_server(rig)


def is_bound_by_a_good_server(rig: Rig) -> None:
    rig.server = Server()
    rig.run(140)
    assert rig.client.state is State.BOUND
    assert rig.client.lease is not None
    assert rig.client.lease.address == ADDRESS


# Offers that are good but for something that can be left out.
LESSER: dict[str, tuple[dict[int, bytes | None], str]] = {
    "T1 after T2": ({Option.RENEWAL_TIME: seconds(3000), Option.REBINDING_TIME: seconds(2000)}, "renewal times"),
    "T1 and T2 alike": ({Option.RENEWAL_TIME: seconds(2000), Option.REBINDING_TIME: seconds(2000)}, "renewal times"),
    "T2 after the end": ({Option.REBINDING_TIME: seconds(3601)}, "renewal times"),
    "T1 of 0": ({Option.RENEWAL_TIME: seconds(0)}, "renewal times"),
    "T1 without end": ({Option.RENEWAL_TIME: seconds(0xFFFFFFFF)}, "renewal times"),
    "a mask of three octets": ({Option.SUBNET_MASK: b"\xff\xff\xff"}, "mask is malformed"),
    "the router 0.0.0.0": ({Option.ROUTER: bytes(4)}, "router 0.0.0.0"),
    "our address as router": ({Option.ROUTER: ADDRESS.packed}, "router 192.0.2.100"),
    "the name server 127.0.0.1": ({Option.DOMAIN_NAME_SERVER: ip("127.0.0.1")}, "name server 127.0.0.1"),
    "300 name servers": (
        {Option.DOMAIN_NAME_SERVER: b"".join(IPv4Address(0xC0000201 + n).packed for n in range(300))},
        "only the first 3 of the name servers",
    ),
    "the time server 255.255.255.255": ({Option.NTP_SERVERS: bytes((255,)) * 4}, "time server 255.255.255.255"),
    "our address as time server": ({Option.NTP_SERVERS: ADDRESS.packed}, "time server 192.0.2.100"),
    "300 time servers": (
        {Option.NTP_SERVERS: b"".join(IPv4Address(0xC0000201 + n).packed for n in range(300))},
        "only the first 3 of the time servers",
    ),
    "a hostname with a command": ({Option.HOST_NAME: b"a;reboot"}, 'hostname: "a;reboot"'),
    "a hostname with markup": ({Option.HOST_NAME: b"<script>alert(1)</script>"}, "hostname:"),
    "a hostname with control characters": ({Option.HOST_NAME: b"a\x1b[2J\nb"}, "hostname:"),
    "a hostname of 300 characters": ({Option.HOST_NAME: b"a" * 300}, "hostname:"),
    "a hostname that leaves its folder": ({Option.HOST_NAME: b"../../etc/passwd"}, "hostname:"),
    "a domain with a line of its own": ({Option.DOMAIN_NAME: b"a.test\nnameserver 192.0.2.66"}, "domain:"),
    "a domain that is no text": ({Option.DOMAIN_NAME: b"\xff\xfe\x80"}, "domain:"),
    "a search list with a pointer to itself": ({Option.DOMAIN_SEARCH: b"\xc0\x00"}, "search list: a pointer"),
    "a search list with pointers to each other": (
        {Option.DOMAIN_SEARCH: b"\xc0\x02\xc0\x00"},
        "search list: a pointer",
    ),
    "a search list cut off": ({Option.DOMAIN_SEARCH: b"\x05ab"}, "search list: a label"),
    "a search list with a command": ({Option.DOMAIN_SEARCH: b"\x05$(id)\x00"}, "search list:"),
    "an MTU of 0": ({Option.INTERFACE_MTU: bytes(2)}, "MTU of 0"),
    "an MTU of 68": ({Option.INTERFACE_MTU: (68).to_bytes(2)}, "MTU of 68"),
    "an MTU of 65535": ({Option.INTERFACE_MTU: b"\xff\xff"}, "MTU of 65535"),
    "an MTU of 70000": ({Option.INTERFACE_MTU: (70000).to_bytes(4)}, "MTU"),
}


@pytest.mark.parametrize("name", LESSER)
def test_a_bad_lesser_value_is_left_out_and_named(name: str) -> None:
    options, remark = LESSER[name]
    server = Server()
    server.options = options
    rig = Rig(server)
    rig.start()
    assert rig.client.state is State.BOUND
    (offered,) = [event for _, event in rig.events if isinstance(event, AddressOffered)]
    assert remark in " ".join(offered.remarks)
    assert all(text.isprintable() for text in offered.remarks)
    lease = offered.lease
    assert lease == rig.client.lease
    assert (lease.hostname, lease.domain, lease.search, lease.mtu) == (None, None, (), None)
    assert (lease.t1, lease.t2, lease.prefix_length) == (1800, 3150, 24)
    assert all(str(address).startswith("192.0.2.") for address in lease.routers + lease.dns + lease.time_servers)
    assert ADDRESS not in lease.routers + lease.time_servers
    assert len(lease.dns) <= 3
    assert len(lease.time_servers) <= 3


def test_duplicated_and_split_options_are_joined() -> None:
    def answer(question: Message) -> bytes | None:
        kind = {1: OFFER, 3: ACK}.get(MessageType(question.message_type or 0))
        doubled = bytes((Option.LEASE_TIME, 4)) + seconds(3600) + bytes((Option.DOMAIN_NAME, 2)) + b"a."
        return raw(question, kind, doubled + bytes((Option.DOMAIN_NAME, 4)) + b"test\xff") if kind else None

    rig = Rig(answer)
    rig.start()
    assert rig.client.lease is not None
    assert rig.client.lease.domain == "a.test"
    assert rig.client.lease.duration == 3600


def test_an_oversize_message_is_read() -> None:
    server = Server()
    server.options = {224: bytes(60000)}
    rig = Rig(server)
    rig.start()
    assert rig.client.lease is not None


def test_a_missing_mask_is_that_of_the_class_and_a_router_may_be_outside() -> None:
    server = Server()
    server.options = {Option.SUBNET_MASK: None, Option.ROUTER: ip("198.51.100.1")}
    rig = Rig(server)
    rig.start()
    assert rig.client.lease is not None
    assert rig.client.lease.prefix_length == 24
    assert rig.client.lease.routers == (IPv4Address("198.51.100.1"),)


# What may come in the other states.
def test_only_the_selected_server_can_answer_a_request() -> None:
    rig = Rig(lambda question: reply(question, OFFER).encode() if question.message_type == 1 else None)
    rig.start()
    request = rig.question
    for kind in (ACK, NAK):
        rig.hear(reply(request, kind, server=OTHER_SERVER))
        rig.hear(reply(request, kind, server=None))
        rig.hear(replace(reply(request, kind), xid=request.xid ^ 1))
    rig.hear(reply(request, OFFER, server=OTHER_SERVER))
    assert rig.client.state is State.REQUESTING
    assert not rig.events
    rig.hear(reply(request, ACK))
    assert rig.client.lease is not None


@pytest.mark.parametrize("options", [{Option.LEASE_TIME: seconds(0)}, {Option.SUBNET_MASK: bytes(4)}])
def test_a_good_offer_with_an_unusable_lease_behind_it_is_refused_at_a_bounded_rate(
    options: dict[int, bytes | None],
) -> None:
    def two_faced(question: Message) -> bytes:
        return (
            reply(question, OFFER).encode()
            if question.message_type == 1
            else reply(question, ACK, options=options).encode()
        )

    rig = Rig(two_faced)
    rig.start()
    rig.run(600)
    assert rig.client.lease is None
    assert 5 <= len(rig.sent) <= 60
    assert rig.names()
    assert set(rig.names()) == {"Refused"}
    is_bound_by_a_good_server(rig)


def test_a_lease_in_use_is_not_moved_by_anything_that_was_not_asked_for() -> None:
    rig = bound()
    lease = rig.client.lease
    question = Message(op=1, xid=0, chaddr=reply_target())
    for xid in (0, 1, rig.client._inquiry.xid):
        for kind in (None, 0, OFFER, ACK, NAK, 13):
            rig.hear(replace(reply(question, kind, address=IPv4Address("192.0.2.66")), xid=xid))
    assert not rig.events
    assert rig.client.lease == lease


def reply_target() -> bytes:
    return bytes.fromhex("020000000042")


def test_a_renewal_is_not_ended_by_another_server() -> None:
    rig = bound()
    rig.server = lambda question: [
        reply(question, NAK, server=OTHER_SERVER).encode(),
        reply(question, NAK, server=None).encode(),
        reply(question, OFFER).encode(),
        reply(question, ACK).encode(),
    ]
    rig.run(1801)
    assert rig.names() == ["Renewed"]


@given(st.lists(st.binary(max_size=400), max_size=8), st.integers(0, 5))
def test_noise_in_any_state_leaves_the_client_alive(noise: list[bytes], state: int) -> None:
    rig = Rig(Server() if state > 2 else lambda _: None, accepts=state > 3)
    rig.start()
    if state == 5:
        rig.server = lambda _: None
        rig.run(2000)
    question = rig.question
    for data in noise:
        rig.hear(data)
        rig.hear(reply(question, OFFER).encode(0)[:-1] + data)
        rig.run(1)
    rig.server = Server()
    rig.accepts = True
    rig.client.accept(rig.now)
    rig.run(3600)
    assert rig.client.lease is not None


def test_a_server_of_that_name_is_refused_by_its_address() -> None:
    rig = Rig(with_address("127.0.0.1"))
    rig.start()
    assert [event for _, event in rig.events] == [Refused(SERVER, "the address 127.0.0.1 cannot be a host's")]
