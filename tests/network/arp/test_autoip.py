"""AutoIP on a clock of the test's own."""

from __future__ import annotations

import math
from ipaddress import IPv4Address
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.network.arp.autoip import FIRST, LAST, MAX_CONFLICTS, RATE_LIMIT_INTERVAL, AutoIp, Chosen, Lost
from appliance.network.arp.conflict import Conflict
from appliance.network.arp.packet import announcement
from tests.network.arp.rig import ADDRESS, OURS, THEIRS, THIRD, Wire, reply
from tests.network.arp.test_conflict import HARMLESS

START = 1000.0
REMEMBERED = IPv4Address("169.254.7.7")


def choosing(
    wire: Wire, *, mac: str = OURS, random: Random | None = None, remembered: IPv4Address | None = None
) -> AutoIp:
    made = AutoIp(mac, send=wire.sender(), on_event=wire.note, random=random, remembered=remembered)
    wire.machines.append(made)
    made.start(wire.now)
    return made


def in_use(wire: Wire, made: AutoIp) -> IPv4Address:
    wire.run(stop=lambda: made.address is not None)
    assert made.address is not None
    return made.address


def test_it_probes_chooses_and_announces() -> None:
    wire = Wire(START)
    made = choosing(wire)
    wire.run()
    assert made.address is not None
    assert FIRST <= made.address <= LAST
    assert wire.happened == [Chosen(made.address)]
    assert [(packet.is_probe, packet.is_announcement) for _, packet in wire.sent] == [(True, False)] * 3 + [
        (False, True)
    ] * 2
    assert wire.events[0][0] == wire.sent[3][0]
    assert 4.0 <= wire.events[0][0] - START <= 7.0
    assert made.due == math.inf


@given(st.binary(min_size=6, max_size=6))
def test_a_mac_address_leads_to_the_same_addresses_at_every_boot(octets: bytes) -> None:
    made, again = (AutoIp(octets.hex(":"), send=lambda _: None, on_event=lambda _: None) for _ in range(2))
    assert FIRST <= made.candidate <= LAST
    assert made.candidate == again.candidate


def test_many_devices_spread_over_the_whole_range() -> None:
    found = {
        AutoIp(
            f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}", send=lambda _: None, on_event=lambda _: None
        ).candidate
        for number in range(2000)
    }
    assert len(found) > 1950
    assert {address.packed[2] for address in found} == set(range(1, 255))


def test_the_remembered_address_is_tried_first() -> None:
    wire = Wire(START)
    made = choosing(wire, remembered=REMEMBERED)
    assert in_use(wire, made) == REMEMBERED


@pytest.mark.parametrize("address", ["169.254.0.255", "169.254.255.0", "192.0.2.1", "255.255.255.255"])
def test_an_address_that_cannot_be_remembered_is_passed_over(address: str) -> None:
    wire = Wire(START)
    assert FIRST <= in_use(wire, choosing(wire, remembered=IPv4Address(address))) <= LAST


class Stuck(Random):
    """Gives each number twice."""

    def __init__(self) -> None:
        super().__init__(0)
        self._given = 0

    def randint(self, a: int, _b: int) -> int:
        self._given += 1
        return a + self._given // 2


def test_the_address_that_was_taken_is_not_tried_again_at_once() -> None:
    wire = Wire(START)
    made = choosing(wire, random=Stuck())
    for _ in range(5):
        taken = made.candidate
        made.receive(reply(taken), wire.now)
        assert made.candidate != taken
        made.check(wire.now)


@pytest.mark.parametrize("probes_sent", [0, 1, 2, 3])
def test_a_taken_address_leads_to_another_one(probes_sent: int) -> None:
    wire = Wire(START)
    made = choosing(wire, remembered=REMEMBERED)
    wire.run(stop=lambda: len(wire.sent) == probes_sent)
    made.receive(reply(REMEMBERED), wire.now)
    chosen = in_use(wire, made)
    assert chosen != REMEMBERED
    assert wire.happened == [Conflict(REMEMBERED, THEIRS), Chosen(chosen)]


def test_it_defends_once_and_moves_on_at_the_second_conflict() -> None:
    wire = Wire(START)
    made = choosing(wire, remembered=REMEMBERED)
    in_use(wire, made)
    sent = len(wire.sent)
    made.receive(announcement(REMEMBERED, THEIRS), wire.now)
    assert len(wire.sent) == sent + 1
    assert wire.sent[-1][1].is_announcement
    assert made.address == REMEMBERED
    made.receive(announcement(REMEMBERED, THIRD), wire.now + 9)
    chosen = in_use(wire, made)
    assert chosen != REMEMBERED
    assert wire.happened == [
        Chosen(REMEMBERED),
        Conflict(REMEMBERED, THEIRS),
        Lost(REMEMBERED, THIRD),
        Chosen(chosen),
    ]


def test_it_stays_with_conflicts_that_are_far_apart() -> None:
    wire = Wire(START)
    made = choosing(wire, remembered=REMEMBERED)
    in_use(wire, made)
    for number in range(20):
        made.receive(announcement(REMEMBERED, THEIRS), wire.now + 11 * number)
    assert made.address == REMEMBERED


def contest(wire: Wire, made: AutoIp, times: int) -> list[float]:
    """Take each of the next addresses from it as soon as it probes; give the times of the first probes."""
    began = []
    for _ in range(times):
        sent = len(wire.sent)
        wire.run(stop=lambda sent=sent: len(wire.sent) > sent)  # type: ignore[misc]  # the default binds the loop's value
        began.append(wire.now)
        made.receive(reply(made.candidate), wire.now)
    return began


def test_after_ten_conflicts_it_tries_one_address_a_minute() -> None:
    wire = Wire(START)
    made = choosing(wire)
    began = contest(wire, made, MAX_CONFLICTS + 5)
    assert len({packet.target_address for _, packet in wire.sent}) == MAX_CONFLICTS + 5
    assert began[MAX_CONFLICTS - 1] - START < MAX_CONFLICTS * 1.001
    slow = [after - before for before, after in zip(began[MAX_CONFLICTS - 1 :], began[MAX_CONFLICTS:], strict=False)]
    assert all(RATE_LIMIT_INTERVAL - 1 <= pause <= RATE_LIMIT_INTERVAL + 1 for pause in slow)
    assert made.due > wire.now + RATE_LIMIT_INTERVAL - 2


def test_a_loose_cable_does_not_get_round_the_limit() -> None:
    wire = Wire(START)
    made = choosing(wire)
    began = contest(wire, made, MAX_CONFLICTS)
    made.carrier_lost()
    assert made.due == math.inf
    made.carrier_back(wire.now + 5)
    assert made.due == pytest.approx(began[-1] + RATE_LIMIT_INTERVAL, abs=1.0)


def test_once_it_has_kept_an_address_for_a_while_it_is_quick_again() -> None:
    wire = Wire(START)
    made = choosing(wire)
    contest(wire, made, MAX_CONFLICTS + 1)
    address = in_use(wire, made)
    wire.now += RATE_LIMIT_INTERVAL
    for _ in range(2):
        made.receive(announcement(address, THEIRS), wire.now)
    assert made.conflicts == 1
    assert made.due == wire.now


def test_who_lets_it_have_an_address_and_takes_it_again_makes_it_slow_too() -> None:
    wire = Wire(START)
    made = choosing(wire)
    for _ in range(MAX_CONFLICTS):
        address = in_use(wire, made)
        for _ in range(2):
            made.receive(announcement(address, THEIRS), wire.now)
    assert made.due > wire.now + 50


def test_after_a_loss_of_carrier_it_probes_the_same_address_and_keeps_it_meanwhile() -> None:
    wire = Wire(START)
    made = choosing(wire)
    address = in_use(wire, made)
    made.carrier_lost()
    assert (made.due, made.address) == (math.inf, address)
    wire.now += 3
    sent = len(wire.sent)
    made.carrier_back(wire.now)
    assert made.address == address
    wire.run()
    assert wire.happened == [Chosen(address)] * 2
    assert [packet.is_probe for _, packet in wire.sent[sent:]] == [True] * 3 + [False] * 2
    assert {packet.target_address for _, packet in wire.sent[sent:]} == {address}


def test_an_address_that_is_taken_in_the_other_network_is_lost() -> None:
    wire = Wire(START)
    made = choosing(wire, remembered=REMEMBERED)
    in_use(wire, made)
    made.carrier_lost()
    made.carrier_back(wire.now)
    wire.run(wire.now + 1.5)
    made.receive(reply(REMEMBERED), wire.now)
    assert wire.happened == [Chosen(REMEMBERED), Lost(REMEMBERED, THEIRS)]
    assert in_use(wire, made) != REMEMBERED


def test_nothing_is_sent_while_there_is_no_carrier() -> None:
    wire = Wire(START)
    made = choosing(wire)
    wire.run(stop=lambda: len(wire.sent) == 2)
    made.carrier_lost()
    wire.run(wire.now + 100)
    made.check(wire.now)
    assert len(wire.sent) == 2
    made.carrier_back(wire.now)
    wire.run()
    assert len(wire.sent) == 2 + 3 + 2


@pytest.mark.parametrize("seconds", [0.0, 3.0, 60.0])
def test_stopped_it_is_silent(seconds: float) -> None:
    wire = Wire(START)
    made = choosing(wire)
    wire.run(START + seconds)
    sent, events = len(wire.sent), len(wire.events)
    made.stop()
    made.carrier_back(wire.now)
    made.receive(reply(made.candidate), wire.now)
    made.check(wire.now + 1000)
    assert (made.due, made.address, len(wire.sent), len(wire.events)) == (math.inf, None, sent, events)


def test_it_may_be_stopped_out_of_its_own_event() -> None:
    wire = Wire(START)

    def stop(event: object) -> None:
        wire.note(event)
        made.stop()

    made = AutoIp(OURS, send=wire.sender(), on_event=stop)
    wire.machines.append(made)
    made.start(wire.now)
    wire.run()
    assert len(wire.happened) == 1
    assert (made.due, made.address) == (math.inf, None)
    assert all(packet.is_probe for _, packet in wire.sent)


@pytest.mark.parametrize("seconds", [0.0, 2.0, 60.0])
def test_hostile_frames_change_nothing(seconds: float) -> None:
    wire = Wire(START)
    made = choosing(wire)
    wire.run(START + seconds)
    for frame in (*HARMLESS.values(), announcement(ADDRESS, THEIRS)):
        for _ in range(3):
            made.receive(frame, wire.now)
    wire.run()
    assert wire.happened == [Chosen(made.candidate)]


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.binary(max_size=64))))
def test_random_frames_never_raise(frames: list[tuple[float, bytes]]) -> None:
    wire = Wire(START)
    made = choosing(wire)
    for pause, frame in frames:
        wire.run(wire.now + pause)
        made.receive(frame, wire.now)
    wire.run()
    assert wire.happened == [Chosen(made.candidate)]


def test_devices_with_the_same_seed_end_with_different_addresses() -> None:
    for seed in range(20):
        wire = Wire(START)
        made = [choosing(wire, mac=mac, random=Random(seed)) for mac in (OURS, THEIRS, THIRD)]
        assert len({one.candidate for one in made}) == 1
        wire.run()
        addresses = {one.address for one in made}
        assert len(addresses) == 3
        assert None not in addresses
