"""What came back for one request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

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

    @property
    def voices(self) -> int:
        """Meters that answered, at the least, when each of them was to say E5.

        Characters that overlap merge: there are never more of them than voices, and one that is not E5 has two.
        """
        if not self.octets:
            return 0
        alien = any(octet != SINGLE_CHARACTER for octet in self.octets)
        return min(max(len(self.octets), 2 if alien else 1), MOST_VOICES)

    @property
    def data(self) -> LongFrame | None:
        """The frame of a sound answer with data."""
        return self.frame if self.outcome is Outcome.FRAME and isinstance(self.frame, LongFrame) else None


def judge(octets: bytes, delay: float) -> Answer:
    """Say what `octets` are."""
    if not octets:
        return Answer(Outcome.SILENCE)
    try:
        frame = parse(octets)
    except FrameError:
        return Answer(Outcome.GARBLED, octets, delay, _frame_within(octets))
    outcome = Outcome.ACKNOWLEDGED if isinstance(frame, Acknowledge) else Outcome.FRAME
    return Answer(outcome, octets, delay, frame)


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
