"""How the client comes by a lease, and what it does when it is refused."""

from __future__ import annotations

import math
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from appliance.network.dhcp.events import (
    TO_ALL,
    AddressOffered,
    Bound,
    Destination,
    DhcpConfiguration,
    Refused,
)
from appliance.network.dhcp.lease import Lease
from appliance.network.dhcp.option import MessageType, Option
from appliance.network.dhcp.state import State
from tests.network.dhcp.rig import (
    ADDRESS,
    DECLINE,
    DISCOVER,
    OTHER_ADDRESS,
    OTHER_SERVER,
    RELEASE,
    REQUEST,
    SERVER,
    START,
    WALL,
    Answer,
    Rig,
    Server,
    bound,
    near,
    reply,
)

if TYPE_CHECKING:
    from appliance.network.dhcp.message import Message


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


def test_a_server_that_refuses_now_and_then_is_not_made_to_wait() -> None:
    rig = bound()
    for address in (OTHER_ADDRESS, ADDRESS, OTHER_ADDRESS):
        rig.clear()
        rig.server = Server(SERVER, address)
        rig.run(1801)
        assert rig.names() == ["Refused", "Lost", "AddressOffered", "Bound"]
        assert len({at for at, _ in rig.events}) == 1, "all at once"


def test_a_server_with_an_unusable_lease_comes_second() -> None:
    good = Server(OTHER_SERVER, OTHER_ADDRESS)
    bad = Server()

    def two(question: Message) -> Answer:
        bad.options = {Option.LEASE_TIME: None} if question.message_type == REQUEST else {}
        answers = [bad(question), good(question)]
        return [data for data in answers if isinstance(data, bytes)]

    rig = Rig(two)
    rig.start()
    assert rig.names() == ["Refused", "AddressOffered", "Bound"]
    assert rig.client.lease is not None
    assert rig.client.lease.server == OTHER_SERVER


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
    rig.run(12)
    assert rig.sent[1][1].message_type == DISCOVER
    assert rig.sent[1][1].requested_address is None


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


def test_bound_tells_the_lease_that_was_offered() -> None:
    rig = Rig(Server())
    rig.start()
    offered, accepted = (event for _, event in rig.events)
    assert isinstance(offered, AddressOffered)
    assert accepted == Bound(offered.lease)
