"""How long a master waits, from the baud rate and from what stands between it and the wire."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.line.timing import answer_window, character_time

IDLE_BITS = 33
"""Bit times without a character that end a frame (EN 13757-2, link layer timing)."""

REST_BITS = 11
"""Bit times of rest that a meter gets between its answer and the next request."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The waits of one line at one speed, all in seconds."""

    baud: int
    margin: float = 0.0
    """What may delay an answer on its way from the wire to us: a driver, an adapter, a network."""
    jitter: float = 0.0
    """What may part two characters of one frame on that way."""

    @property
    def character(self) -> float:
        """One character on the wire."""
        return character_time(self.baud)

    @property
    def window(self) -> float:
        """From the end of a request until the first character of the slowest allowed answer is here."""
        return answer_window(self.baud) + self.character + self.margin

    @property
    def gap(self) -> float:
        """From one character to the moment when no other can follow in the same frame."""
        return IDLE_BITS / self.baud + self.character + self.jitter

    @property
    def rest(self) -> float:
        """From the last character of an answer to the next request."""
        return REST_BITS / self.baud

    def on_wire(self, count: int) -> float:
        """`count` characters in a row."""
        return count * self.character
