"""The ARP socket, and the machines on it, against real kernels in namespaces."""

from __future__ import annotations

import contextlib
import json
import select
import shutil
import socket
import time
from ipaddress import IPv4Address
from random import Random
from typing import TYPE_CHECKING

import pytest

from appliance.errors import NetworkError
from appliance.network.arp.arp_socket import MOST_AT_ONCE, ArpSocket
from appliance.network.arp.autoip import AutoIp, Chosen, Lost
from appliance.network.arp.conflict import AddressCheck, Conflict, Free
from appliance.network.arp.defence import Defence, GiveUp
from appliance.network.arp.packet import announcement, decode, probe
from tests.conftest import need
from tests.network.arp.rig import ADDRESS, OTHER_ADDRESS, OURS, THEIRS, reply, request
from tests.network.arp.station import NAME, Station, serve, switch
from tests.network.arp.test_conflict import HARMLESS
from tests.network.namespaces import Namespace, need_namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINK_LOCAL = IPv4Address("169.254.7.7")
FAST = 40.0
"""How much faster than the world a machine lives where nobody else needs time."""


@pytest.fixture
def hosts() -> Iterator[list[Namespace]]:
    """Two hosts on a switch."""
    need_namespaces()
    with switch(OURS, THEIRS) as made:
        yield made


@pytest.fixture
def ours(hosts: list[Namespace]) -> Iterator[Station]:
    with contextlib.closing(Station(hosts[0], OURS, speed=FAST)) as made:
        yield made


@pytest.fixture
def theirs(hosts: list[Namespace]) -> Namespace:
    return hosts[1]


def inject(host: Namespace, *frames: bytes) -> None:
    """Send frames, as they are, from the interface of `host`."""
    with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind((NAME, 0))
        for frame in frames:
            raw.send(frame)


def has_news(made: ArpSocket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(made, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def heard(made: ArpSocket, count: int) -> list[bytes]:
    """Read until `count` frames have come."""
    frames: list[bytes] = []
    while len(frames) < count:
        assert has_news(made, 5.0), f"heard only {frames}"
        frames += made.read()
    return frames


WANTED = {
    "claim": announcement(ADDRESS, THEIRS),
    "probe": probe(ADDRESS, THEIRS),
    "reply": reply(),
    "question": request(ADDRESS, OTHER_ADDRESS),
}


@pytest.mark.parametrize("what", WANTED)
def test_what_concerns_a_watched_address_is_heard(ours: Station, theirs: Namespace, what: str) -> None:
    ours.socket.watch(OTHER_ADDRESS, ADDRESS)
    inject(theirs, WANTED[what])
    assert heard(ours.socket, 1) == [WANTED[what]]


def test_nothing_else_wakes_the_thread(ours: Station, theirs: Namespace) -> None:
    ours.socket.watch(ADDRESS)
    harmless = [frame for what, frame in HARMLESS.items() if len(frame) >= 14 and "MAC address" not in what]
    vlan = announcement(ADDRESS, THEIRS)
    inject(theirs, *harmless, vlan[:12] + b"\x88\xa8\x00\x05" + vlan[12:])
    ours.socket.send(announcement(ADDRESS, OURS))
    inject(ours.host, announcement(ADDRESS, OURS))
    inject(theirs, probe(ADDRESS, THEIRS))  # comes last
    assert heard(ours.socket, 1) == [probe(ADDRESS, THEIRS)]


def test_without_an_address_nothing_is_heard(ours: Station, theirs: Namespace) -> None:
    inject(theirs, *WANTED.values())
    ours.socket.watch(OTHER_ADDRESS)
    inject(theirs, reply(OTHER_ADDRESS))
    assert heard(ours.socket, 1) == [reply(OTHER_ADDRESS)]


def test_a_tag_that_has_a_priority_only_is_no_vlan(ours: Station, theirs: Namespace) -> None:
    ours.socket.watch(ADDRESS)
    frame = announcement(ADDRESS, THEIRS)
    # Three, for a kernel that is short of time may drop one.
    inject(theirs, *[frame[:12] + b"\x81\x00\xa0\x00" + frame[12:]] * 3)
    for packet in map(decode, heard(ours.socket, 1)):
        assert packet is not None
        assert packet.sender_mac == THEIRS


def test_too_many_addresses_are_refused(ours: Station) -> None:
    many = [IPv4Address(number) for number in range(1, 18)]
    ours.socket.watch(*many[:16])
    with pytest.raises(ValueError, match="at most 16"):
        ours.socket.watch(*many)


def test_a_flood_is_read_in_parts(ours: Station, theirs: Namespace) -> None:
    ours.socket.watch(ADDRESS)
    inject(theirs, *[announcement(ADDRESS, THEIRS)] * 5000)
    assert has_news(ours.socket, 5.0)
    assert len(ours.socket.read()) == MOST_AT_ONCE


def test_an_interface_that_is_switched_off_and_on_is_heard_again(ours: Station, theirs: Namespace) -> None:
    ours.socket.watch(ADDRESS)
    ours.host.ip("link", "set", NAME, "down")
    assert has_news(ours.socket, 5.0)
    assert ours.socket.read() == []
    assert (ours.socket.is_down, ours.socket.is_gone) == (True, False)
    assert not has_news(ours.socket, 0.0)
    ours.socket.send(probe(ADDRESS, OURS))
    assert ours.socket.is_down
    ours.host.ip("link", "set", NAME, "up")
    deadline = time.monotonic() + 10.0
    while True:
        inject(theirs, reply())  # again, for the switch takes a moment to forward
        if has_news(ours.socket, 0.1) or time.monotonic() > deadline:
            break
    assert set(heard(ours.socket, 1)) == {reply()}
    assert not ours.socket.is_down


def test_an_interface_that_goes_is_known_to_be_gone(ours: Station) -> None:
    ours.host.ip("link", "del", NAME)
    assert has_news(ours.socket, 5.0)
    assert ours.socket.read() == []
    assert (ours.socket.is_down, ours.socket.is_gone) == (True, True)
    ours.socket.send(probe(ADDRESS, OURS))
    assert ours.socket.read() == []
    assert not has_news(ours.socket, 0.0)


def test_a_frame_sent_to_an_interface_that_is_gone_tells_it_too(ours: Station) -> None:
    ours.host.ip("link", "del", NAME)
    ours.socket.send(probe(ADDRESS, OURS))
    ours.socket.send(probe(ADDRESS, OURS))
    assert ours.socket.is_gone


def test_an_interface_that_is_not_there_is_an_error(hosts: list[Namespace]) -> None:
    with hosts[0].entered(), pytest.raises(OSError, match="No such"):
        ArpSocket(4711, OURS)


def test_a_name_that_passed_to_another_interface_is_an_error(
    hosts: list[Namespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "if_indextoname", lambda _: "lo")
    index = json.loads(hosts[0].ip("-j", "link", "show", NAME))[0]["ifindex"]
    with hosts[0].entered(), pytest.raises(NetworkError):
        ArpSocket(index, OURS)


def check(ours: Station, *, quick: bool = False) -> None:
    """Check the address to its end."""
    made = AddressCheck(
        ADDRESS, OURS, send=ours.socket.send, on_event=ours.events.append, random=Random(1), quick=quick
    )
    ours.run(made, ADDRESS)
    serve([ours], lambda: ours.events, "an answer")


@pytest.mark.parametrize("quick", [False, True])
def test_an_address_of_another_host_is_found_with_its_mac(ours: Station, theirs: Namespace, quick: bool) -> None:
    theirs.ip("address", "add", f"{ADDRESS}/24", "dev", NAME)
    check(ours, quick=quick)
    assert ours.events == [Conflict(ADDRESS, THEIRS)]


def test_an_address_that_nobody_has_is_free(ours: Station, theirs: Namespace) -> None:
    theirs.ip("address", "add", f"{OTHER_ADDRESS}/24", "dev", NAME)
    check(ours)
    assert ours.events == [Free(ADDRESS)]


def test_the_quick_check_takes_a_moment(hosts: list[Namespace]) -> None:
    with contextlib.closing(Station(hosts[0], OURS)) as ours:
        before = time.monotonic()
        check(ours, quick=True)
        assert time.monotonic() - before < 0.5
        assert ours.events == [Free(ADDRESS)]


@pytest.mark.parametrize("keep", [False, True])
def test_a_defence_is_seen_by_the_other_host(ours: Station, theirs: Namespace, keep: bool) -> None:
    with contextlib.closing(Station(theirs, THEIRS)) as listener:
        listener.socket.watch(ADDRESS)
        ours.run(Defence(ADDRESS, OURS, send=ours.socket.send, on_event=ours.events.append, keep=keep), ADDRESS)
        inject(theirs, announcement(ADDRESS, THEIRS))
        serve([ours], lambda: ours.events, "the conflict")
        assert heard(listener.socket, 1) == [announcement(ADDRESS, OURS)]
        inject(theirs, announcement(ADDRESS, THEIRS), announcement(OTHER_ADDRESS, THEIRS))
        if keep:
            serve([ours], lambda: getattr(ours.machine, "conflicts", 0) == 2, "the second conflict")
        else:
            serve([ours], lambda: len(ours.events) == 2, "the end")
    assert ours.events == [Conflict(ADDRESS, THEIRS), *([] if keep else [GiveUp(ADDRESS, THEIRS)])]


class AutoIpStation(Station):
    """A host that takes an address as the manager would."""

    def begin(self, *, random: Random | None = None, remembered: IPv4Address | None = None) -> AutoIp:
        made = AutoIp(self.mac, send=self._send, on_event=self._take, random=random, remembered=remembered)
        self.autoip = made
        self.run(made, made.candidate)
        return made

    def serve(self) -> None:
        super().serve()
        self.socket.watch(self.autoip.candidate)

    def _send(self, frame: bytes) -> None:
        self.socket.send(frame)

    def _take(self, event: object) -> None:
        self.events.append(event)
        if isinstance(event, Chosen):
            self.host.ip("address", "add", f"{event.address}/16", "dev", NAME)
        elif isinstance(event, Lost):
            self.host.ip("address", "del", f"{event.address}/16", "dev", NAME)


def test_two_devices_with_the_same_seed_end_with_different_addresses(hosts: list[Namespace]) -> None:
    with contextlib.ExitStack() as stack:
        stations = [
            stack.enter_context(contextlib.closing(AutoIpStation(host, mac, speed=FAST)))
            for host, mac in zip(hosts, (OURS, THEIRS), strict=True)
        ]
        made = [station.begin(random=Random(5), remembered=LINK_LOCAL) for station in stations]
        assert made[0].candidate == made[1].candidate
        serve(stations, lambda: all(one.address for one in made), "two addresses")
        assert made[0].address != made[1].address
        assert sum(isinstance(event, Conflict) for station in stations for event in station.events) >= 1


def test_one_that_is_contested_moves_on_and_tells_by_whom(hosts: list[Namespace]) -> None:
    with contextlib.closing(AutoIpStation(hosts[0], OURS, speed=FAST)) as ours:
        made = ours.begin(remembered=LINK_LOCAL)
        serve([ours], lambda: made.address, "an address")
        inject(hosts[1], announcement(LINK_LOCAL, THEIRS))
        serve([ours], lambda: len(ours.events) == 2, "the defence")
        inject(hosts[1], announcement(LINK_LOCAL, THEIRS))
        serve([ours], lambda: len(ours.events) == 4, "another address")
        assert ours.events == [
            Chosen(LINK_LOCAL),
            Conflict(LINK_LOCAL, THEIRS),
            Lost(LINK_LOCAL, THEIRS),
            Chosen(made.candidate),
        ]
        assert made.candidate != LINK_LOCAL


ACTION = """#!/bin/sh
case $1 in
BIND) ip address add "$3/16" dev "$2" ;;
CONFLICT | UNBIND) ip address del "$3/16" dev "$2" ;;
esac
"""


def address_of(host: Namespace) -> IPv4Address | None:
    [link] = json.loads(host.ip("-j", "-4", "address", "show", NAME)) or [{}]
    found = [entry["local"] for entry in link.get("addr_info", [])]
    return IPv4Address(found[0]) if found else None


def test_against_avahi_autoipd_both_end_with_different_addresses(hosts: list[Namespace], tmp_path: Path) -> None:
    autoipd = shutil.which("avahi-autoipd") or shutil.which("avahi-autoipd", path="/usr/sbin")
    need(autoipd, "needs avahi-autoipd")
    assert autoipd is not None
    action = tmp_path / "action"
    action.write_text(ACTION)
    action.chmod(0o755)
    device, peer = hosts
    peer.run("mount", "-t", "tmpfs", "none", "/run")  # for the file with its number
    with (tmp_path / "log").open("wb") as log, contextlib.closing(AutoIpStation(device, OURS)) as ours:
        peer.start(
            autoipd, "--no-drop-root", "--no-chroot", "--no-proc-title", f"--script={action}",
            f"--start={LINK_LOCAL}", NAME, stdout=log, stderr=log,
        )  # fmt: skip
        made = ours.begin(remembered=LINK_LOCAL)
        serve([ours], lambda: made.address and b"claimed" in (tmp_path / "log").read_bytes(), "two addresses")
    theirs = address_of(peer)
    assert theirs is not None
    assert theirs != address_of(device) == made.address
    assert LINK_LOCAL in {theirs, made.address}
    # And one that comes later finds avahi's taken.
    with contextlib.closing(AutoIpStation(device, OURS, speed=FAST)) as late:
        device.ip("address", "flush", "dev", NAME)
        found = late.begin(remembered=theirs)
        serve([late], lambda: found.address, "an address")
    assert late.events[0] == Conflict(theirs, THEIRS)
    assert found.address not in {theirs, None}
