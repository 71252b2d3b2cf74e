"""Reading one meter: all its telegrams, as they came."""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.errors import CodingError, ReadoutError, quoted
from appliance.mbus.frame import Address
from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.mbus.telegram import decode
from appliance.readout.answer import Outcome
from appliance.readout.identity import agrees, identify

if TYPE_CHECKING:
    from appliance.mbus.frame import LongFrame
    from appliance.readout.answer import Answer
    from appliance.readout.master import Master

MOST_TELEGRAMS = 64
"""Telegrams after which a meter that always says that more follow is left alone."""

SELECTION_ATTEMPTS = 3
_NUMBER_DIGITS = 8
_FULL_DIGITS = 16
_NUMBER_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """What one meter told."""

    frames: tuple[LongFrame, ...]
    """Its telegrams in order."""
    notes: tuple[str, ...] = ()
    """What was strange about it."""
    seconds: float = 0.0
    """How long it took."""


def parse_address(text: str) -> int | Selection:
    """Read a primary address (0 to 250, or 254) or a secondary one of 8 or 16 digits, F for any.

    :raises CodingError: for anything else.
    """
    if text.isascii() and text.isdigit() and len(text) <= 3:
        address = int(text)
        if address <= Address.LAST or address == Address.POINT_TO_POINT:
            return address
        raise CodingError(f"{quoted(text)} is no address of a meter: 0 to 250, or 254 for the only one on a bus")
    digits = all(character in string.hexdigits for character in text)
    if digits and len(text) == _NUMBER_DIGITS:
        return Selection(SecondaryAddress(text.upper()))
    if digits and len(text) == _FULL_DIGITS:
        return Selection(SecondaryAddress.from_text(text))
    raise CodingError(
        f"{quoted(text)} is no address of a meter: a number from 0 to 250, or a secondary address of 8 or 16 digits"
    )


def read_meter(master: Master, address: int | Selection, *, stays_selected: bool = False) -> Reading:
    """Read all telegrams of the meter with a primary address, or of the one that a selection matches.

    The link is reset first, so that the meter begins with its first telegram; each further one is asked for with a
    toggled frame count bit (EN 13757-2), as long as the one before says that more follow (DIF 1F). A selection resets
    the link too.

    :param stays_selected: whether the selection is left as it is, which is 70 ms less at 2400 bit/s: for whoever reads
        the next meter at once, and ends the last selection himself with `Master.deselect`.
    :raises ReadoutError: when it does not answer, cannot be understood, or several answer.
    :raises LineError: when the line is gone.
    """
    began = master.transport.now()
    notes: list[str] = []
    if isinstance(address, Selection):
        name = address.mask.text
        try:
            _select(master, address)
            frames = _read_telegrams(master, Address.NETWORK_LAYER, name, notes)
            if not agrees(address.mask, identify(frames[0])):
                notes.append(f"the answer comes from another meter than {name}")
        finally:
            if not stays_selected:
                master.deselect()
    else:
        master.reset(address)
        frames = _read_telegrams(master, address, str(address), notes)
        if address <= Address.LAST and frames[0].address != address:
            notes.append(f"the answer has the primary address {frames[0].address}")
    return Reading(tuple(frames), tuple(notes), master.transport.now() - began)


def _select(master: Master, selection: Selection) -> None:
    """Select one meter, and make sure that it is one."""
    name = selection.mask.text
    patience = 0.0
    for attempt in range(SELECTION_ATTEMPTS):
        # An address with wildcards may match several, who are told by their number. Without them the first one is
        # taken; should there be two all the same, their data is damaged.
        answer = master.select(selection, listens_on=attempt > 0 or _has_wildcards(selection), patience=patience)
        if answer.voices > 1:
            again = master.select(selection, listens_on=True)
            if again.voices > 1:
                raise ReadoutError(f"several meters match {name}: more digits are needed")
            answer = again
        if answer.octets:
            return
        patience = 0.35
    raise ReadoutError(f"no meter answers to the selection {name}")


def _has_wildcards(selection: Selection) -> bool:
    octets = bytes(selection.mask)
    return "F" in selection.mask.identification or 0xFF in octets[_NUMBER_LENGTH:]


def _read_telegrams(master: Master, address: int, name: str, notes: list[str]) -> list[LongFrame]:
    frames = [_request(master, address, name)]
    while decode(frames[-1]).more_follow:
        if len(frames) == MOST_TELEGRAMS:
            notes.append(f"it has more than {MOST_TELEGRAMS} telegrams")
            break
        frame = _request(master, address, name)
        if _same(frame, frames[-1]):
            notes.append("it says that more records follow, but repeats the same ones: it ignores the frame count bit")
            break
        frames.append(frame)
    return frames


def _request(master: Master, address: int, name: str) -> LongFrame:
    answer = master.request(address)
    if answer.data is None:
        raise ReadoutError(f"meter {name}: {_words(answer)}")
    return answer.data


def _words(answer: Answer) -> str:
    if answer.outcome is Outcome.SILENCE:
        return "no answer"
    if answer.outcome is Outcome.ACKNOWLEDGED:
        return "it acknowledges but has no data"
    shown = answer.octets[:16].hex(" ")
    return f"the answer is damaged, or several answer: {len(answer.octets)} bytes, {shown}"


def _same(one: LongFrame, other: LongFrame) -> bool:
    """Whether two telegrams say the same, apart from the access number."""
    header = 12
    return (
        replace(one, data=b"") == replace(other, data=b"")
        and one.data[header:] == other.data[header:]
        and len(one.data) > header
    )
