"""The BOOTP client's timelines."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.network.dhcp.bootp import BootpAnswered, BootpClient, BootpEvent
from appliance.network.dhcp.events import TO_ALL, Refused
from appliance.network.dhcp.message import MAGIC_COOKIE, Message
from appliance.network.dhcp.option import Option
from tests.network.dhcp.rig import ADDRESS, MAC, SERVER, WALL, ip, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.network.dhcp.events import Destination


def answer(question: Message, *, options: dict[int, bytes] | None = None, address: IPv4Address = ADDRESS) -> Message:
    return Message(
        op=2, xid=question.xid, chaddr=MAC, yiaddr=address, siaddr=SERVER, options=options or {}, file=b"/boot"
    )


class Rig:
    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, bytes]] = []
        self.events: list[BootpEvent] = []
        self.client = BootpClient(
            mac=MAC,
            send=self._send,
            on_event=self.events.append,
            random=random.Random(1),
            wall_clock=lambda: WALL + self.now,
        )

    def _send(self, data: bytes, destination: Destination) -> None:
        assert destination == TO_ALL
        self.sent.append((self.now, data))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.client.due <= end:
            self.now = self.client.due
            self.client.check(self.now)
        self.now = end

    def hear(self, data: bytes | Message) -> None:
        self.client.receive(data.encode() if isinstance(data, Message) else data, self.now)

    @property
    def question(self) -> Message:
        return Message.decode(self.sent[-1][1])


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.client.start(0.0)
    return made


def test_the_question_is_one_that_a_server_of_old_understands(rig: Rig) -> None:
    data = rig.sent[0][1]
    assert len(data) == 300
    assert data[236:] == MAGIC_COOKIE + b"\xff" + bytes(59)
    question = rig.question
    assert (question.op, question.htype, question.chaddr, question.secs) == (1, 1, MAC, 0)


def test_it_asks_ever_more_rarely_and_for_ever(rig: Rig) -> None:
    rig.run(400)
    waits = [after - before for before, after in itertools.pairwise(at for at, _ in rig.sent)]
    assert all(abs(wait - due) <= 1 for wait, due in zip(waits, [4, 8, 16, 32, 64, 64, 64], strict=False))
    assert len(waits) >= 7
    assert rig.question.secs > 300


def test_an_answer_gives_an_address_for_ever_and_ends_the_questions(rig: Rig) -> None:
    rig.run(1)
    options: dict[int, bytes] = {
        Option.SUBNET_MASK: ip("255.255.255.128"),
        Option.ROUTER: ip("192.0.2.1"),
        Option.HOST_NAME: b"gate-1\0",
        Option.LEASE_TIME: seconds(5),
    }
    rig.hear(answer(rig.question, options=options))
    (event,) = rig.events
    assert isinstance(event, BootpAnswered)
    lease = event.lease
    assert (lease.address, lease.prefix_length, lease.server, lease.hostname) == (ADDRESS, 25, SERVER, "gate-1")
    assert (lease.duration, lease.t1, lease.t2, lease.obtained) == (None, None, None, WALL)
    assert rig.client.due == math.inf
    rig.hear(answer(rig.question))
    assert len(rig.events) == 1


@pytest.mark.parametrize("size", [0, 2, 4, 64, 312, 1200])
def test_the_vendor_area_may_have_any_size(rig: Rig, size: int) -> None:
    whole = answer(rig.question, options={Option.SUBNET_MASK: ip("255.255.255.0")}).encode(2000)
    rig.hear(whole[: 236 + size] if size != 4 else whole[:240])
    (event,) = rig.events
    assert isinstance(event, BootpAnswered)
    assert event.lease.prefix_length == 24


def test_a_vendor_area_in_a_form_of_its_own_is_not_read(rig: Rig) -> None:
    rig.hear(answer(rig.question).encode().replace(MAGIC_COOKIE, b"CMU\0"))
    assert isinstance(rig.events[0], BootpAnswered)


STRAY: dict[str, Callable[[Message], bytes]] = {
    "a DHCP offer": lambda question: answer(question, options={Option.MESSAGE_TYPE: b"\2"}).encode(),
    "another number": lambda question: replace(answer(question), xid=question.xid ^ 1).encode(),
    "another host": lambda question: replace(answer(question), chaddr=bytes(6)).encode(),
    "a question": lambda question: question.encode(),
    "nothing": lambda _: b"",
    "an option cut off": lambda question: answer(question).encode(0)[:-1] + b"\x0c\x20a",
    "no address": lambda question: answer(question, address=IPv4Address(0)).encode(),
    "a loopback address": lambda question: answer(question, address=IPv4Address("127.0.0.1")).encode(),
}


@pytest.mark.parametrize("name", STRAY)
def test_what_is_no_answer_changes_nothing(rig: Rig, name: str) -> None:
    for _ in range(3):
        rig.hear(STRAY[name](rig.question))
    rig.run(5)
    assert sum(rig.client.ignored.values()) == 3
    assert len([event for event in rig.events if isinstance(event, Refused)]) == ("address" in name)
    rig.hear(answer(rig.question))
    assert isinstance(rig.events[-1], BootpAnswered)


def test_a_refusal_names_the_server_when_it_told_who_it_is(rig: Rig) -> None:
    for server in (SERVER, IPv4Address(0)):
        rig.hear(replace(answer(rig.question, address=IPv4Address(0)), siaddr=server))
        rig.run(9)
    assert [event.server for event in rig.events if isinstance(event, Refused)] == [SERVER, None]


def test_after_a_conflict_it_asks_again_but_not_soon(rig: Rig) -> None:
    rig.hear(answer(rig.question))
    rig.client.decline(rig.now)
    rig.run(9.9)
    assert len(rig.sent) == 1
    rig.run(0.2)
    assert len(rig.sent) == 2


def test_a_carrier_that_comes_back_has_it_asked_again(rig: Rig) -> None:
    rig.hear(answer(rig.question))
    rig.client.carrier_lost(rig.now)
    rig.run(100)
    assert len(rig.sent) == 1
    rig.client.carrier_back(rig.now)
    assert len(rig.sent) == 2
    assert rig.client.lease is not None
    rig.hear(answer(rig.question, address=IPv4Address("192.0.2.9")))
    assert rig.client.lease.address == IPv4Address("192.0.2.9")


def test_stopped_it_is_silent(rig: Rig) -> None:
    question = rig.question
    rig.client.stop()
    rig.hear(answer(question))
    rig.client.renew(rig.now + 9)
    assert rig.client.due == math.inf
    assert not rig.events
    assert len(rig.sent) == 1


def test_the_user_can_have_it_ask_at_once(rig: Rig) -> None:
    rig.run(100)
    before = len(rig.sent)
    rig.client.renew(rig.now)
    rig.client.renew(rig.now)
    assert len(rig.sent) == before + 1


@given(st.lists(st.binary(max_size=400), max_size=6))
def test_noise_leaves_it_alive(noise: list[bytes]) -> None:
    rig = Rig()
    rig.client.start(0.0)
    for data in noise:
        rig.hear(data)
        rig.hear(answer(rig.question).encode(0)[:-1] + data)
        rig.run(1)
    rig.run(70)
    rig.hear(answer(rig.question))
    assert rig.client.lease is not None
