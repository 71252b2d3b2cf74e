"""Currents on the wire, and what a UART reads from them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.simulator.receiver import Receiver, Talk, line_bits

CHARACTER = 11 / 2400
BIT = 1 / 2400


def receive(receiver: Receiver, baud: int = 2400) -> tuple[bytes, list[float]]:
    data, moments = bytearray(), []
    while (due := receiver.due(baud)) is not None:
        data.append(receiver.take(baud))
        moments.append(due)
    return bytes(data), moments


def test_the_bits_of_a_character() -> None:
    assert list(line_bits(b"\x01")) == [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert list(line_bits(b"\xe5")) == [0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=261), st.sampled_from([300, 2400]), st.floats(0, 1e7))
def test_one_talker_is_received_as_sent_at_the_pace_of_the_wire(data: bytes, baud: int, start: float) -> None:
    receiver = Receiver()
    receiver.add(Talk(start, baud, data))
    received, moments = receive(receiver, baud)
    assert received == data
    expected = [start + (place + 1) * 11 / baud for place in range(len(data))]
    assert moments == pytest.approx(expected, abs=1e-6)
    assert receiver.framing_errors == receiver.parity_errors == 0
    assert not receiver.is_busy


def test_talkers_in_step_are_anded() -> None:
    receiver = Receiver()
    receiver.add(Talk(1.0, 2400, b"\xe5\xf0"))
    receiver.add(Talk(1.0, 2400, b"\xe5\x3c"))
    assert receive(receiver)[0] == b"\xe5\x30"


def test_acknowledgements_out_of_step_are_damaged() -> None:
    receiver = Receiver()
    receiver.add(Talk(1.0, 2400, b"\xe5"))
    receiver.add(Talk(1.0 + 4 * BIT, 2400, b"\xe5"))
    assert receive(receiver)[0] != b"\xe5"


def test_overlap_damages_what_overlaps_and_spares_the_rest() -> None:
    receiver = Receiver()
    one, other = bytes(range(0x40, 0x60)), bytes(range(0x90, 0xA0))
    receiver.add(Talk(0.0, 2400, one))
    receiver.add(Talk(16.4 * CHARACTER, 2400, other))
    received, _ = receive(receiver)
    assert received[:16] == one[:16]
    assert received[16:] not in (one[16:], other)
    assert receiver.framing_errors + receiver.parity_errors > 0


def test_a_talker_who_comes_in_later_waits_for_nobody() -> None:
    receiver = Receiver()
    receiver.add(Talk(0.0, 2400, b"ab"))
    assert receiver.due(2400) == pytest.approx(CHARACTER)
    assert receiver.take(2400) == ord("a")
    receiver.add(Talk(5.0, 2400, b"c"))
    assert receive(receiver)[0] == b"bc"


def test_the_wrong_speed_gives_other_characters() -> None:
    receiver = Receiver()
    receiver.add(Talk(0.0, 300, b"hello"))
    received, _ = receive(receiver, 2400)
    assert received != b"hello"
    assert receiver.framing_errors > 0


def test_silence_in_the_middle_of_a_character() -> None:
    receiver = Receiver()
    receiver.add(Talk(0.0, 2400, bytes(100)))
    receiver.take(2400) if receiver.due(2400) else None
    receiver.clear()
    assert receiver.due(2400) is None
    with pytest.raises(ValueError, match="no character"):
        receiver.take(2400)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 0.1), st.sampled_from([300, 2400]), st.binary(min_size=1, max_size=20)), max_size=6
    ),
    st.sampled_from([300, 2400]),
)
def test_any_mess_ends(talks: list[tuple[float, int, bytes]], baud: int) -> None:
    receiver = Receiver()
    for start, speed, data in sorted(talks):
        receiver.add(Talk(start, speed, data))
    _, moments = receive(receiver, baud)
    assert moments == sorted(moments)
    assert all(later - earlier > 10.4 / baud for earlier, later in pairwise(moments))
