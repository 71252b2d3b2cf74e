"""Answers as they should be, and those that a real kernel gives at moments that a test cannot bring about."""

from __future__ import annotations

import errno
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import NetworkError
from appliance.network.kernel.netlink import (
    HEADER,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    Netlink,
    attribute,
)
from appliance.network.kernel.port import RTM_GETLINK, RTM_NEWLINK

if TYPE_CHECKING:
    from collections.abc import Iterator

KERNEL, STRANGER = 0, 4711


def question() -> Any:
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    return ifinfmsg()


def message(kind: int, payload: bytes, number: int, flags: int = 0) -> bytes:
    return HEADER.pack(HEADER.size + len(payload), kind, flags, number, 0) + payload


def link(number: int, index: int = 7, flags: int = 0) -> bytes:
    return message(RTM_NEWLINK, struct.pack("=BxHiII", 0, 1, index, 0, 0), number, flags)


def end(number: int, code: int = 0, flags: int = 0) -> bytes:
    return message(NLMSG_DONE, struct.pack("=i", code), number, flags)


class Kernel:
    """What Netlink needs of its socket; `answers` has what it says to each question."""

    def __init__(self, *answers: list[tuple[bytes, int]]) -> None:
        self.answers = list(answers)
        self._said: list[tuple[bytes, int]] = []
        self.asked = 0

    def settimeout(self, _seconds: float) -> None: ...

    def close(self) -> None: ...

    def send(self, _data: bytes) -> None:
        self.asked += 1
        self._said = self.answers.pop(0)

    def recvfrom(self, _most: int) -> tuple[bytes, tuple[int, int]]:
        data, sender = self._said.pop(0)
        return data, (sender, 0)


@pytest.fixture
def netlink() -> Iterator[Netlink]:
    with Netlink(deadline=0.05) as made:
        yield made


def talk(netlink: Netlink, *answers: list[tuple[bytes, int]]) -> tuple[list[Any], Kernel]:
    real, kernel = netlink._socket, Kernel(*answers)
    netlink._socket = kernel  # type: ignore[assignment]  # a socket pair in its place
    try:
        return netlink.ask(question(), RTM_GETLINK, NLM_F_DUMP), kernel
    finally:
        netlink._socket = real


def test_a_list_in_pieces_is_put_together(netlink: Netlink) -> None:
    answers, _ = talk(netlink, [(link(1, 7) + link(1, 8), KERNEL), (link(1, 9), KERNEL), (end(1), KERNEL)])
    assert [answer["index"] for answer in answers] == [7, 8, 9]


def test_answers_to_former_questions_and_of_strangers_are_passed_over(netlink: Netlink) -> None:
    answers, _ = talk(
        netlink,
        [(link(0xFFFF, 1) + end(0xFFFF), KERNEL), (link(1, 2) + end(1), STRANGER), (link(1, 3) + end(1), KERNEL)],
    )
    assert [answer["index"] for answer in answers] == [3]


def test_a_list_that_was_disturbed_is_asked_for_again(netlink: Netlink) -> None:
    answers, kernel = talk(
        netlink, [(link(1, 7, NLM_F_DUMP_INTR) + link(1, 8) + end(1), KERNEL)], [(link(2, 9) + end(2), KERNEL)]
    )
    assert [answer["index"] for answer in answers] == [9]
    assert kernel.asked == 2


def test_a_list_that_is_always_disturbed_is_given_up(netlink: Netlink) -> None:
    with pytest.raises(NetworkError) as caught:
        talk(netlink, *([(end(number, flags=NLM_F_DUMP_INTR), KERNEL)] for number in range(1, 9)))
    assert caught.value.errno == errno.EAGAIN


def test_an_error_at_the_end_of_a_list_is_one(netlink: Netlink) -> None:
    with pytest.raises(NetworkError) as caught:
        talk(netlink, [(end(1, -errno.ENODEV), KERNEL)])
    assert caught.value.errno == errno.ENODEV


@pytest.mark.parametrize("length", [0, 15, 4000])
def test_an_answer_of_impossible_length_is_an_error(netlink: Netlink, length: int) -> None:
    broken = HEADER.pack(length, NLMSG_ERROR, 0, 1, 0) + bytes(4)
    with pytest.raises(NetworkError) as caught:
        talk(netlink, [(broken, KERNEL)])
    assert caught.value.errno == errno.EBADMSG


def test_a_kernel_that_does_not_answer_is_not_waited_for(netlink: Netlink) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        real, netlink._socket = netlink._socket, ours
        start = time.monotonic()
        with pytest.raises(NetworkError) as caught:
            netlink.ask(question(), RTM_GETLINK, NLM_F_DUMP)
        assert time.monotonic() - start < 1.0
        netlink._socket = real
    assert caught.value.errno == errno.ETIMEDOUT


def test_a_kernel_that_answers_others_for_ever_is_not_listened_to_for_ever() -> None:
    ticks = iter(range(100))
    with Netlink(deadline=10, clock=lambda: float(next(ticks))) as netlink, pytest.raises(NetworkError) as caught:
        talk(netlink, [(end(9999), KERNEL)] * 50)
    assert caught.value.errno == errno.ETIMEDOUT


def test_after_a_lost_answer_the_next_question_gets_its_own(netlink: Netlink) -> None:
    descriptor = netlink._socket
    assert descriptor is not None
    netlink._deadline = 0.0
    with pytest.raises(NetworkError):
        netlink.ask(question(), RTM_GETLINK, NLM_F_DUMP)
    assert descriptor.fileno() == -1
    netlink._deadline = 2.0
    assert len(netlink.ask(question(), RTM_GETLINK, NLM_F_DUMP)) >= 1


def test_once_closed_it_is_not_opened_again(netlink: Netlink) -> None:
    netlink.close()
    with pytest.raises(NetworkError, match="closed"):
        netlink.ask(question(), RTM_GETLINK, NLM_F_DUMP)


def test_a_refusal_has_the_kernels_number_and_words(netlink: Netlink) -> None:
    asked = question()
    asked["index"] = 1 << 30
    with pytest.raises(NetworkError, match="No such device") as caught:
        netlink.ask(asked, RTM_GETLINK)
    assert caught.value.errno == errno.ENODEV


def test_a_protocol_that_the_kernel_does_not_have_is_said() -> None:
    with pytest.raises(NetworkError, match="no netlink socket"):
        Netlink(30)


def test_attributes_are_padded_to_four() -> None:
    assert attribute(5, b"abc") == struct.pack("=HH", 7, 5) + b"abc\0"
