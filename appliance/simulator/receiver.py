"""What the master's receiver makes of the currents on the bus.

A slave that sends a space draws extra current, for a mark it draws none (EN 13757-2, slave to master). Currents add,
so the master sees a space while any slave sends one: the bits of slaves that talk at once are ANDed. This receiver does
what a UART does with the result: it waits for a falling edge, samples each bit in its middle, and goes on from
the stop bit.
"""

from __future__ import annotations

from appliance.mbus.frame import BITS_PER_CHARACTER

_ROUNDING = 1e-6
"""In bit times: a moment this little before the edge of a bit belongs to the bit after it."""


def line_bits(data: bytes) -> bytes:
    """Levels that a UART sends for `data`, a byte 0 or 1 each: start, eight bits from the lowest, even parity, stop."""
    bits = bytearray()
    for byte in data:
        bits.append(0)
        bits += bytes(byte >> place & 1 for place in range(8))
        bits += bytes([byte.bit_count() & 1, 1])
    return bytes(bits)


class Talk:
    """Bytes that one talker puts on the bus, from a moment on and without a gap."""

    def __init__(self, start: float, baud: int, data: bytes) -> None:
        """Send `data` at `baud` from `start` (wire seconds)."""
        self.start = start
        self.bit = 1.0 / baud
        self._bits = line_bits(data)
        self.end = start + len(self._bits) * self.bit

    def _index(self, moment: float) -> int:
        return int((moment - self.start) / self.bit + _ROUNDING) if moment >= self.start else -1

    def level(self, moment: float) -> int:
        """0 for a space, 1 for a mark or silence."""
        index = self._index(moment)
        return self._bits[index] if 0 <= index < len(self._bits) else 1

    def next_mark(self, moment: float) -> float:
        """Return the first moment from `moment` on with no space."""
        index = self._index(moment)
        if not 0 <= index < len(self._bits) or self._bits[index]:
            return moment
        return self.start + self._bits.index(1, index) * self.bit

    def next_space(self, moment: float) -> float | None:
        """Return the first moment from `moment` on with a space, if there is one."""
        index = self._bits.find(0, max(0, self._index(moment)))
        return None if index < 0 else max(moment, self.start + index * self.bit)


class Receiver:
    """The receiving half of the master's UART, fed with talks and asked for characters as time passes."""

    def __init__(self) -> None:
        """Start on a silent bus."""
        self._talks: list[Talk] = []
        self._from = 0.0
        """Where the search for the next start bit begins."""
        self._edge: float | None = None
        """Where the next start bit begins, as far as the talks tell; None for not sought."""
        self.framing_errors = 0
        self.parity_errors = 0

    @property
    def is_busy(self) -> bool:
        """Whether anybody talks or has bits that were not yet received."""
        return bool(self._talks)

    def add(self, talk: Talk) -> None:
        """Let somebody talk. A talk must be added before the time of its start was received."""
        if not self._talks:
            # Half a bit of silence before it, so that its first start bit is an edge.
            self._from = talk.start - talk.bit / 2
        self._talks.append(talk)
        self._edge = None

    def clear(self) -> None:
        """Silence everybody in the middle of the bit."""
        self._talks.clear()
        self._edge = None

    def due(self, baud: int) -> float | None:
        """When the next character will have been received by a UART set to `baud`; None while nobody talks."""
        if self._edge is None:
            self._edge = self._falling_edge()
        return None if self._edge is None else self._edge + BITS_PER_CHARACTER / baud

    def take(self, baud: int) -> int:
        """Receive the character that is `due`.

        One with a framing error reads as 0, which is what a tty passes on; one with a parity error as it was sampled.
        """
        edge = self._edge
        if edge is None:
            raise ValueError("no character is due")
        bit = 1.0 / baud
        samples = [self._level(edge + (place + 0.5) * bit) for place in range(BITS_PER_CHARACTER)]
        byte = sum(level << place for place, level in enumerate(samples[1:9]))
        if not samples[10]:
            self.framing_errors += 1
            byte = 0
        elif samples[9] != byte.bit_count() & 1:
            self.parity_errors += 1
        self._from = edge + (BITS_PER_CHARACTER - 0.5) * bit
        self._edge = None
        self._talks = [talk for talk in self._talks if talk.end > self._from + bit]
        return byte

    def _level(self, moment: float) -> int:
        return int(all(talk.level(moment) for talk in self._talks))

    def _falling_edge(self) -> float | None:
        moment, former = self._from, None
        while moment != former:
            former = moment
            for talk in self._talks:
                moment = talk.next_mark(moment)
        edges = [edge for talk in self._talks if (edge := talk.next_space(moment)) is not None]
        if not edges:
            # Only marks are left to come, and those are silence.
            self._talks.clear()
            return None
        return min(edges)
