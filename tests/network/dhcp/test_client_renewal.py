"""How a lease is renewed, by time and by the user."""

from __future__ import annotations

import itertools
import math
from ipaddress import IPv4Address

import pytest

from appliance.network.dhcp.events import (
    Destination,
    Lost,
    Renewed,
    Unanswered,
)
from appliance.network.dhcp.message import BROADCAST
from appliance.network.dhcp.option import MessageType, Option
from appliance.network.dhcp.state import State
from tests.network.dhcp.rig import (
    ADDRESS,
    DISCOVER,
    OTHER_ADDRESS,
    OTHER_SERVER,
    REQUEST,
    SERVER,
    START,
    WALL,
    Rig,
    Server,
    bound,
    ip,
    near,
    reply,
    seconds,
    silent,
)


def test_renewal_asks_the_server_alone_and_may_change_the_rest() -> None:
    server = Server()
    rig = bound(server)
    server.options = {Option.ROUTER: ip("192.0.2.7"), Option.DOMAIN_NAME_SERVER: ip("192.0.2.8")}
    rig.run(1801)
    (event,) = [event for _, event in rig.events]
    assert isinstance(event, Renewed)
    assert event.lease.routers == (IPv4Address("192.0.2.7"),)
    assert event.lease.dns == (IPv4Address("192.0.2.8"),)
    at, message, destination = rig.sent[0]
    assert destination == Destination(ADDRESS, SERVER)
    assert message.ciaddr == ADDRESS
    assert message.requested_address is None
    assert message.server is None
    assert event.lease.obtained == pytest.approx(WALL + at, rel=0, abs=0.01)
    assert rig.client.due >= START + at + 1800 * 0.95


def test_unanswered_renewals_are_repeated_at_half_of_what_is_left_and_then_sent_to_all() -> None:
    rig = bound()
    rig.server = silent
    rig.run(3599)
    times = rig.times(REQUEST)
    unicast = [at for at, _, destination in rig.sent if destination.target == SERVER]
    to_all = [at for at, _, destination in rig.sent if destination == Destination(ADDRESS, BROADCAST)]
    assert unicast + to_all == times
    t2 = to_all[0]
    assert 3150 * 0.95 <= t2 <= 3150
    left = [t2 - at for at in unicast]
    for before, after in itertools.pairwise(left):
        assert after == pytest.approx(max(0, before - max(before / 2, 60)), abs=0.01)
    assert all(after - before >= 59.99 for before, after in itertools.pairwise(to_all))
    assert rig.client.state is State.REBINDING
    assert not rig.events
    assert len({message.xid for _, message, _ in rig.sent}) == len(rig.sent)
    rig.run(2)
    assert rig.events[0][0] == 3600
    (lost,) = [event for _, event in rig.events]
    assert isinstance(lost, Lost)
    assert "expired" in lost.reason
    assert rig.client.lease is None
    assert rig.kinds()[-1] == DISCOVER
    assert rig.question.requested_address == ADDRESS


def test_any_server_may_rebind_but_only_its_own_may_renew() -> None:
    rig = bound()
    rig.server = Server(OTHER_SERVER)
    rig.run(2000)
    assert rig.client.state is State.RENEWING
    assert rig.client.ignored["of another server"] >= 1
    rig.run(1150)
    assert rig.names() == ["Renewed"]
    assert rig.client.lease is not None
    assert rig.client.lease.server == OTHER_SERVER


def test_a_nak_on_renewal_loses_the_lease_and_starts_anew_at_once() -> None:
    rig = bound()
    rig.server = Server(SERVER, OTHER_ADDRESS)
    rig.run(1801)
    assert rig.names() == ["Refused", "Lost", "AddressOffered", "Bound"]
    assert rig.kinds() == [REQUEST, DISCOVER, REQUEST]
    assert rig.sent[1][1].requested_address is None
    assert rig.client.lease is not None
    assert rig.client.lease.address == OTHER_ADDRESS


def test_another_address_in_the_answer_to_a_renewal_is_a_loss_and_an_offer() -> None:
    rig = bound(accepts=True)
    rig.server = lambda question: reply(question, MessageType.ACK, address=OTHER_ADDRESS).encode()
    rig.run(1801)
    assert rig.names() == ["Lost", "AddressOffered", "Bound"]
    assert rig.client.lease is not None
    assert rig.client.lease.address == OTHER_ADDRESS


def test_an_unusable_answer_to_a_renewal_leaves_the_lease_as_it_is() -> None:
    server = Server()
    rig = bound(server)
    server.options = {Option.LEASE_TIME: seconds(0)}
    rig.run(1801)
    assert rig.names() == ["Refused"]
    assert rig.client.lease is not None
    server.options = {}
    rig.run(700)
    assert rig.names() == ["Refused", "Renewed"]


def test_a_lease_without_end_is_never_renewed_but_when_the_user_wants() -> None:
    server = Server()
    server.options = {Option.LEASE_TIME: seconds(0xFFFFFFFF)}
    rig = bound(server)
    assert rig.client.due == math.inf
    rig.run(1e9)
    assert not rig.sent
    rig.client.renew(rig.now)
    rig.run(1)
    assert rig.names() == ["Renewed"]


def test_a_machine_that_slept_past_t2_asks_all_and_past_the_end_has_lost() -> None:
    rig = bound()
    rig.now += 3300
    rig.client.check(rig.now)
    assert rig.client.state is State.REBINDING
    assert rig.sent[-1][2].target == BROADCAST
    slept = bound()
    slept.now += 4000
    slept.client.check(slept.now)
    assert slept.names() == ["Lost"]


def test_a_late_answer_counts_from_the_request_that_it_answers() -> None:
    server = Server()
    rig = Rig(lambda question: server(question) if question.message_type == DISCOVER else None)
    rig.start()
    rig.run(6)
    assert rig.kinds() == [DISCOVER, REQUEST, REQUEST]
    rig.hear(reply(rig.question, MessageType.ACK))
    assert rig.client.lease is not None
    assert rig.client.lease.obtained == WALL, "it cannot be told which of the two it answers"
    rig.server = silent
    rig.run(2700)
    assert len(rig.times(REQUEST)) > 3
    assert rig.client.state is State.RENEWING
    rig.hear(reply(rig.question, MessageType.ACK))
    assert rig.client.lease.obtained == pytest.approx(WALL + rig.sent[-1][0], rel=0, abs=0.01)


def test_devices_that_were_switched_on_together_do_not_renew_together() -> None:
    assert len({bound(seed=seed).client.due for seed in range(20)}) == 20


def test_the_users_renewal_comes_at_once() -> None:
    rig = bound()
    rig.run(100)
    rig.client.renew(rig.now)
    rig.run(0)
    assert rig.names() == ["Renewed"]
    assert rig.sent[0][0] == 100
    assert rig.sent[0][2].target == SERVER


def test_the_users_renewal_without_an_answer_says_so_and_changes_nothing() -> None:
    rig = bound()
    rig.server = silent
    rig.run(100)
    due = rig.client.due
    rig.client.renew(rig.now)
    rig.run(60)
    assert [event for _, event in rig.events] == [Unanswered(SERVER)]
    assert near(rig.times(REQUEST), [4, 8])
    assert rig.client.state is State.BOUND
    assert rig.client.due == due


def test_the_users_renewal_without_a_lease_looks_for_a_server_at_once() -> None:
    rig = Rig()
    rig.start()
    rig.run(200)
    rig.server = Server()
    rig.client.renew(rig.now)
    rig.run(0)
    assert rig.names() == ["AddressOffered", "Bound"]


def test_a_user_who_hammers_is_followed_once_a_second() -> None:
    rig = bound()
    rig.server = silent
    rig.run(10)
    for _ in range(100):
        rig.client.renew(rig.now)
        rig.run(0.02)
    assert 2 <= len(rig.sent) <= 3
