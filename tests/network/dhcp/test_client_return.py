"""A lease from before: after a restart, and after the cable was out."""

from __future__ import annotations

import math
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from appliance.network.dhcp.lease import Lease
from appliance.network.dhcp.option import MessageType
from tests.network.dhcp.rig import (
    ADDRESS,
    DISCOVER,
    OTHER_ADDRESS,
    OTHER_SERVER,
    REMEMBERED,
    REQUEST,
    SERVER,
    WALL,
    Answer,
    Rig,
    Server,
    bound,
    reply,
    silent,
)

if TYPE_CHECKING:
    from appliance.network.dhcp.message import Message


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
    rig.server = lambda question: (
        other(question) if question.message_type == DISCOVER or question.server == OTHER_SERVER else None
    )
    rig.client.carrier_back(rig.now)
    rig.run(600)
    assert not rig.events
    assert rig.client.lease is not None
    assert rig.client.lease.address == ADDRESS


def test_another_network_begins_with_a_clean_slate() -> None:
    def refuses(question: Message) -> Answer:
        return reply(question, MessageType.OFFER if question.message_type == DISCOVER else MessageType.NAK).encode()

    rig = Rig(refuses)
    rig.start()
    rig.run(600)
    rig.client.carrier_lost(rig.now)
    rig.clear()
    rig.client.carrier_back(rig.now)
    rig.run(0)
    assert rig.kinds()[:3] == [DISCOVER, REQUEST, DISCOVER]


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
