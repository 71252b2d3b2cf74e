"""Telegrams in what people keep them in: text of hexadecimal digits, several frames in a row, noise between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import CodingError, FrameError
from appliance.mbus.frame import LONG_START, SHORT_START, STOP, Acknowledge, Frame, Refusal, frame_length, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"#[^\n]*")
_SEPARATORS = re.compile(r"0[xX]|[\s,;:.\-]+")
_DIGITS = re.compile(r"[0-9A-Fa-f]*")
_TEXT = frozenset(b"0123456789abcdefABCDEFxX \t\r\n,;:.-")


@dataclass(frozen=True)
class Piece:
    """A frame, or bytes that are none with the reason."""

    offset: int
    """Where it begins in what was split."""
    octets: bytes
    frame: Frame | None = None
    refusal: FrameError | None = None
    """Why bytes that begin like a frame are none; noise has no reason."""


def octets_of_text(text: str) -> bytes:
    """Read hexadecimal digits: with or without blanks, commas, colons, dashes or 0x; `#` begins a remark.

    :raises CodingError: for another character, or half a byte.
    """
    groups = _SEPARATORS.sub(" ", _COMMENT.sub("", text)).split()
    digits = "".join(f"0{group}" if len(group) == 1 else group for group in groups)
    if not _DIGITS.fullmatch(digits):
        stranger = next(character for character in digits if not _DIGITS.fullmatch(character))
        raise CodingError(f"{stranger!r} is no hexadecimal digit")
    if len(digits) % 2:
        raise CodingError(f"{len(digits)} hexadecimal digits are not whole bytes")
    return bytes.fromhex(digits)


def octets_of_file(content: bytes) -> bytes:
    """Read the content of a file: text of hexadecimal digits, or the bytes themselves.

    :raises CodingError: for text with half a byte.
    """
    without_remarks = re.sub(rb"#[^\n]*", b"", content)
    return octets_of_text(content.decode("latin-1")) if _TEXT.issuperset(without_remarks) else content


def split(data: bytes) -> Iterator[Piece]:
    """Find the frames of `data`, and what stands between them. Every byte is part of one piece. Never raises."""
    place = 0
    while place < len(data):
        piece = _piece(data, place)
        yield piece
        place += len(piece.octets)


def _piece(data: bytes, place: int) -> Piece:
    try:
        frame, length = _frame_at(data, place)
    except FrameError as refusal:
        return _broken(data, place, refusal)
    return Piece(place, data[place : place + length], frame)


def _frame_at(data: bytes, place: int) -> tuple[Frame, int]:
    length = frame_length(data[place : place + 4])
    # What is cut short has no length yet; parsing it gives the refusal that says so.
    length = length or len(data) - place
    return parse(data[place : place + length]), length


def _broken(data: bytes, place: int, refusal: FrameError) -> Piece:
    """Take what is no frame up to where the next one begins."""
    looks_like_frame = refusal.reason in (Refusal.CHECKSUM, Refusal.STOP, Refusal.TOO_SHORT)
    if refusal.reason == Refusal.CHECKSUM:
        end = place + frame_length(data[place : place + 4])
        if data[end - 1] == STOP:
            return Piece(place, data[place:end], None, refusal)
    end = place + 1
    while end < len(data) and not _begins_frame(data, end):
        end += 1
    return Piece(place, data[place:end], None, refusal if looks_like_frame or place == 0 == len(data) - end else None)


def _begins_frame(data: bytes, place: int) -> bool:
    if data[place] not in (SHORT_START, LONG_START):
        return False  # a single character in the midst of noise is noise
    try:
        frame, _length = _frame_at(data, place)
    except FrameError as refusal:
        # A frame with a wrong checksum is worth a message of its own.
        return refusal.reason == Refusal.CHECKSUM and data[place] == LONG_START
    return not isinstance(frame, Acknowledge)
