from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import FrameError
from appliance.mbus.frame import (
    MAX_DATA,
    MAX_FRAME,
    Acknowledge,
    Control,
    Frame,
    LongFrame,
    Refusal,
    ShortFrame,
    frame_length,
    parse,
)

octets = st.integers(0, 255)
frames: st.SearchStrategy[Frame] = st.one_of(
    st.just(Acknowledge()),
    st.builds(ShortFrame, octets, octets),
    st.builds(LongFrame, octets, octets, octets, st.binary(max_size=MAX_DATA)),
)


def test_the_examples_of_the_trade() -> None:
    assert bytes(ShortFrame(Control.SND_NKE, 1)).hex() == "1040014116"
    assert bytes(ShortFrame(Control.REQ_UD2_FCB, 254)).hex() == "107bfe7916"
    assert bytes(LongFrame(Control.SND_UD, 253, 0x50)).hex() == "6803036853fd50a016"
    assert bytes(LongFrame(Control.SND_UD, 1, 0x51, b"\x01\x7a\x02")).hex() == "68060668530151017a022216"
    assert bytes(Acknowledge()) == b"\xe5"


@settings(deadline=None)
@given(frames)
def test_what_is_built_is_parsed(frame: Frame) -> None:
    data = bytes(frame)
    assert parse(data) == frame
    assert frame_length(data) == len(data) <= MAX_FRAME


def test_a_frame_is_at_most_261_bytes() -> None:
    assert len(bytes(LongFrame(8, 1, 0x72, bytes(MAX_DATA)))) == MAX_FRAME
    with pytest.raises(FrameError) as refusal:
        LongFrame(8, 1, 0x72, bytes(MAX_DATA + 1))
    assert refusal.value.reason is Refusal.LENGTH


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Refusal.TOO_SHORT),
        ("10", Refusal.TOO_SHORT),
        ("10 40 01 41", Refusal.TOO_SHORT),
        ("68 03 03 68 53 fd 50 a0", Refusal.TOO_SHORT),
        ("68 03 03", Refusal.TOO_SHORT),
        ("16", Refusal.START),
        ("00 10 40 01 41 16", Refusal.START),
        ("68 03 03 10 53 fd 50 a0 16", Refusal.START),
        ("68 03 04 68 53 fd 50 a0 16", Refusal.LENGTH),
        ("68 02 02 68 53 fd 50 16", Refusal.LENGTH),
        ("10 40 01 41 16 00", Refusal.LENGTH),
        ("e5 e5", Refusal.LENGTH),
        ("10 40 01 42 16", Refusal.CHECKSUM),
        ("68 03 03 68 53 fd 50 a1 16", Refusal.CHECKSUM),
        ("10 40 01 41 17", Refusal.STOP),
        ("68 03 03 68 53 fd 50 a0 00", Refusal.STOP),
    ],
)
def test_refusals_say_why(text: str, reason: Refusal) -> None:
    with pytest.raises(FrameError) as refusal:
        parse(bytes.fromhex(text))
    assert refusal.value.reason is reason
    assert str(refusal.value).startswith(reason.value)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    try:
        frame = parse(data)
    except FrameError as error:
        assert error.reason in set(Refusal)  # noqa: PT017 (either outcome is right)
    else:
        assert bytes(frame) == data


@settings(deadline=None)
@given(frames, st.data())
def test_one_changed_bit_is_noticed(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(bytes(frame))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(FrameError):
        parse(bytes(raw))
