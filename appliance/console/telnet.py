"""The telnet protocol, as far as a command line needs it: bytes in, bytes out, no I/O.

RFC 854 (commands), 855 and 1143 (options without loops), 857 (echo), 858 (suppress go ahead), 1073 (window size).
"""

from __future__ import annotations

from enum import Enum, IntEnum, auto

IAC = 255


class Code(IntEnum):
    """Commands after IAC (RFC 854)."""

    SE = 240
    NOP = 241
    DM = 242
    BRK = 243
    IP = 244
    AO = 245
    AYT = 246
    EC = 247
    EL = 248
    GA = 249
    SB = 250
    WILL = 251
    WONT = 252
    DO = 253
    DONT = 254


ECHO = 1
SGA = 3
NAWS = 31

OURS = frozenset({ECHO, SGA})
"""What we do ourselves, if asked or if the client agrees."""

THEIRS = frozenset({SGA, NAWS})
"""What the client may do."""

MOST_ANSWERS = 256
"""Answers between two bytes of data: an honest client has asked for each of a few options once."""

LONGEST_SUBNEGOTIATION = 64
"""Octets that are kept of one; a window size has five."""

_KEYS = {Code.IP: b"\x03", Code.BRK: b"\x03", Code.EC: b"\x7f", Code.EL: b"\x15"}
"""Commands that mean what a key means: interrupt, rub out a character, rub out the line."""


class _Side(Enum):
    """Where an option stands (RFC 1143 section 7, without the queue: we never change our mind)."""

    OFF = auto()
    OFFERED = auto()
    ON = auto()


class _Part(Enum):
    """What the next byte is."""

    DATA = auto()
    COMMAND = auto()
    OPTION = auto()
    SUBNEGOTIATION = auto()
    SUBNEGOTIATION_COMMAND = auto()


class Telnet:
    """One end of a telnet connection: takes the negotiation out of what a client sends, and answers it.

    Until a client shows that it speaks telnet, or `offer` is called, nothing is sent that is not text.
    """

    def __init__(self) -> None:
        self.is_spoken = False
        """Whether the client has sent a telnet command."""
        self.is_offered = False
        self.window: tuple[int, int] | None = None
        """Columns and rows, as the client told last; 0 where it does not know."""
        self.is_flood = False
        """Whether the client negotiates and does nothing else."""
        self._answers = bytearray()
        self._count = 0
        self._part = _Part.DATA
        self._verb = 0
        self._collected = bytearray()
        self._ours = dict.fromkeys(OURS, _Side.OFF)
        self._theirs = dict.fromkeys(THEIRS, _Side.OFF)

    @property
    def echoes(self) -> bool:
        """Whether the client leaves it to us to show what is typed, and so sends every key at once."""
        return self._ours[ECHO] is _Side.ON

    def offer(self) -> None:
        """Offer to echo, to do without go-ahead, and ask for the size of the window; once."""
        if self.is_offered:
            return
        self.is_offered = True
        for sides, verb in ((self._ours, Code.WILL), (self._theirs, Code.DO)):
            for option in sorted(sides):
                if sides[option] is _Side.OFF:
                    sides[option] = _Side.OFFERED
                    self._answers += bytes((IAC, verb, option))

    def take_answers(self) -> bytes:
        """Give what is to be sent to the client now."""
        answers = bytes(self._answers)
        self._answers.clear()
        return answers

    def feed(self, data: bytes) -> bytes:
        """Take what arrived; give the data in it, with the keys that commands stand for."""
        if self._part is _Part.DATA and IAC not in data:
            if data:
                self._count = 0
            return data
        found = bytearray()
        place = 0
        while place < len(data):
            if self._part in (_Part.DATA, _Part.SUBNEGOTIATION):
                end = data.find(IAC, place)
                run = data[place : len(data) if end < 0 else end]
                place += len(run)
                self._take_run(run, found)
                if end >= 0:
                    is_data = self._part is _Part.DATA
                    self._part = _Part.COMMAND if is_data else _Part.SUBNEGOTIATION_COMMAND
                    place += 1
                continue
            self._take_byte(data[place], found)
            place += 1
        return bytes(found)

    def _take_run(self, run: bytes, found: bytearray) -> None:
        """Take bytes without an IAC among them."""
        if self._part is _Part.SUBNEGOTIATION:
            self._collect(run)
        elif run:
            self._count = 0
            found += run

    def _take_byte(self, byte: int, found: bytearray) -> None:
        if self._part is _Part.COMMAND:
            self._take_command(byte, found)
        elif self._part is _Part.OPTION:
            self._part = _Part.DATA
            self._negotiate(self._verb, byte)
        elif byte == IAC:
            self._part = _Part.SUBNEGOTIATION
            self._collect(bytes((byte,)))
        else:  # SE, or a command in the middle, which ends it all the same
            self._part = _Part.DATA
            self._end_subnegotiation()
            if byte != Code.SE:
                self._take_command(byte, found)

    def _take_command(self, byte: int, found: bytearray) -> None:
        self._part = _Part.DATA
        if byte == IAC:  # the octet 255 itself, which no UTF-8 text has
            found.append(byte)
            return
        if byte < Code.SE:  # nothing that telnet knows; a client that sends this speaks something else
            return
        self.is_spoken = True
        self.offer()
        if byte in (Code.WILL, Code.WONT, Code.DO, Code.DONT):
            self._part, self._verb = _Part.OPTION, byte
        elif byte == Code.SB:
            self._part = _Part.SUBNEGOTIATION
            self._collected.clear()
        elif byte == Code.AYT:
            self._answer(b"\r\n[yes]\r\n")
        else:
            found += _KEYS.get(Code(byte), b"")

    def _negotiate(self, verb: int, option: int) -> None:
        is_ours = verb in (Code.DO, Code.DONT)
        is_wanted = verb in (Code.DO, Code.WILL)
        agree, refuse = (Code.WILL, Code.WONT) if is_ours else (Code.DO, Code.DONT)
        sides = self._ours if is_ours else self._theirs
        side = sides.get(option)
        if side is None:
            if is_wanted:
                self._answer(bytes((IAC, refuse, option)))
            return
        # Only a change is answered, so that two ends can never go on answering each other.
        if is_wanted:
            if side is _Side.OFF:
                self._answer(bytes((IAC, agree, option)))
            sides[option] = _Side.ON
        else:
            if side is _Side.ON:
                self._answer(bytes((IAC, refuse, option)))
            sides[option] = _Side.OFF

    def _answer(self, answer: bytes) -> None:
        self._count += 1
        if self._count > MOST_ANSWERS:
            self.is_flood = True
        else:
            self._answers += answer

    def _collect(self, run: bytes) -> None:
        self._collected += run[: LONGEST_SUBNEGOTIATION - len(self._collected)]

    def _end_subnegotiation(self) -> None:
        self._count += 1
        self.is_flood = self.is_flood or self._count > MOST_ANSWERS
        content = bytes(self._collected)
        self._collected.clear()
        if len(content) == 5 and content[0] == NAWS:
            self.window = (content[1] << 8 | content[2], content[3] << 8 | content[4])
