"""The client's timelines: when it asks what, of whom, and what it makes of the answers."""

from __future__ import annotations

import itertools
import math
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from appliance.network.dhcp.events import (
    TO_ALL,
    AddressOffered,
    Bound,
    Destination,
    DhcpConfiguration,
    Lost,
    Refused,
    Renewed,
    Unanswered,
)
from appliance.network.dhcp.lease import Lease
from appliance.network.dhcp.message import BROADCAST, Message
from appliance.network.dhcp.option import MessageType, Option
from appliance.network.dhcp.state import State
from tests.network.dhcp.rig import (
    ADDRESS,
    OTHER_ADDRESS,
    OTHER_SERVER,
    SERVER,
    START,
    WALL,
    Answer,
    Rig,
    Server,
    bound,
    ip,
    reply,
    seconds,
    silent,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DISCOVER, REQUEST, DECLINE, RELEASE = 1, 3, 4, 7
REMEMBERED = Lease(ADDRESS, 24, server=SERVER, obtained=WALL - 100, duration=3600, t1=1800, t2=3150)


def near(times: list[float], expected: Sequence[float], within: float = 1.0) -> bool:
    """Whether the waits (not the sums of them) are as expected."""
    waits = [after - before for before, after in itertools.pairwise(times)]
    return len(waits) == len(expected) and all(
        abs(wait - other) <= within for wait, other in zip(waits, expected, strict=True)
    )


def test_from_the_first_question_to_the_lease() -> None:
    rig = Rig(Server())
    rig.start()
    assert rig.kinds() == [DISCOVER, REQUEST]
    assert rig.names() == ["AddressOffered", "Bound"]
    assert [destination for _, _, destination in rig.sent] == [TO_ALL, TO_ALL]
    request = rig.question
    assert request.requested_address == ADDRESS
    assert request.server == SERVER
    assert request.ciaddr == IPv4Address(0)
    assert request.xid == rig.sent[0][1].xid
    lease = rig.client.lease
    assert lease is not None
    assert lease == Lease(ADDRESS, 24, SERVER, (SERVER,), (SERVER,), obtained=WALL, duration=3600, t1=1800, t2=3150)
    assert rig.client.state is State.BOUND
    assert START + 1800 * 0.95 <= rig.client.due <= START + 1800


def test_what_the_user_configured_is_told() -> None:
    configuration = DhcpConfiguration(client_id=b"\0gate", hostname="gate-1", requested=(1, 3), message_size=600)
    rig = Rig(configuration=configuration)
    rig.start()
    options = rig.question.options
    assert rig.question.client_id == b"\0gate"
    assert options[Option.HOST_NAME] == b"gate-1"
    assert options[Option.PARAMETER_REQUEST_LIST] == bytes((1, 3))
    assert options[Option.MAXIMUM_MESSAGE_SIZE] == (600).to_bytes(2)


def test_without_a_server_it_goes_on_asking_ever_more_rarely() -> None:
    rig = Rig()
    rig.start()
    rig.run(400)
    assert near(rig.times(DISCOVER), [4, 8, 16, 32, 64, 64, 64, 64, 64][: len(rig.times(DISCOVER)) - 1])
    assert len(rig.times(DISCOVER)) >= 9
    secs = [message.secs for _, message, _ in rig.sent]
    assert secs[0] == 0
    assert secs == sorted(secs)
    rig.server = Server()
    rig.run(70)
    assert rig.client.lease is not None


def test_an_offer_not_kept_is_asked_for_three_times_and_then_given_up() -> None:
    def only_offers(question: Message) -> Answer:
        return reply(question, MessageType.OFFER).encode() if question.message_type == DISCOVER else None

    rig = Rig(only_offers)
    rig.start()
    rig.run(29)
    first = [kind for kind in rig.kinds() if kind]
    assert first[:4] == [DISCOVER, REQUEST, REQUEST, REQUEST]
    assert near(rig.times(REQUEST)[:3], [4, 8])
    rig.run(3)
    assert rig.kinds()[4] == DISCOVER


def test_a_server_that_did_not_keep_its_word_comes_second() -> None:
    good = Server(OTHER_SERVER, OTHER_ADDRESS)

    def two(question: Message) -> Answer:
        offer = reply(question, MessageType.OFFER).encode()
        later = good(question)
        assert not isinstance(later, list)
        return [*([offer] if question.message_type == DISCOVER else []), *([later] if later else [])]

    rig = Rig(two)
    rig.start()
    rig.run(32)
    assert rig.client.lease is not None
    assert rig.client.lease.server == OTHER_SERVER


def test_a_server_that_did_not_keep_its_word_is_taken_when_there_is_no_other() -> None:
    server = Server()
    rig = Rig(lambda question: server(question) if question.message_type == DISCOVER else None)
    rig.start()
    rig.run(26)
    rig.server = server
    rig.run(12)
    assert rig.client.lease is not None


def test_the_first_usable_of_several_offers_is_taken() -> None:
    def three(question: Message) -> Answer:
        if question.message_type == DISCOVER:
            return [
                reply(question, MessageType.OFFER, server=OTHER_SERVER, address=IPv4Address("127.0.0.1")).encode(),
                reply(question, MessageType.OFFER).encode(),
                reply(question, MessageType.OFFER, server=OTHER_SERVER, address=OTHER_ADDRESS).encode(),
            ]
        return Server()(question)

    rig = Rig(three)
    rig.start()
    assert rig.client.lease is not None
    assert rig.client.lease.address == ADDRESS
    assert rig.names() == ["Refused", "AddressOffered", "Bound"]
    assert rig.client.ignored == {"an unusable offer": 1, "not asked for": 1}


# Renewing


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
    assert event.lease.obtained == pytest.approx(WALL + at)
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


# The user's Renew


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


# Refusals


def test_a_server_that_always_refuses_is_asked_ever_more_rarely() -> None:
    def refuses(question: Message) -> Answer:
        kind = MessageType.OFFER if question.message_type == DISCOVER else MessageType.NAK
        return reply(question, kind, options={Option.MESSAGE: b"go\x1b away"} if kind == 6 else None).encode()

    rig = Rig(refuses)
    rig.start()
    rig.run(3600)
    assert 50 <= len(rig.times(DISCOVER)) <= 130
    assert near(rig.times(REQUEST)[:2], [4], within=1.1)
    (reason,) = {event.reason for _, event in rig.events if isinstance(event, Refused)}
    assert reason == 'the server refuses: "go\\x1b away"'
    rig.server = Server()
    rig.run(70)
    assert rig.client.lease is not None


def test_a_conflict_is_declined_and_nothing_asked_for_ten_seconds() -> None:
    rig = Rig(Server(), accepts=False)
    rig.start()
    assert rig.client.state is State.CHECKING
    assert rig.client.due == math.inf
    rig.client.decline(rig.now, "another host has it")
    decline = rig.question
    assert rig.kinds()[-1] == DECLINE
    assert rig.sent[-1][2] == TO_ALL
    assert (decline.requested_address, decline.server, decline.ciaddr) == (ADDRESS, SERVER, IPv4Address(0))
    assert decline.options[Option.MESSAGE] == b"another host has it"
    rig.clear()
    rig.run(9.9)
    assert not rig.sent
    rig.server = Server(SERVER, OTHER_ADDRESS)
    rig.accepts = True
    rig.run(2)
    assert rig.sent[0][1].requested_address is None
    assert rig.client.lease is not None
    assert rig.client.lease.address == OTHER_ADDRESS


def test_a_server_that_always_lends_a_taken_address_is_asked_ever_more_rarely() -> None:
    rig = Rig(Server(), accepts=False)
    rig.start()
    for _ in range(20):
        rig.client.decline(rig.now, "taken")
        rig.run(70)
    assert len(rig.times(DISCOVER)) <= 21
    assert not [event for _, event in rig.events if not isinstance(event, AddressOffered)]


def test_a_conflict_that_appears_later_loses_the_lease() -> None:
    rig = bound()
    rig.client.decline(rig.now, "another host came")
    assert rig.kinds() == [DECLINE]
    assert rig.names() == ["Lost"]
    assert rig.client.lease is None


def test_a_released_lease_is_given_back_and_the_client_is_silent() -> None:
    rig = bound()
    rig.client.release(rig.now)
    ((_, message, destination),) = rig.sent
    assert message.message_type == RELEASE
    assert (message.ciaddr, message.server, message.requested_address) == (ADDRESS, SERVER, None)
    assert destination == Destination(ADDRESS, SERVER)
    assert rig.client.due == math.inf
    assert rig.client.state is State.STOPPED
    rig.start()
    assert rig.kinds() == [RELEASE, DISCOVER, REQUEST]


def test_a_stopped_client_is_silent_and_asks_for_the_same_lease_afterwards() -> None:
    rig = bound()
    rig.client.stop()
    assert not rig.sent
    assert rig.client.due == math.inf
    rig.start()
    assert rig.kinds() == [REQUEST]
    assert rig.client.lease is not None


# A lease from before


def test_a_remembered_lease_is_asked_for_first() -> None:
    rig = Rig(Server(), remembered=REMEMBERED)
    rig.start()
    assert rig.kinds() == [REQUEST]
    message = rig.question
    assert (message.requested_address, message.server, message.ciaddr) == (ADDRESS, None, IPv4Address(0))
    assert rig.names() == ["AddressOffered", "Bound"]


def test_a_remembered_lease_nobody_confirms_gives_way_to_any() -> None:
    rig = Rig(remembered=REMEMBERED)
    rig.start()
    rig.run(11)
    assert rig.kinds()[:3] == [REQUEST, REQUEST, DISCOVER]
    assert rig.sent[2][0] <= 10
    assert rig.sent[2][1].requested_address == ADDRESS


def test_a_remembered_lease_that_is_refused_is_forgotten() -> None:
    rig = Rig(Server(SERVER, OTHER_ADDRESS), remembered=REMEMBERED)
    rig.start()
    assert rig.kinds() == [REQUEST, DISCOVER, REQUEST]
    assert rig.sent[1][1].requested_address is None
    assert rig.names() == ["Refused", "AddressOffered", "Bound"]


def test_a_remembered_lease_that_has_expired_is_only_a_wish() -> None:
    old = Lease(ADDRESS, 24, server=SERVER, obtained=WALL - 5000, duration=3600, t1=1800, t2=3150)
    rig = Rig(Server(), remembered=old)
    rig.start()
    assert rig.kinds() == [DISCOVER, REQUEST]
    assert rig.sent[0][1].requested_address == ADDRESS


# The cable


def test_without_a_carrier_nothing_is_sent_and_the_address_stays_until_it_expires() -> None:
    rig = bound()
    rig.client.carrier_lost(rig.now)
    rig.run(3599)
    assert not rig.sent
    assert rig.client.lease is not None
    rig.run(2)
    assert rig.names() == ["Lost"]
    assert not rig.sent
    rig.client.carrier_back(rig.now)
    rig.run(0)
    assert rig.kinds() == [DISCOVER, REQUEST]


def test_a_carrier_that_comes_back_has_the_lease_checked_while_it_is_used() -> None:
    rig = bound()
    rig.client.carrier_lost(rig.now)
    rig.run(3)
    rig.client.carrier_back(rig.now)
    rig.run(0)
    assert rig.kinds() == [REQUEST]
    assert rig.question.requested_address == ADDRESS
    assert rig.names() == ["Renewed"]


def test_a_carrier_from_another_network_loses_the_lease_by_a_nak() -> None:
    rig = bound()
    rig.client.carrier_lost(rig.now)
    rig.server = Server(OTHER_SERVER, IPv4Address("198.51.100.5"))
    rig.client.carrier_back(rig.now)
    rig.run(0)
    assert rig.names() == ["Refused", "Lost", "AddressOffered", "Bound"]


def test_a_carrier_from_another_network_whose_server_only_offers_moves_the_device() -> None:
    server = Server(OTHER_SERVER, IPv4Address("198.51.100.5"))

    def not_authoritative(question: Message) -> Answer:
        is_new = question.message_type == DISCOVER or question.server is not None
        return server(question) if is_new else None

    rig = bound()
    rig.client.carrier_lost(rig.now)
    rig.server = not_authoritative
    rig.client.carrier_back(rig.now)
    rig.run(11)
    assert rig.names() == ["Lost", "AddressOffered", "Bound"]
    assert rig.client.lease is not None
    assert rig.client.lease.address == IPv4Address("198.51.100.5")


def test_a_server_that_is_silent_after_the_carrier_came_back_leaves_the_lease() -> None:
    rig = bound()
    rig.client.carrier_lost(rig.now)
    rig.server = silent
    rig.client.carrier_back(rig.now)
    rig.run(600)
    assert not rig.events
    assert rig.client.lease is not None
    rig.server = Server()
    rig.run(70)
    assert rig.names() == ["Renewed"]


def test_a_second_server_of_the_same_network_does_not_take_the_address_away() -> None:
    rig = bound()
    rig.client.carrier_lost(rig.now)
    other = Server(OTHER_SERVER, OTHER_ADDRESS)
    rig.server = lambda question: other(question) if question.message_type == DISCOVER else None
    rig.client.carrier_back(rig.now)
    rig.run(600)
    assert not rig.events
    assert rig.client.lease is not None
    assert rig.client.lease.address == ADDRESS


def test_a_carrier_lost_during_the_check_has_the_same_address_checked_again() -> None:
    rig = Rig(Server(), accepts=False)
    rig.start()
    rig.client.carrier_lost(rig.now)
    rig.client.accept(rig.now)
    assert rig.client.lease is None
    rig.clear()
    rig.client.carrier_back(rig.now)
    rig.run(0)
    assert rig.kinds() == [REQUEST]
    assert rig.names() == ["AddressOffered"]


def test_a_client_that_starts_without_a_carrier_waits_for_it() -> None:
    rig = Rig(Server())
    rig.client.carrier_lost(rig.now)
    rig.start()
    rig.client.renew(rig.now)
    assert not rig.sent
    assert rig.client.due == math.inf
    rig.client.carrier_back(rig.now)
    rig.run(0)
    assert rig.names()[-1] == "Bound"


def test_bound_tells_the_lease_that_was_offered() -> None:
    rig = Rig(Server())
    rig.start()
    offered, accepted = (event for _, event in rig.events)
    assert isinstance(offered, AddressOffered)
    assert accepted == Bound(offered.lease)
