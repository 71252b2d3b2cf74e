from __future__ import annotations

import os
import resource
import socket
import time
from typing import TYPE_CHECKING, cast

from appliance.httpd.crowd import LOOPBACK, Crowd, neighbourhood_of
from appliance.httpd.limits import Limits
from tests.httpd.rig import read_all, read_reply, serving, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from appliance.httpd.connection import Connection

SMALL = Limits(connections=6, connections_each=3)


class Member:
    """A connection that does nothing."""

    def __init__(self, address: str, opened_at: float, active_at: float, *, is_busy: bool = False) -> None:
        self.neighbourhood = neighbourhood_of(address)
        self.opened_at = opened_at
        self.active_at = active_at
        self.is_busy = is_busy


def _crowd(*members: Member) -> Crowd:
    crowd = Crowd(SMALL)
    for member in members:
        crowd.add(cast("Connection", member))
    return crowd


def _room(crowd: Crowd, address: str) -> object:
    return crowd.find_room(neighbourhood_of(address), 10)


def test_an_ipv6_host_is_known_by_its_network_and_an_ipv4_one_by_its_address() -> None:
    assert (
        neighbourhood_of("2001:db8::1") == neighbourhood_of("2001:db8::ffff:1:2") != neighbourhood_of("2001:db8:0:1::1")
    )
    assert neighbourhood_of("192.0.2.1") != neighbourhood_of("192.0.2.2")
    assert neighbourhood_of("fe80::1%eth0") == neighbourhood_of("fe80::2")
    assert neighbourhood_of("127.0.0.5") == neighbourhood_of("::1") == LOOPBACK


def test_one_address_has_its_share_and_makes_room_for_itself() -> None:
    old = Member("192.0.2.1", 0, 5)
    crowd = _crowd(old, Member("192.0.2.1", 0, 7), Member("192.0.2.1", 9.5, 9.5))
    assert _room(crowd, "192.0.2.1") is old
    assert crowd.find_room(neighbourhood_of("192.0.2.2"), 10) is True


def test_nobody_young_and_nobody_who_is_answered_has_to_go() -> None:
    crowd = _crowd(*(Member("192.0.2.1", 9.5, 0) for _ in range(2)), Member("192.0.2.1", 0, 0, is_busy=True))
    assert crowd.find_room(neighbourhood_of("192.0.2.1"), 10) is False


def test_when_all_is_full_the_idlest_of_the_most_crowded_address_goes() -> None:
    idlest = Member("192.0.2.1", 0, 5)
    crowd = _crowd(
        Member("192.0.2.9", 0, 1),
        Member("192.0.2.8", 0, 1),
        Member("192.0.2.7", 0, 1),
        Member("192.0.2.1", 0, 8),
        idlest,
        Member("192.0.2.1", 0, 7),
    )
    assert _room(crowd, "192.0.2.2") is idlest


def test_loopback_has_no_share_but_is_in_the_whole() -> None:
    crowd = _crowd(*(Member("127.0.0.1", 0, number) for number in range(5)))
    assert crowd.find_room(LOOPBACK, 10) is True
    crowd.add(cast("Connection", Member("127.0.0.1", 0, 9)))
    assert crowd.find_room(LOOPBACK, 10) is not True


def test_those_who_have_gone_count_no_more() -> None:
    members = [Member("192.0.2.1", 0, 0, is_busy=True) for _ in range(3)]
    crowd = _crowd(*members)
    assert crowd.find_room(neighbourhood_of("192.0.2.1"), 10) is False
    for _ in range(2):
        crowd.remove(cast("Connection", members[0]))
    assert len(crowd) == 2
    assert crowd.find_room(neighbourhood_of("192.0.2.1"), 10) is True


def test_a_full_server_makes_room_for_the_next_client_and_refuses_while_it_cannot(tmp_path: Path) -> None:
    limits = Limits(connections=4, unassailable=0.3)
    with serving(tmp_path, limits=limits) as rig:
        held = rig.connect(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        assert rig.site.entered.acquire(timeout=5)
        idle = [rig.connect() for _ in range(3)]
        wait_until(lambda: rig.server.snapshot().connections == 4, "all to be accepted")
        since = time.monotonic()
        assert read_all(rig.connect()) == b""
        assert rig.count.connections_refused == 1
        wait_until(lambda: time.monotonic() - since > 0.35, "them to be old enough")
        assert rig.get().body == b"home"
        assert rig.count.connections_evicted == 1
        assert read_all(idle[0]) == b""
        rig.site.hold.set()
        assert read_reply(held).body == b"held"


def test_without_descriptors_it_waits_and_does_not_spin(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving(tmp_path, limits=Limits(accept_pause=0.1)) as rig:
        assert rig.get().status == 200
        wait_until(lambda: rig.server.snapshot().connections == 0, "its end, or it would be taken for the next")
        client = rig.connect()
        wait_until(lambda: rig.server.snapshot().connections == 1, "the first to be accepted")

        late = socket.socket()
        late.settimeout(10)
        rig.clients.append(late)
        highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 (one descriptor less)
        filling = [os.dup(0) for _ in range(20)]
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(highest, *filling) + 1, hard))
            while True:
                try:
                    filling.append(os.dup(0))
                except OSError:
                    break
            before = rig.server.beats
            late.connect(("127.0.0.1", rig.port))
            late.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            since = time.monotonic()
            wait_until(lambda: time.monotonic() - since > 0.35, "a few attempts")
            assert 1 <= rig.count.socket_error <= 5
            assert rig.server.beats - before < 100
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_reply(client).status == 200
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for fd in filling:
                os.close(fd)
        assert read_reply(late).status == 200
    assert "cannot accept a client: Too many open files" in caplog.text
