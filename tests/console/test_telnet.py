"""Telnet, bytes in and bytes out (RFC 854, 855, 857, 858, 1073, 1143)."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from appliance.console.telnet import LONGEST_SUBNEGOTIATION, MOST_ANSWERS, Telnet

WILL_ECHO, WILL_SGA, DO_NAWS, DO_SGA = b"\xff\xfb\x01", b"\xff\xfb\x03", b"\xff\xfd\x1f", b"\xff\xfd\x03"
OFFER = WILL_ECHO + WILL_SGA + DO_SGA + DO_NAWS
PUTTY = bytes.fromhex("fffb1ffffb20fffb18fffb27fffd01fffb03fffd03")  # what PuTTY sends unasked


def test_a_raw_client_gets_no_negotiation() -> None:
    telnet = Telnet()
    assert telnet.feed(b"show version\r\n\xc3\xa4\n") == b"show version\r\n\xc3\xa4\n"
    assert telnet.take_answers() == b""
    assert not telnet.is_spoken


WHAT_IS_DATA_AND_WHAT_IS_ANSWERED_TABLE: list[tuple[bytes, bytes, bytes]] = [
    (b"\xff\xf1", b"", OFFER),  # any command shows that telnet is spoken
    (b"a\xff\xffb", b"a\xffb", b""),  # the octet 255 itself
    (b"\xff\x10x", b"x", b""),  # no telnet command
    (b"\xff\xf4", b"\x03", OFFER),  # interrupt
    (b"\xff\xf3", b"\x03", OFFER),  # break
    (b"\xff\xf7", b"\x7f", OFFER),  # erase character
    (b"\xff\xf8", b"\x15", OFFER),  # erase line
    (b"\xff\xf6", b"", OFFER + b"\r\n[yes]\r\n"),  # are you there
    (b"\xff\xf4\xff\xfd\x06", b"\x03", OFFER + b"\xff\xfc\x06"),  # Ctrl-C of a client that waits for the answer
    (b"\xff\xfd\x18", b"", OFFER + b"\xff\xfc\x18"),  # what we do not do
    (b"\xff\xfb\x22", b"", OFFER + b"\xff\xfe\x22"),  # what it shall not do (line mode)
    (b"\xff\xfe\x18\xff\xfc\x22", b"", OFFER),  # a refusal is not answered
    (b"\xff\xfd\x01", b"", OFFER),  # agrees to what we offer at that moment
    (b"\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0x", b"x", OFFER),
    (b"\xff\xfa\x18\x00abc\xff\xf0x", b"x", OFFER),
    (b"\xff\xfa\x1f\x00\xff\xf1x", b"x", OFFER),  # a command ends it
    (PUTTY, b"", OFFER + b"\xff\xfe\x20\xff\xfe\x18\xff\xfe\x27"),
]


def test_what_is_data_and_what_is_answered() -> None:
    for sent, data, answers in WHAT_IS_DATA_AND_WHAT_IS_ANSWERED_TABLE:
        whole, parts = Telnet(), Telnet()
        assert whole.feed(sent) == data
        assert whole.take_answers() == answers
        assert b"".join(parts.feed(bytes((byte,))) for byte in sent) == data
        assert parts.take_answers() == answers


def test_an_offer_that_is_taken() -> None:
    telnet = Telnet()
    telnet.offer()
    telnet.offer()
    assert telnet.take_answers() == OFFER
    assert [telnet.window] == [None]
    telnet.feed(b"\xff\xfd\x01\xff\xfd\x03\xff\xfb\x03\xff\xfb\x1f\xff\xfa\x1f\x00\x64\x00\x28\xff\xf0")
    assert telnet.echoes
    assert telnet.window == (100, 40)
    assert telnet.take_answers() == b""


def test_an_offer_that_is_refused_and_asked_for_later() -> None:
    telnet = Telnet()
    telnet.offer()
    telnet.take_answers()
    telnet.feed(b"\xff\xfe\x01")
    assert [telnet.echoes, telnet.take_answers()] == [False, b""]
    telnet.feed(b"\xff\xfd\x01")
    assert [telnet.echoes] == [True]
    assert telnet.take_answers() == WILL_ECHO
    telnet.feed(b"\xff\xfe\x01")
    assert not telnet.echoes
    assert telnet.take_answers() == b"\xff\xfc\x01"


def test_two_ends_do_not_answer_each_other_for_ever() -> None:
    ours, theirs = Telnet(), Telnet()
    ours.offer()
    theirs.offer()
    exchanged = 0
    while (there := ours.take_answers()) or (back := theirs.take_answers()):
        exchanged += 1
        assert exchanged < 10
        theirs.feed(there)
        ours.feed(back if not there else theirs.take_answers())


def test_255_in_a_window_size_is_doubled() -> None:
    telnet = Telnet()
    telnet.feed(b"\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0")
    assert telnet.window == (255, 24)


def test_a_subnegotiation_without_end_takes_no_memory() -> None:
    telnet = Telnet()
    assert telnet.feed(b"\xff\xfa\x1f" + bytes(1_000_000)) == b""
    assert len(telnet._collected) == LONGEST_SUBNEGOTIATION
    assert telnet.feed(b"\xff\xf0ok") == b"ok"
    assert telnet.window is None


@pytest.mark.parametrize(
    "flood", [b"\xff\xfd\x18", b"\xff\xfb\x18", b"\xff\xf6", b"\xff\xfd\x01\xff\xfe\x01", b"\xff\xfa\xff\xf0"]
)
def test_a_flood_is_noticed_and_its_answers_are_bounded(flood: bytes) -> None:
    telnet = Telnet()
    telnet.feed(flood * 10_000)
    assert telnet.is_flood
    assert len(telnet.take_answers()) < 20 * MOST_ANSWERS


def test_an_honest_client_that_interrupts_often_is_no_flood() -> None:
    telnet = Telnet()
    for _ in range(10 * MOST_ANSWERS):
        telnet.feed(b"x\xff\xf4\xff\xfd\x06")
    assert not telnet.is_flood


@given(chunks=strategies.lists(strategies.binary(max_size=40), max_size=20))
def test_any_bytes(chunks: list[bytes]) -> None:
    whole, parts = Telnet(), Telnet()
    sent = b"".join(chunks)
    assert whole.feed(sent) == b"".join(map(parts.feed, chunks))
    assert whole.take_answers() == parts.take_answers()
    assert (whole.window, whole.echoes) == (parts.window, parts.echoes)
