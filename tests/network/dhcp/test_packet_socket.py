"""The packet socket on a real interface: what wakes it, and what it sends."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from appliance.network.dhcp.datagram import parse_packet
from appliance.network.dhcp.events import TO_ALL, Destination
from appliance.network.dhcp.message import BROADCAST
from appliance.network.dhcp.packet_socket import MOST_AT_ONCE, DhcpSocket
from tests.network.dhcp.test_datagram import to_us
from tests.network.namespaces import Namespace, cable, namespace, need_namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.network.dhcp.datagram import Datagram

DEADLINE = 5.0
OURS, SERVERS = IPv4Address("192.0.2.100"), IPv4Address("192.0.2.1")


class Wire:
    """Our socket at one end, a raw one at the other."""

    def __init__(self, here: Namespace, there: Namespace) -> None:
        self.here, self.there = here, there
        with here.entered():
            self.ours = DhcpSocket(socket.if_nametoindex("near"))
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as any_socket:
                any_socket.bind(("near", 0))
                self.mac = any_socket.getsockname()[4]
        with there.entered():
            self.far = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.far.bind(("far", 3))
            self.far.settimeout(DEADLINE)

    def say(self, packet: bytes, *, to: bytes | None = None, tag: bytes = b"") -> None:
        self.far.send((to or self.mac) + bytes.fromhex("020000000001") + tag + b"\x08\x00" + packet)

    def hear(self) -> list[Datagram]:
        readable, _, _ = select.select([self.ours], [], [], DEADLINE)
        assert readable, "nothing has come"
        return self.ours.read()

    def is_quiet(self) -> bool:
        """Whether nothing that was said before wakes it: a datagram said now is the first to be heard."""
        self.say(to_us(b"now"))
        found = self.hear()
        return [datagram.payload for datagram in found] == [b"now"] and not self.ours.damaged

    def next_frame(self, port: int = 67) -> bytes:
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            frame = self.far.recv(2000)
            if frame[12:14] == b"\x08\x00" and frame[23] == 17 and struct.unpack_from("!H", frame, 36)[0] == port:
                return frame
        raise AssertionError("nothing was sent")

    def close(self) -> None:
        self.ours.close()
        self.far.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    need_namespaces()
    with namespace() as here, namespace() as there:
        cable(here, "near", there, "far")
        made = Wire(here, there)
        with contextlib.closing(made):
            yield made


def test_a_datagram_is_heard_without_an_address_to_whomever_it_is(wire: Wire) -> None:
    wire.say(to_us(b"one"))
    wire.say(to_us(b"two", options=b"\1" * 8), to=b"\xff" * 6)
    found: list[Datagram] = []
    while len(found) < 2:
        found += wire.hear()
    assert [datagram.payload for datagram in found] == [b"one", b"two"]
    assert found[0].mac == "02:00:00:00:00:01"
    assert found[0].source == SERVERS
    assert wire.ours.read() == []


def test_what_is_not_for_port_68_never_wakes_it(wire: Wire) -> None:
    good = to_us()
    wire.say(good[:23] + b"\x43" + good[24:])  # port 67
    wire.say(good[:9] + b"\x06" + good[10:])  # TCP
    wire.say(b"\x65" + good[1:])  # version 6
    wire.say(to_us(fragment=0x2000))
    wire.say(to_us(fragment=0x0010))
    wire.say(good, to=bytes.fromhex("020000000077"))  # another host's
    wire.say(good, tag=bytes.fromhex("81000007"))  # another VLAN's
    wire.say(b"\x45")
    wire.say(b"")
    wire.there.send_frames("far", 5)
    assert wire.is_quiet()


def test_a_damaged_datagram_is_counted_and_dropped(wire: Wire) -> None:
    wire.say(to_us(checksum=0x1234))
    assert wire.hear() == []
    assert wire.ours.damaged == 1
    assert wire.is_quiet() is False  # it says damaged, which stays
    wire.say(to_us(checksum=0))
    assert len(wire.hear()) == 1


def test_a_checksum_that_the_sender_left_to_its_hardware_is_not_asked_for(wire: Wire) -> None:
    wire.there.ip("address", "add", "192.0.2.1/24", "dev", "far")
    with wire.there.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"far\0")
        server.sendto(b"from the kernel", ("255.255.255.255", 68))
    assert [datagram.payload for datagram in wire.hear()] == [b"from the kernel"]
    assert not wire.ours.damaged


def test_a_flood_is_read_some_at_a_time(wire: Wire) -> None:
    for _ in range(MOST_AT_ONCE + 10):
        wire.say(to_us())
    assert len(wire.hear()) == MOST_AT_ONCE
    assert len(wire.hear()) == 10


def test_a_broadcast_leaves_from_no_address_or_from_ours(wire: Wire) -> None:
    for destination in (TO_ALL, Destination(OURS, BROADCAST)):
        assert wire.ours.send(b"question", destination)
        frame = wire.next_frame()
        assert frame[:6] == b"\xff" * 6
        assert frame[6:12] == wire.mac
        assert frame[26:34] == destination.source.packed + b"\xff" * 4
        assert frame[42:50] == b"question"


def test_to_one_server_the_kernel_finds_the_way_and_the_port_stays_ours(wire: Wire) -> None:
    wire.here.ip("address", "add", "192.0.2.100/24", "dev", "near")
    wire.there.ip("address", "add", "192.0.2.1/24", "dev", "far")
    with wire.there.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("192.0.2.1", 67))
        server.connect(("192.0.2.100", 68))  # an unreachable port would be told here
        server.settimeout(DEADLINE)
        for _ in range(2):
            with wire.here.entered():
                assert wire.ours.send(b"renew", Destination(OURS, SERVERS))
            assert server.recv(100) == b"renew"
            server.send(b"answer")
            assert [datagram.payload for datagram in wire.hear()] == [b"answer"]
    assert wire.ours.read() == []
    assert wire.ours._unicast is not None
    with pytest.raises(BlockingIOError):  # nothing has gathered there
        wire.ours._unicast.recv(100)


def test_without_the_right_to_the_port_all_are_asked(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_own: IPv4Address) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(wire.ours, "_from", refuse)
    assert wire.ours.send(b"renew", Destination(OURS, SERVERS))
    frame = wire.next_frame()
    assert frame[26:34] == OURS.packed + b"\xff" * 4
    assert frame[42:47] == b"renew"


def test_what_cannot_be_sent_is_said_and_no_error(wire: Wire) -> None:
    wire.here.ip("link", "set", "lo", "up")  # before it has any address, the kernel takes each for its own
    with wire.here.entered():
        assert not wire.ours.send(b"renew", Destination(OURS, SERVERS)), "the address is not ours"
    assert not wire.ours.send(bytes(3000), TO_ALL), "too large for a frame"
    wire.here.ip("link", "set", "near", "down")
    assert not wire.ours.send(b"question", TO_ALL)


def test_an_interface_that_is_down_is_silent_and_comes_back(wire: Wire) -> None:
    wire.here.ip("link", "set", "near", "down")
    assert wire.ours.read() == []
    wire.here.ip("link", "set", "near", "up")
    assert wire.ours.read() == []
    wire.say(to_us())
    assert len(wire.hear()) == 1


def test_an_interface_that_is_gone_is_silent(wire: Wire) -> None:
    wire.here.ip("link", "delete", "near")
    assert wire.ours.read() == []
    assert not wire.ours.send(b"question", TO_ALL)
    assert not select.select([wire.ours], [], [], 0)[0]
    with wire.here.entered(), pytest.raises(OSError, match="No such device"):
        DhcpSocket(99)


def test_what_it_makes_is_what_it_reads(wire: Wire) -> None:
    wire.ours.send(b"question", TO_ALL)
    frame = wire.next_frame()
    turned = bytearray(frame[14:])
    turned[20:24] = turned[22:24] + turned[20:22]
    datagram = parse_packet(bytes(turned))
    assert datagram is not None
    assert datagram.payload == b"question"
