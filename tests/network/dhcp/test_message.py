"""The message and its options, as octets and back."""

from __future__ import annotations

import time
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import MessageError
from appliance.network.dhcp.grant import read_grant
from appliance.network.dhcp.message import LARGEST, MAGIC_COOKIE, Message
from appliance.network.dhcp.option import Option
from tests.network.dhcp.rig import MAC, ip

HEADER = Message(op=2, xid=7, chaddr=MAC, has_cookie=False).encode(0)


def with_options(area: bytes, *, sname: bytes = b"", file: bytes = b"") -> bytes:
    return Message(op=2, xid=7, chaddr=MAC, sname=sname, file=file, has_cookie=False).encode(0) + MAGIC_COOKIE + area


addresses = st.integers(0, 0xFFFFFFFF).map(IPv4Address)
option_codes = st.integers(1, 254).filter(lambda code: code != Option.OVERLOAD)
texts = st.binary(max_size=64).map(lambda octets: octets.rstrip(b"\0"))
messages = st.builds(
    Message,
    op=st.sampled_from([1, 2]),
    xid=st.integers(0, 0xFFFFFFFF),
    chaddr=st.binary(max_size=16),
    options=st.dictionaries(option_codes, st.binary(max_size=700), max_size=8),
    htype=st.integers(0, 255),
    hops=st.integers(0, 255),
    secs=st.integers(0, 0xFFFF),
    flags=st.integers(0, 0xFFFF),
    ciaddr=addresses,
    yiaddr=addresses,
    siaddr=addresses,
    giaddr=addresses,
    sname=texts,
    file=texts,
)


@given(messages)
def test_what_is_written_is_read_back(message: Message) -> None:
    assert Message.decode(message.encode()) == message


raw_options = st.lists(
    st.tuples(st.sampled_from([0, 1, 3, 6, 12, 15, 26, 51, 52, 53, 54, 58, 59, 119, 121, 255]), st.binary(max_size=40)),
    max_size=12,
).map(lambda pairs: b"".join(bytes((code, len(value))) + value for code, value in pairs))


@given(st.one_of(st.binary(max_size=400), st.binary(max_size=400).map(lambda tail: HEADER + MAGIC_COOKIE + tail)))
def test_no_octets_bring_anything_but_a_message_error(data: bytes) -> None:
    read_all(data)


@given(raw_options, raw_options, raw_options)
def test_no_options_bring_anything_but_a_message_error(area: bytes, sname: bytes, file: bytes) -> None:
    read_all(with_options(area, sname=sname[:64], file=file[:128]))


@given(messages)
def test_no_message_makes_the_reading_of_a_lease_fail(message: Message) -> None:
    grant = read_grant(message, obtained=0.0)
    assert (grant.lease is None) == bool(grant.reason)


def read_all(data: bytes) -> None:
    try:
        message = Message.decode(data)
    except MessageError:
        return
    for timed in (True, False):
        grant = read_grant(message, obtained=0.0, timed=timed)
        assert (grant.lease is None) == bool(grant.reason)
        assert len(grant.remarks) < 40
        assert all(len(remark) < 300 for remark in grant.remarks)


WORST = {
    "pads": bytes(LARGEST - 240),
    "empty options": bytes((12, 0)) * ((LARGEST - 240) // 2),
    "split options": (bytes((6, 255)) + bytes(255)) * ((LARGEST - 240) // 257),
    "pointers": (bytes((119, 254)) + b"\xc0\x00" * 127) * ((LARGEST - 240) // 256),
    "short names": (bytes((119, 254)) + b"\x01a\x00\x01b\xc0\x00" * 42) * 200,
    "root names": (bytes((119, 254)) + bytes(254)) * 200,
    "routes": (bytes((121, 255)) + bytes(255)) * 200,
}


@pytest.mark.parametrize("name", WORST)
def test_the_largest_datagram_is_read_at_once(name: str) -> None:
    data = with_options(WORST[name])
    began = time.process_time()
    read_all(data)
    assert time.process_time() - began < 0.5


def test_a_long_value_is_joined_from_its_parts_in_all_three_fields() -> None:
    area = bytes((52, 1, 3, 15, 2)) + b"ex" + bytes((3, 4)) + ip("192.0.2.1") + b"\xff"
    data = with_options(area, file=bytes((15, 3)) + b"amp\xff", sname=bytes((15, 2)) + b"le\xff")
    message = Message.decode(data)
    assert message.options == {15: b"example", 3: ip("192.0.2.1")}
    assert message.file == message.sname == b""


def test_fields_that_are_not_overloaded_are_text() -> None:
    message = Message.decode(with_options(b"\xff", file=b"boot", sname=b"server"))
    assert (message.file, message.sname, message.options) == (b"boot", b"server", {})


def test_a_long_option_is_split_and_short_messages_are_padded() -> None:
    encoded = Message(op=1, xid=1, chaddr=MAC, options={61: bytes(300)}).encode()
    assert encoded[240:242] == bytes((61, 255))
    assert encoded[497:499] == bytes((61, 45))
    assert len(Message(op=1, xid=1, chaddr=MAC).encode()) == 300


MALFORMED = {
    "nothing": b"",
    "a header cut off": HEADER[:235],
    "more than a datagram": HEADER + bytes(LARGEST),
    "op 0": b"\0" + HEADER[1:],
    "op 3": b"\3" + HEADER[1:],
    "a hardware address of 17 octets": HEADER[:2] + b"\x11" + HEADER[3:],
    "an option without its length": with_options(b"\x0c"),
    "an option longer than the message": with_options(b"\x0c\xffabc"),
    "an overload of 4": with_options(b"\x34\x01\x04\xff"),
    "an overload without a value": with_options(b"\x34\x00\xff"),
    "two overloads": with_options(b"\x34\x01\x01\x34\x01\x01\xff"),
    "an overload within an overloaded field": with_options(b"\x34\x01\x01\xff", file=b"\x34\x01\x01\xff"),
    "an option cut off in an overloaded field": with_options(b"\x34\x01\x02\xff", sname=bytes(60) + b"\x0c\x05ab"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_message_is_refused(name: str) -> None:
    with pytest.raises(MessageError):
        Message.decode(MALFORMED[name])


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 64, 312, 1200])
def test_the_vendor_area_may_have_any_size(size: int) -> None:
    message = Message.decode(HEADER + (MAGIC_COOKIE + bytes(2000))[:size])
    assert message.has_cookie == (size >= 4)


def test_the_end_mark_may_be_missing_and_what_follows_it_is_not_read() -> None:
    assert Message.decode(with_options(b"\x0c\x01a")).options == {12: b"a"}
    assert Message.decode(with_options(b"\xff\x0c\xffabc")).options == {}


def test_a_value_said_twice_counts_and_one_that_contradicts_itself_does_not() -> None:
    twice = Message.decode(with_options(bytes((53, 1, 5, 53, 1, 5, 51, 4, 0, 0, 0, 9, 51, 4, 0, 0, 0, 8))))
    assert twice.message_type == 5
    assert twice.lease_time is None


def test_the_default_route_is_found_among_classless_routes() -> None:
    routes = bytes((24, 10, 1, 1)) + ip("192.0.2.9") + b"\x00" + ip("192.0.2.8")
    assert Message(op=2, xid=1, chaddr=MAC, options={121: routes}).default_routers == (IPv4Address("192.0.2.8"),)
    for damaged in (routes[:-1], b"\x21" + bytes(10), b"\x00"):
        assert Message(op=2, xid=1, chaddr=MAC, options={121: damaged}).default_routers == ()


TOO_LARGE = {
    "the number": Message(op=1, xid=1 << 32, chaddr=MAC),
    "the hardware address": Message(op=1, xid=1, chaddr=bytes(17)),
    "the boot file": Message(op=1, xid=1, chaddr=MAC, file=bytes(129)),
    "options without a cookie": Message(op=1, xid=1, chaddr=MAC, options={12: b"a"}, has_cookie=False),
    "the code of the end": Message(op=1, xid=1, chaddr=MAC, options={255: b"a"}),
    "all of it": Message(op=1, xid=1, chaddr=MAC, options={12: bytes(LARGEST)}),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_message_that_does_not_fit_is_not_written(name: str) -> None:
    with pytest.raises(MessageError):
        TOO_LARGE[name].encode()
