"""A telegram as it went over the line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from appliance.mbus.frame import Acknowledge

if TYPE_CHECKING:
    from appliance.mbus.frame import Frame

DEVICE = "the device itself"
"""Who sends where no client does: the search and the readout."""


class Note(StrEnum):
    """What is to be said of a telegram besides what it says itself."""

    ECHO = "echo of the request"
    NO_ANSWER = "no answer"
    LATE = "after the answer window"
    UNASKED = "nobody had asked"
    DROPPED = "dropped before it reached the wire"


@dataclass(frozen=True, slots=True)
class LineTelegram:
    """A frame, or octets that are none, with its circumstances."""

    number: int
    """See `LineMonitor`."""
    at: float
    """When its first octet was seen, in seconds since 1970."""
    monotonic: float
    """The same by the clock that nobody sets."""
    to_meters: bool
    octets: bytes
    party: str
    """Who sent it to the meters, or had asked before: `192.0.2.7:51512`, or `DEVICE`; empty for nobody."""
    branch: str
    """Where it came from, `two-wire` or `optical`; empty for what goes to the meters, on every branch."""
    frame: Frame | None
    """None for octets that are no frame."""
    refusal: str
    """Why octets that begin like a frame are none; empty for a frame, and for noise."""
    delay: float | None
    """Seconds from the end of the request to the first octet of its answer."""
    request_address: int | None
    """Whom the request before called."""
    notes: tuple[Note, ...] = ()

    @property
    def address(self) -> int | None:
        """The primary address that it calls or answers from, or that of its request where it has none itself."""
        if self.frame is None or isinstance(self.frame, Acknowledge):
            return self.request_address
        return self.frame.address
