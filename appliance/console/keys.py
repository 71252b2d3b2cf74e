"""Bytes of a terminal made into keys. Pure."""

from __future__ import annotations

import codecs
import re
from enum import Enum, auto

LONGEST_SEQUENCE = 32
"""Characters of an escape sequence after which it is taken for rubbish."""


class Key(Enum):
    """A key that is no character."""

    ENTER = auto()
    BACKSPACE = auto()
    DELETE = auto()
    LEFT = auto()
    RIGHT = auto()
    UP = auto()
    DOWN = auto()
    HOME = auto()
    END = auto()
    WORD_LEFT = auto()
    WORD_RIGHT = auto()
    KILL_RIGHT = auto()
    KILL_ALL = auto()
    KILL_WORD = auto()
    REDRAW = auto()
    TAB = auto()
    INTERRUPT = auto()
    END_OF_INPUT = auto()
    QUOTE = auto()


_CONTROL = {
    "\x01": Key.HOME,
    "\x02": Key.LEFT,
    "\x03": Key.INTERRUPT,
    "\x04": Key.END_OF_INPUT,
    "\x05": Key.END,
    "\x06": Key.RIGHT,
    "\x08": Key.BACKSPACE,
    "\x09": Key.TAB,
    "\x0b": Key.KILL_RIGHT,
    "\x0c": Key.REDRAW,
    "\x0e": Key.DOWN,
    "\x10": Key.UP,
    "\x15": Key.KILL_ALL,
    "\x16": Key.QUOTE,
    "\x17": Key.KILL_WORD,
    "\x7f": Key.BACKSPACE,
}
_SEQUENCES = {
    "A": Key.UP,
    "B": Key.DOWN,
    "C": Key.RIGHT,
    "D": Key.LEFT,
    "H": Key.HOME,
    "F": Key.END,
    "1~": Key.HOME,
    "7~": Key.HOME,
    "3~": Key.DELETE,
    "4~": Key.END,
    "8~": Key.END,
    "1;5C": Key.WORD_RIGHT,
    "1;5D": Key.WORD_LEFT,
}
_AFTER_ESCAPE = {"b": Key.WORD_LEFT, "f": Key.WORD_RIGHT, "\x7f": Key.KILL_WORD}
_WHOLE = re.compile(r"[\[O][0-9;?<=>]*[ -/]*[@-~]")


class Keys:
    """Decodes UTF-8 and the escape sequences of ANSI terminals (ECMA-48 section 5.4); what it does not know vanishes.

    A line ends with CR, LF, CR LF or CR NUL (RFC 854 for telnet).
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._sequence: str | None = None
        self._after_return = False

    def feed(self, byte: int) -> Key | str | None:
        """Take a byte; give the key or the character that it completes."""
        if byte < 0x80 and self._decoder.getstate()[0]:
            self._decoder.reset()  # an ASCII byte is never part of a longer character: the broken one is left out
        character = self._decoder.decode(bytes((byte,)))
        if not character:
            return None
        character = character[-1]
        if self._sequence is not None:
            return self._escaped(character)
        after_return, self._after_return = self._after_return, character == "\r"
        if character == "\r" or (character == "\n" and not after_return):
            return Key.ENTER
        if character == "\x1b":
            self._sequence = ""
            return None
        if character in _CONTROL:
            return _CONTROL[character]
        return character if character.isprintable() else None

    def _escaped(self, character: str) -> Key | None:
        assert self._sequence is not None  # noqa: S101 (the caller has looked)
        if character in "\r\n\x03":  # whatever it was to become, a line has an end
            self._sequence = None
            self._after_return = character == "\r"
            return Key.INTERRUPT if character == "\x03" else Key.ENTER
        self._sequence += character
        if self._sequence[0] not in "[O":
            key = _AFTER_ESCAPE.get(self._sequence)
            self._sequence = None
            return key
        if _WHOLE.fullmatch(self._sequence):
            key = _SEQUENCES.get(self._sequence[1:])
            self._sequence = None
            return key
        if len(self._sequence) > LONGEST_SEQUENCE or not " " <= character <= "~":
            self._sequence = None
        return None
