"""The check of an address before it is used, on a clock of the test's own."""

from __future__ import annotations

import itertools
import math
from ipaddress import IPv4Address
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidValue
from appliance.network.arp.conflict import (
    ANNOUNCE_WAIT,
    PROBE_MAX,
    PROBE_MIN,
    PROBE_NUM,
    PROBE_WAIT,
    QUICK_WAIT_MAX,
    QUICK_WAIT_MIN,
    AddressCheck,
    Conflict,
    Free,
)
from appliance.network.arp.packet import announcement, probe
from tests.network.arp.rig import ADDRESS, OTHER_ADDRESS, OURS, THEIRS, THIRD, Fixed, Wire, reply, request

START = 1000.0


def checking(
    wire: Wire, *, random: Random | None = None, quick: bool = False, probe_wait: float = PROBE_WAIT, mac: str = OURS
) -> AddressCheck:
    made = AddressCheck(
        ADDRESS,
        mac,
        send=wire.sender(),
        on_event=wire.note,
        random=random or Random(1),
        quick=quick,
        probe_wait=probe_wait,
    )
    wire.machines.append(made)
    made.start(wire.now)
    return made


@given(st.integers())
def test_the_delays_are_those_of_the_rfc(seed: int) -> None:
    wire = Wire(START)
    checking(wire, random=Random(seed))
    wire.run()
    times = [time for time, _ in wire.sent]
    assert all(packet.is_probe and packet.target_address == ADDRESS for _, packet in wire.sent)
    assert len(times) == PROBE_NUM
    assert START <= times[0] <= START + PROBE_WAIT
    assert all(PROBE_MIN <= after - before <= PROBE_MAX + 1e-9 for before, after in itertools.pairwise(times))
    assert wire.happened == [Free(ADDRESS)]
    assert wire.events[0][0] == pytest.approx(times[-1] + ANNOUNCE_WAIT)


def test_the_delays_are_spread_over_what_the_rfc_allows() -> None:
    first, between = [], []
    for seed in range(300):
        wire = Wire(0.0)
        checking(wire, random=Random(seed))
        wire.run()
        times = [time for time, _ in wire.sent]
        first.append(times[0])
        between += [times[1] - times[0], times[2] - times[1]]
    for found, low, high in ((first, 0.0, PROBE_WAIT), (between, PROBE_MIN, PROBE_MAX)):
        width = high - low
        assert min(found) < low + width * 0.05
        assert max(found) > high - width * 0.05
        assert sum(found) / len(found) == pytest.approx((low + high) / 2, abs=width * 0.05)


@pytest.mark.parametrize(("part", "seconds"), [(0.0, 4.0), (1.0, 7.0)])
def test_in_full_it_takes_four_to_seven_seconds(part: float, seconds: float) -> None:
    wire = Wire(START)
    checking(wire, random=Fixed(part))
    wire.run()
    assert wire.now - START == pytest.approx(seconds)


def test_without_a_first_wait_it_takes_a_second_less() -> None:
    wire = Wire(START)
    checking(wire, random=Fixed(1.0), probe_wait=0.0)
    wire.run()
    assert wire.sent[0][0] == START
    assert wire.now - START == pytest.approx(6.0)


@given(st.integers())
def test_the_quick_check_asks_once_and_waits_a_moment(seed: int) -> None:
    wire = Wire(START)
    checking(wire, random=Random(seed), quick=True)
    wire.run()
    assert [time for time, _ in wire.sent] == [START]
    assert wire.happened == [Free(ADDRESS)]
    assert QUICK_WAIT_MIN <= wire.now - START <= QUICK_WAIT_MAX


SHOWN = {
    "reply": reply(),
    "announcement": announcement(ADDRESS, THEIRS),
    "question to a third": request(ADDRESS, OTHER_ADDRESS),
    "probe": probe(ADDRESS, THEIRS),
    "reply to a third": reply(to=THIRD),
}


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("probes_sent", [0, 1, 2, 3])
def test_a_conflict_is_found_in_every_phase(shown: str, probes_sent: int) -> None:
    wire = Wire(START)
    made = checking(wire)
    wire.run(stop=lambda: len(wire.sent) == probes_sent)
    made.receive(SHOWN[shown], wire.now)
    assert wire.happened == [Conflict(ADDRESS, THEIRS)]
    assert made.due == math.inf
    wire.run(wire.now + 60)
    made.receive(SHOWN[shown], wire.now)
    assert len(wire.happened) == 1
    assert len(wire.sent) == probes_sent


@pytest.mark.parametrize("shown", SHOWN)
def test_the_quick_check_finds_the_same(shown: str) -> None:
    wire = Wire(START)
    made = checking(wire, quick=True)
    wire.run(wire.now)
    made.receive(SHOWN[shown], wire.now + 0.19)
    assert wire.happened == [Conflict(ADDRESS, THEIRS)]


def tagged(frame: bytes) -> bytes:
    return frame[:12] + b"\x81\x00\x00\x05" + frame[12:]


HARMLESS = {
    "our own probe back": probe(ADDRESS, OURS),
    "our own announcement back": announcement(ADDRESS, OURS),
    "our own kernel's answer": reply(mac=OURS),
    "somebody asks for it": request(OTHER_ADDRESS, ADDRESS),
    "a probe for another address": probe(OTHER_ADDRESS, THEIRS),
    "an announcement of another address": announcement(OTHER_ADDRESS, THEIRS),
    "a reply of another address": reply(OTHER_ADDRESS),
    "a reply from nowhere about it": reply(IPv4Address(0)),
    "sender 255.255.255.255": request(IPv4Address("255.255.255.255"), ADDRESS),
    "sender and target 0.0.0.0": request(IPv4Address(0), IPv4Address(0)),
    "another VLAN": tagged(announcement(ADDRESS, THEIRS)),
    "one octet short": announcement(ADDRESS, THEIRS)[:-1],
    "no octet": b"",
    "hardware length 8": announcement(ADDRESS, THEIRS).replace(b"\x06\x04\x00\x01", b"\x08\x04\x00\x01"),
    "protocol length 16": announcement(ADDRESS, THEIRS).replace(b"\x06\x04\x00\x01", b"\x06\x10\x00\x01"),
    "a frame of IPv4": announcement(ADDRESS, THEIRS).replace(b"\x08\x06", b"\x08\x00"),
    "nobody's MAC address": request(ADDRESS, ADDRESS, "00:00:00:00:00:00"),
    "everybody's MAC address": request(ADDRESS, ADDRESS, "ff:ff:ff:ff:ff:ff"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_no_conflict_is_made_of(what: str) -> None:
    wire = Wire(START)
    made = checking(wire)
    while made.is_running:
        for _ in range(5):
            made.receive(HARMLESS[what], wire.now)
        wire.run(made.due)
    assert wire.happened == [Free(ADDRESS)]
    assert len(wire.sent) == PROBE_NUM


@given(
    st.lists(
        st.binary(max_size=64)
        | st.binary(min_size=28, max_size=28).map(lambda tail: probe(ADDRESS, THEIRS)[:14] + tail)
    )
)
def test_random_frames_never_raise_and_never_stand_for_a_conflict(frames: list[bytes]) -> None:
    wire = Wire(START)
    made = checking(wire)
    for frame in frames:
        made.receive(frame, wire.now)
    wire.run()
    assert wire.happened == [Free(ADDRESS)]


def test_two_hosts_that_want_it_at_the_same_time_never_both_get_it() -> None:
    for seed in range(50):
        wire = Wire(START)
        checking(wire, random=Random(seed))
        checking(wire, random=Random(seed + 1000), mac=THEIRS)
        wire.run()
        assert sum(isinstance(event, Free) for event in wire.happened) == 1
        assert sum(isinstance(event, Conflict) for event in wire.happened) == 1


def test_a_late_call_puts_the_rest_off_and_sends_one_probe() -> None:
    wire = Wire(START)
    made = checking(wire)
    wire.now += 3600
    made.check(wire.now)
    assert len(wire.sent) == 1
    assert made.due >= wire.now + PROBE_MIN


def test_an_early_call_does_nothing() -> None:
    wire = Wire(START)
    made = checking(wire, random=Fixed(1.0))
    made.check(wire.now + 0.99)
    assert wire.sent == []


def test_a_check_that_was_stopped_is_silent_and_can_begin_anew() -> None:
    wire = Wire(START)
    made = checking(wire)
    wire.run(stop=lambda: len(wire.sent) == 2)
    made.stop()
    made.receive(reply(), wire.now)
    made.check(wire.now + 100)
    assert (made.due, len(wire.sent), wire.events) == (math.inf, 2, [])
    made.start(wire.now)
    wire.run()
    assert len(wire.sent) == 2 + PROBE_NUM
    assert wire.happened == [Free(ADDRESS)]


def test_a_mac_address_in_capital_letters_is_still_our_own() -> None:
    wire = Wire(START)
    made = checking(wire, mac="02:00:00:00:00:AB")
    made.receive(announcement(ADDRESS, "02:00:00:00:00:ab"), wire.now)
    assert made.is_running


def test_an_interface_without_a_mac_address_is_refused() -> None:
    with pytest.raises(InvalidValue):
        checking(Wire(START), mac="")
