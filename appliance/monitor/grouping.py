"""Takes the talks of a recording apart into telegrams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.line.timing import answer_window
from appliance.mbus.frame import Acknowledge, Address
from appliance.mbus.stream import Piece, split
from appliance.monitor.line_telegram import DEVICE, LineTelegram, Note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.monitor.run import Talk

LATE_MARGIN = 0.15
"""Seconds beyond the answer window before an answer is called late: what adapters and networks may take."""
UNASKED_AFTER = 5.0
"""Seconds after a request from which on nobody waits for its answer."""
FURTHEST_REQUEST = 64
"""Talks that are looked at to find the request before."""
SHORTEST_ECHO = 5
"""Octets of the shortest frame of a master."""


def telegrams_of(talks: Sequence[Talk], place: int, wall_offset: float) -> list[LineTelegram]:
    """Give the telegrams of the talk at `place`; every octet of it is part of one, in order.

    `wall_offset` is the time of day, in seconds since 1970, at the zero of the monotonic clock.
    """
    talk = talks[place]
    if talk.branch is None:
        return _requests(talk, wall_offset, is_answered=place + 1 < len(talks) and talks[place + 1].branch is not None)
    request = _request_before(talks, place)
    if request is None:
        return [_telegram(talk, piece, wall_offset, notes=(Note.UNASKED,)) for piece in split(talk.octets)]
    return _answers(talk, request, wall_offset, is_first=talks[place - 1] is request)


def _requests(talk: Talk, wall_offset: float, *, is_answered: bool) -> list[LineTelegram]:
    found = []
    pieces = list(split(talk.octets))
    for piece in pieces:
        notes: tuple[Note, ...] = ()
        if talk.is_dropped(piece.offset + len(piece.octets) - 1):
            notes = (Note.DROPPED,)
        elif piece is pieces[-1] and not is_answered and _address(piece) != Address.BROADCAST:
            notes = (Note.NO_ANSWER,)
        found.append(_telegram(talk, piece, wall_offset, notes=notes))
    return found


def _answers(talk: Talk, request: Talk, wall_offset: float, *, is_first: bool) -> list[LineTelegram]:
    octets, asked = talk.octets, request.octets
    called = [address for piece in split(asked) if (address := _address(piece)) is not None]
    calls = called[-1] if called else None
    echo = len(asked) if is_first and len(asked) >= SHORTEST_ECHO and octets.startswith(asked) else 0
    found = [_telegram(talk, piece, wall_offset, calls=calls, notes=(Note.ECHO,)) for piece in split(octets[:echo])]
    for piece in split(octets[echo:]):
        moved = Piece(piece.offset + echo, piece.octets, piece.frame, piece.refusal)
        seen = talk.seen(moved.offset)
        # Without a wire the answer may come before the reckoned end of the request.
        delay = seen - request.ended if seen >= request.ended else max(0.0, seen - request.written)
        is_answer = is_first and piece.offset == 0
        notes: tuple[Note, ...] = ()
        if delay > UNASKED_AFTER:
            is_answer, notes = False, (Note.UNASKED,)
        elif is_answer and delay > answer_window(request.baud) + LATE_MARGIN and talk.party != DEVICE:
            # The device itself may have asked at another speed than the line's.
            notes = (Note.LATE,)
        found.append(_telegram(talk, moved, wall_offset, calls=calls, delay=delay if is_answer else None, notes=notes))
    return found


def _telegram(
    talk: Talk,
    piece: Piece,
    wall_offset: float,
    *,
    calls: int | None = None,
    delay: float | None = None,
    notes: tuple[Note, ...] = (),
) -> LineTelegram:
    seen = talk.seen(piece.offset)
    return LineTelegram(
        number=talk.position + piece.offset + 1,
        at=seen + wall_offset,
        monotonic=seen,
        to_meters=talk.branch is None,
        octets=piece.octets,
        party="" if Note.UNASKED in notes else talk.party,
        branch=talk.branch.name if talk.branch is not None else "",
        frame=piece.frame,
        refusal="" if piece.refusal is None else str(piece.refusal),
        delay=delay,
        request_address=calls,
        notes=notes,
    )


def _request_before(talks: Sequence[Talk], place: int) -> Talk | None:
    for talk in reversed(talks[max(0, place - FURTHEST_REQUEST) : place]):
        if talk.branch is None:
            return talk
    return None


def _address(piece: Piece) -> int | None:
    """Say whom a frame calls."""
    return None if piece.frame is None or isinstance(piece.frame, Acknowledge) else piece.frame.address
