"""What follows a request is told apart: silence, an answer, several at once; and when it is over."""

from __future__ import annotations

import pytest

from appliance.mbus.frame import Control, LongFrame, ShortFrame
from appliance.readout.answer import Outcome, judge
from appliance.readout.reception import STALL, Reception
from appliance.readout.timing import Timing

REQUEST = bytes(ShortFrame(Control.REQ_UD2_FCB, 5))
ANSWER = bytes(LongFrame(Control.RSP_UD, 5, 0x72, bytes(range(12))))
TIMING = Timing(2400, margin=0.01, jitter=0.02)


def test_the_window_of_the_standard_and_the_margin_are_waited_for() -> None:
    reception = Reception(REQUEST, 10.0, TIMING)
    assert reception.due == pytest.approx(10.0 + 330 / 2400 + 0.05 + 11 / 2400 + 0.01)
    assert reception.answer().outcome is Outcome.SILENCE


def test_an_answer_is_over_with_its_last_byte_and_not_before() -> None:
    reception = Reception(REQUEST, 0.0, TIMING)
    reception.feed(ANSWER[:-1], 0.1)
    assert reception.due == pytest.approx(0.1 + TIMING.gap + STALL)
    reception.feed(ANSWER[-1:], 0.11)
    assert reception.due <= 0.11
    assert reception.answer().data == LongFrame(Control.RSP_UD, 5, 0x72, bytes(range(12)))
    assert reception.answer().delay == pytest.approx(0.1)


def test_a_frame_that_stops_short_ends_after_33_bit_times() -> None:
    reception = Reception(REQUEST, 0.0, Timing(300))
    reception.feed(ANSWER[:3], 0.5)
    assert reception.due == pytest.approx(0.5 + 33 / 300 + 11 / 300)
    reception.feed(ANSWER[3:7], 0.6)
    assert reception.due == pytest.approx(0.6 + 33 / 300 + 11 / 300 + STALL)
    assert reception.answer().outcome is Outcome.GARBLED


def test_a_wrong_checksum_is_no_answer_and_waits_for_the_end_of_what_is_said() -> None:
    spoilt = ANSWER[:-2] + bytes([ANSWER[-2] ^ 1, ANSWER[-1]])
    reception = Reception(REQUEST, 0.0, TIMING)
    reception.feed(spoilt, 0.1)
    assert reception.due == pytest.approx(0.1 + TIMING.gap)
    assert reception.answer().data is None


def test_an_echo_is_left_out_whether_it_comes_whole_or_in_pieces() -> None:
    for cuts in ((), (1,), (3,), (1, 2, 3, 4)):
        reception = Reception(REQUEST, 0.0, TIMING)
        former = 0
        for cut in (*cuts, len(REQUEST)):
            reception.feed(REQUEST[former:cut], 0.02)
            former = cut
        assert reception.answer().outcome is Outcome.SILENCE
        reception.feed(ANSWER, 0.1)
        assert reception.answer().data is not None


def test_whoever_listens_on_hears_the_second_one_too() -> None:
    reception = Reception(REQUEST, 0.0, TIMING, listens_on=True)
    reception.feed(b"\xe5", 0.03)
    assert reception.due == pytest.approx(TIMING.window)
    assert reception.answer().voices == 1
    reception.feed(b"\xe5", 0.12)
    assert reception.answer().voices == 2


@pytest.mark.parametrize(
    ("octets", "voices"), [(b"", 0), (b"\xe5", 1), (b"\xe5\xe5\xe5", 3), (b"\x00", 2), (b"\xe5\x85\xe5", 3)]
)
def test_voices_are_counted_as_the_least_that_explains_the_bytes(octets: bytes, voices: int) -> None:
    assert judge(octets, 0.0).voices == voices


def test_what_comes_too_soon_for_an_answer_belongs_to_the_request_before() -> None:
    reception = Reception(REQUEST, 1.0, TIMING, after_overlap=True)
    reception.feed(b"\xe5", 0.95)
    assert reception.answer().outcome is Outcome.SILENCE
    assert reception.early == b"\xe5"


def test_a_sound_frame_behind_noise_is_seen_but_not_taken_for_an_answer_alone() -> None:
    answer = judge(b"\x00\xff" + ANSWER, 0.0)
    assert answer.outcome is Outcome.GARBLED
    assert bytes(answer.frame or b"") == ANSWER


def test_what_never_ends_is_cut() -> None:
    reception = Reception(REQUEST, 0.0, TIMING)
    reception.feed(bytes(5000), 0.1)
    assert reception.due <= 0.1
