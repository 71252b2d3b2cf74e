"""Frames in texts, in files, and in a row with noise between them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import CodingError
from appliance.mbus.frame import Acknowledge, Frame, LongFrame, Refusal, ShortFrame
from appliance.mbus.stream import octets_of_file, octets_of_text, split

SHORT = ShortFrame(0x5B, 7)
LONG = LongFrame(0x08, 7, 0x72, bytes(range(0xE0, 0xF0)))
ALL: list[Frame] = [Acknowledge(), SHORT, LONG]


@pytest.mark.parametrize(
    "text",
    [
        "68 0a FF",
        "680aff",
        "0x68,0x0A,0xFF",
        "68:0a:ff",
        "68-0a-ff",
        "68 a ff",
        "68\n0a # a remark\nff\n",
        "  68\t0A;ff\r\n",
    ],
)
def test_hexadecimal_text(text: str) -> None:
    assert octets_of_text(text) == b"\x68\x0a\xff"
    assert octets_of_file(text.encode()) == b"\x68\x0a\xff"


@pytest.mark.parametrize("text", ["6", "680", "68 0g", "hello", "68 0a ff é"])
def test_what_is_no_hexadecimal_text(text: str) -> None:
    if text == "6":
        assert octets_of_text(text) == b"\x06"
        return
    with pytest.raises(CodingError):
        octets_of_text(text)


def test_a_file_of_bytes_is_taken_as_it_is() -> None:
    assert octets_of_file(bytes(LONG)) == bytes(LONG)
    assert octets_of_file(b"") == b""


def test_frames_in_a_row() -> None:
    data = b"".join(bytes(frame) for frame in ALL)
    assert [piece.frame for piece in split(data)] == ALL


@pytest.mark.parametrize("noise", ["00", "00 ff 16", "68", "68 68", "10", "e5 00", "68 ff ff 68 00", "00 e5 e5"])
def test_noise_before_a_frame(noise: str) -> None:
    pieces = list(split(bytes.fromhex(noise) + bytes(LONG)))
    assert pieces[-1].frame == LONG
    assert pieces[-1].offset == len(bytes.fromhex(noise))


def test_a_single_character_in_noise_is_noise() -> None:
    pieces = list(split(b"\x00\xe5\x00"))
    assert [(piece.octets, piece.frame) for piece in pieces] == [(b"\x00\xe5\x00", None)]


def test_a_wrong_checksum_costs_its_frame_and_says_so() -> None:
    broken = bytearray(bytes(LONG))
    broken[-2] ^= 1
    pieces = list(split(bytes(SHORT) + bytes(broken) + bytes(LONG)))
    assert [piece.frame for piece in pieces] == [SHORT, None, LONG]
    refusal = pieces[1].refusal
    assert refusal is not None
    assert refusal.reason is Refusal.CHECKSUM
    assert pieces[1].octets == bytes(broken)


def test_what_stands_inside_a_broken_frame_is_no_frame() -> None:
    broken = bytearray(bytes(LongFrame(0x08, 7, 0x72, bytes(SHORT))))
    broken[-2] ^= 1
    assert [piece.frame for piece in split(bytes(broken) + bytes(LONG))] == [None, LONG]


def test_a_broken_frame_behind_noise_says_so_too() -> None:
    broken = bytearray(bytes(LONG))
    broken[-2] ^= 1
    pieces = list(split(b"\x00\x01" + bytes(broken)))
    assert [piece.refusal.reason if piece.refusal else None for piece in pieces] == [None, Refusal.CHECKSUM]


def test_a_frame_cut_short_says_so() -> None:
    pieces = list(split(bytes(LONG)[:-1]))
    assert [piece.refusal.reason if piece.refusal else None for piece in pieces] == [Refusal.TOO_SHORT]
    pieces = list(split(bytes(LONG)[:-4] + bytes(LONG)))
    assert pieces[-1].frame == LONG


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([bytes(frame) for frame in ALL]))))
def test_every_byte_is_part_of_one_piece(parts: list[bytes]) -> None:
    data = b"".join(parts)
    pieces = list(split(data))
    assert b"".join(piece.octets for piece in pieces) == data
    assert all(piece.frame is None or bytes(piece.frame) == piece.octets for piece in pieces)
    place = 0
    for piece in pieces:
        assert piece.offset == place
        place += len(piece.octets)


@settings(deadline=None)
@given(st.binary(max_size=60).filter(lambda noise: not set(noise) & {0x10, 0x68, 0xE5}))
def test_a_frame_behind_noise_is_always_found(noise: bytes) -> None:
    assert list(split(noise + bytes(LONG)))[-1].frame == LONG
