"""What came back for one request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import groupby

from appliance.errors import FrameError
from appliance.mbus.frame import LONG_START, SHORT_START, SINGLE_CHARACTER, Acknowledge, Frame, LongFrame, parse

MOST_VOICES = 40
"""Acknowledgements that have room in one answer window."""


class Outcome(Enum):
    """How a request ended."""

    SILENCE = "silence"
    ACKNOWLEDGED = "acknowledged"
    """E5, once and alone."""
    FRAME = "frame"
    """One sound frame, and nothing beside it."""
    GARBLED = "garbled"
    """Anything else: several meters at once, or noise. Which of the two, only repetition tells."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer and what they are."""

    outcome: Outcome
    octets: bytes = b""
    """As they came, without the echo of the request."""
    delay: float = 0.0
    """Seconds from the reckoned end of the request to the first byte; may be negative where no wire sets the pace."""
    frame: Frame | None = None
    """The one sound frame; of a garbled answer, a sound long frame among other bytes."""
    lasted: float = 0.0
    """Seconds from the reckoned end of the request to the last byte."""

    @property
    def voices(self) -> int:
        """Meters that answered, at the least, when each of them was to say E5.

        Characters that overlap merge: there are never more of them than voices. One that is not E5 has two voices in
        it; where it comes after another, it may be what was left of the second one.
        """
        voices, former = len(self.octets), 0
        for is_sound, run in groupby(self.octets, key=SINGLE_CHARACTER.__eq__):
            length = len(list(run))
            voices += not is_sound and length == 1 and not former
            former = is_sound
        return min(voices, MOST_VOICES)

    @property
    def data(self) -> LongFrame | None:
        """The frame of a sound answer with data."""
        return self.frame if self.outcome is Outcome.FRAME and isinstance(self.frame, LongFrame) else None


def judge(octets: bytes, delay: float, lasted: float = 0.0) -> Answer:
    """Say what `octets` are; see `Answer` for the times."""
    if not octets:
        return Answer(Outcome.SILENCE)
    try:
        frame = parse(octets)
    except FrameError:
        return Answer(Outcome.GARBLED, octets, delay, _frame_within(octets), lasted)
    outcome = Outcome.ACKNOWLEDGED if isinstance(frame, Acknowledge) else Outcome.FRAME
    return Answer(outcome, octets, delay, frame, lasted)


def _frame_within(octets: bytes) -> Frame | None:
    """Find a sound frame behind some bytes of noise; what follows it is noise too."""
    for place, octet in enumerate(octets):
        if octet not in (LONG_START, SHORT_START):
            continue
        rest = octets[place:]
        length = rest[1] + 6 if octet == LONG_START and len(rest) > 1 else 5
        try:
            return parse(rest[:length])
        except FrameError:
            continue
    return None
