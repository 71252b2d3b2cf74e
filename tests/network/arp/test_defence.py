"""Announcing an address and holding on to it, on a clock of the test's own."""

from __future__ import annotations

import math
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.network.arp.conflict import Conflict
from appliance.network.arp.defence import (
    ANNOUNCE_INTERVAL,
    ANNOUNCE_NUM,
    DEFEND_INTERVAL,
    Announcement,
    Defence,
    GiveUp,
)
from appliance.network.arp.packet import announcement, probe
from tests.network.arp.rig import ADDRESS, OTHER_ADDRESS, OURS, THEIRS, THIRD, Wire, reply, request
from tests.network.arp.test_conflict import HARMLESS

START = 1000.0


def defending(wire: Wire, *, keep: bool = False) -> Defence:
    made = Defence(ADDRESS, OURS, send=wire.sender(), on_event=wire.note, keep=keep)
    wire.machines.append(made)
    made.start(wire.now)
    return made


def test_an_address_is_announced_twice() -> None:
    wire = Wire(START)
    made = Announcement(ADDRESS, OURS, send=wire.sender())
    wire.machines.append(made)
    made.start(wire.now)
    wire.run()
    assert [time for time, _ in wire.sent] == [START + number * ANNOUNCE_INTERVAL for number in range(ANNOUNCE_NUM)]
    assert all(packet.is_announcement and packet.sender_mac == OURS for _, packet in wire.sent)


def test_an_announcement_that_was_stopped_is_silent() -> None:
    wire = Wire(START)
    made = Announcement(ADDRESS, OURS, send=wire.sender())
    made.start(wire.now)
    made.receive(reply(), wire.now)
    made.stop()
    made.check(wire.now + 10)
    assert (made.due, len(wire.sent)) == (math.inf, 1)


@pytest.mark.parametrize("keep", [False, True])
def test_the_first_conflict_is_answered_and_reported(keep: bool) -> None:
    wire = Wire(START)
    made = defending(wire, keep=keep)
    made.receive(announcement(ADDRESS, THEIRS), wire.now)
    assert wire.happened == [Conflict(ADDRESS, THEIRS)]
    assert [packet.is_announcement for _, packet in wire.sent] == [True]


def test_an_address_that_was_given_to_us_is_given_up_at_the_second_conflict() -> None:
    wire = Wire(START)
    made = defending(wire)
    made.receive(announcement(ADDRESS, THEIRS), START)
    made.receive(reply(mac=THIRD), START + DEFEND_INTERVAL - 0.01)
    assert wire.happened == [Conflict(ADDRESS, THEIRS), GiveUp(ADDRESS, THIRD)]
    assert len(wire.sent) == 1
    made.receive(reply(), START + 100)
    assert len(wire.happened) == 2


def test_a_conflict_after_a_quiet_time_is_answered_again() -> None:
    wire = Wire(START)
    made = defending(wire)
    for number in range(5):
        made.receive(reply(), START + number * DEFEND_INTERVAL)
    assert wire.happened == [Conflict(ADDRESS, THEIRS)] * 5
    assert len(wire.sent) == 5


def test_a_static_address_is_kept_and_defended_once_an_interval_however_many_frames_come() -> None:
    wire = Wire(START)
    made = defending(wire, keep=True)
    for hundredth in range(6000):
        made.receive(announcement(ADDRESS, THEIRS), START + hundredth / 100)
    assert wire.happened == [Conflict(ADDRESS, THEIRS)] * 6
    assert len(wire.sent) == 6
    assert made.conflicts == 6000


@pytest.mark.parametrize("what", [*HARMLESS, "a probe for it"])
def test_nothing_is_defended_against(what: str) -> None:
    wire = Wire(START)
    made = defending(wire)
    for _ in range(3):
        made.receive(HARMLESS.get(what, probe(ADDRESS, THEIRS)), wire.now)
    assert (wire.happened, wire.sent, made.conflicts) == ([], [], 0)


@given(st.lists(st.binary(max_size=64)))
def test_random_frames_never_raise(frames: list[bytes]) -> None:
    wire = Wire(START)
    made = defending(wire)
    for frame in frames:
        made.receive(frame, wire.now)
    assert wire.happened == []


def test_a_defence_that_was_stopped_is_silent_and_forgets() -> None:
    wire = Wire(START)
    made = defending(wire)
    made.receive(reply(), wire.now)
    made.stop()
    made.check(wire.now)
    made.receive(reply(), wire.now)
    assert len(wire.happened) == 1
    made.start(wire.now)
    made.receive(request(ADDRESS, OTHER_ADDRESS), wire.now)
    assert wire.happened == [Conflict(ADDRESS, THEIRS)] * 2
    assert made.due == math.inf


def test_the_question_of_a_holder_for_another_host_gives_it_away() -> None:
    wire = Wire(START)
    made = defending(wire)
    made.receive(request(ADDRESS, IPv4Address("192.0.2.254")), wire.now)
    assert wire.happened == [Conflict(ADDRESS, THEIRS)]
