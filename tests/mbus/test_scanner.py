from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.mbus.frame import MAX_FRAME, Frame, LongFrame, ShortFrame
from appliance.mbus.scanner import Scanner

REQUEST = ShortFrame(0x5B, 7)
LONG = LongFrame(0x73, 253, 0x52, bytes(8))


def test_frames_one_after_the_other_and_byte_by_byte() -> None:
    scanner = Scanner()
    found: list[Frame] = []
    for byte in bytes(REQUEST) + bytes(LONG) + bytes(REQUEST):
        found += scanner.feed(bytes([byte]))
    assert found == [REQUEST, LONG, REQUEST]
    assert scanner.discarded == scanner.pending == 0


def test_garbage_before_a_frame_costs_only_itself() -> None:
    scanner = Scanner()
    assert scanner.feed(b"\x00\x16\xff" + bytes(REQUEST)) == [REQUEST]
    assert scanner.discarded == 3


def test_a_start_byte_too_many_does_not_hide_the_frame() -> None:
    assert Scanner().feed(b"\x10" + bytes(REQUEST)) == [REQUEST]
    assert Scanner().feed(b"\x68" + bytes(LONG)) == [LONG]
    assert Scanner().feed(b"\x68\x10" + bytes(LONG)) == [LONG]


def test_a_frame_with_a_wrong_checksum_hides_only_itself() -> None:
    broken = bytearray(bytes(LONG))
    broken[-2] ^= 1
    assert Scanner().feed(bytes(broken) + bytes(REQUEST)) == [REQUEST]


def test_a_promise_of_a_long_frame_holds_until_the_line_was_idle() -> None:
    scanner = Scanner()
    assert scanner.feed(b"\x68\xff\xff\x68" + bytes(REQUEST)) == []
    scanner.reset()
    assert scanner.feed(bytes(REQUEST)) == [REQUEST]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=400)), st.sampled_from([REQUEST, LONG]))
def test_an_idle_line_heals_everything(garbage: list[bytes], frame: ShortFrame | LongFrame) -> None:
    scanner = Scanner()
    for piece in garbage:
        scanner.feed(piece)
        assert scanner.pending < MAX_FRAME
    scanner.reset()
    assert scanner.feed(bytes(frame)) == [frame]


@settings(deadline=None)
@given(st.binary(max_size=2000), st.integers(1, 300))
def test_the_cut_of_the_stream_makes_no_difference(data: bytes, size: int) -> None:
    whole, cut = Scanner(), Scanner()
    found = [frame for start in range(0, len(data), size) for frame in cut.feed(data[start : start + size])]
    assert whole.feed(data) == found
    assert (whole.discarded, whole.pending) == (cut.discarded, cut.pending)


@settings(deadline=None)
@given(st.binary(max_size=600).filter(lambda data: not set(data) & {0x10, 0x68, 0xE5}))
def test_a_frame_after_garbage_without_a_start_is_found_without_a_pause(garbage: bytes) -> None:
    assert Scanner().feed(garbage + bytes(LONG)) == [LONG]
