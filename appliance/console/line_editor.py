"""The line that is being typed: keys in, what to show out, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from appliance.console.display import columns_of, width
from appliance.console.keys import Key, Keys

if TYPE_CHECKING:
    from appliance.console.history import History

LONGEST = 4096
"""Characters of a line; the longest command that `show configuration` can write has fewer."""

LEAST_ROOM = 20
"""Columns that are left for the line whatever the prompt."""


class Event(Enum):
    """What a key asks of the session."""

    LINE = auto()
    """The line is complete; it is in `text`."""
    OVERLONG = auto()
    """A line has ended that was too long."""
    CANCEL = auto()
    """Ctrl-C: leave this line, or what asked for it."""
    END = auto()
    """Ctrl-D on an empty line."""
    COMPLETE = auto()
    LIST = auto()
    """A second tab in a row."""
    HELP = auto()
    """A question mark outside of quotes."""


@dataclass(slots=True)
class _Line:
    characters: list[str]
    cursor: int = 0
    is_too_long: bool = False


class LineEditor:
    """Edits one line after the other. On a terminal it echoes and has its keys; without one it only collects.

    A line wider than the window scrolls sideways. `output` is taken by the session after every byte or block.
    """

    def __init__(self, history: History) -> None:
        self.output = bytearray()
        self.is_terminal = False
        self.columns = 80
        self._history = history
        self._keys = Keys()
        self._prompt = ""
        self._is_hidden = False
        self._line = _Line([])
        self._first = 0
        self._had_tab = self._is_quoting = False

    @property
    def text(self) -> str:
        """The line so far, or the one that was completed last."""
        return "".join(self._line.characters)

    @property
    def is_too_long(self) -> bool:
        """Whether the line has more characters than can be kept; all but its end can then be skipped."""
        return self._line.is_too_long

    @property
    def before_cursor(self) -> str:
        """The part to the left of the cursor."""
        return "".join(self._line.characters[: self._line.cursor])

    def begin(self, prompt: str, *, is_hidden: bool = False) -> None:
        """Show the prompt for a new line; with `is_hidden` nothing of it is echoed or looked up."""
        self._prompt, self._is_hidden = prompt, is_hidden
        self._line = _Line([])
        self._first = 0
        self._had_tab = self._is_quoting = False
        self._history.begin()
        self.output += prompt.encode()

    def redraw(self) -> None:
        """Show prompt and line anew, on a line of its own."""
        if not self.is_terminal:
            return
        room = max(LEAST_ROOM, self.columns - 1)
        prompt = self._prompt if width(self._prompt) <= room - LEAST_ROOM else self._prompt[-(room - LEAST_ROOM) :]
        room -= width(prompt)
        line = self._line
        characters = [] if self._is_hidden else line.characters
        cursor = 0 if self._is_hidden else line.cursor
        self._first = min(self._first, cursor)
        while width("".join(characters[self._first : cursor])) > room:
            self._first += 1
        shown, taken = "", 0
        for character in characters[self._first :]:
            taken += columns_of(character)
            if taken > room:
                break
            shown += character
        column = width(prompt) + width("".join(characters[self._first : cursor]))
        move = f"\x1b[{column}C" if column else ""
        self.output += f"\r{prompt}{shown}\x1b[K\r{move}".encode()

    def insert(self, text: str) -> None:
        """Put `text` in at the cursor, as if it was typed."""
        for character in text:
            self._insert(character)

    def decode(self, byte: int) -> Key | str | None:
        """Take a byte for whoever waits for a single key; give the key or character that it completes."""
        return self._keys.feed(byte)

    def feed(self, byte: int) -> Event | None:
        """Take a byte; give what it asks for."""
        key = self._keys.feed(byte)
        if key is None:
            return None
        had_tab, self._had_tab = self._had_tab, key is Key.TAB
        if self._is_quoting and isinstance(key, str):
            self._is_quoting = False
            self._insert(key)
            return None
        if isinstance(key, str):
            if key == "?" and self.is_terminal and not self._is_hidden and not self._is_in_quotes():
                return Event.HELP
            self._insert(key)
            return None
        return self._press(key, had_tab=had_tab)

    def _press(self, key: Key, *, had_tab: bool) -> Event | None:
        line = self._line
        if key is Key.ENTER:
            if self.is_terminal:
                self.output += b"\r\n"
            return Event.OVERLONG if line.is_too_long else Event.LINE
        if key is Key.INTERRUPT:
            if self.is_terminal:
                self.output += b"^C\r\n"
            return Event.CANCEL
        if not self.is_terminal:
            if key is Key.BACKSPACE:
                self._rub_out(line.cursor - 1, line.cursor)
            elif key is Key.KILL_ALL:
                self._replace("")
            elif key is Key.TAB:
                self._insert(" ")
            return None
        if key is Key.TAB:
            if self._is_hidden:
                return None
            return Event.LIST if had_tab else Event.COMPLETE
        if key is Key.END_OF_INPUT:
            if not line.characters:
                return Event.END
            key = Key.DELETE
        self._edit(key)
        return None

    def _edit(self, key: Key) -> None:
        line = self._line
        if key is Key.QUOTE:
            self._is_quoting = True
        elif key is Key.BACKSPACE:
            self._rub_out(line.cursor - 1, line.cursor)
        elif key is Key.DELETE:
            self._rub_out(line.cursor, line.cursor + 1)
        elif key is Key.KILL_RIGHT:
            self._rub_out(line.cursor, len(line.characters))
        elif key is Key.KILL_WORD:
            self._rub_out(self._word_left(), line.cursor)
        elif key is Key.KILL_ALL:
            self._replace("")
        elif key is Key.REDRAW:
            self.output += b"\x1b[H\x1b[2J"
            self.redraw()
        elif key in (Key.UP, Key.DOWN):
            if not self._is_hidden:
                found = self._history.older(self.text) if key is Key.UP else self._history.newer()
                if found is None:
                    self.output += b"\x07"
                else:
                    self._replace(found)
        else:
            self._move(key)

    def _move(self, key: Key) -> None:
        line = self._line
        places = {
            Key.LEFT: line.cursor - 1,
            Key.RIGHT: line.cursor + 1,
            Key.HOME: 0,
            Key.END: len(line.characters),
            Key.WORD_LEFT: self._word_left(),
            Key.WORD_RIGHT: self._word_right(),
        }
        place = min(max(places[key], 0), len(line.characters))
        if place != line.cursor:
            line.cursor = place
            self.redraw()

    def _insert(self, character: str) -> None:
        line = self._line
        if len(line.characters) >= LONGEST:
            if not line.is_too_long and self.is_terminal:
                self.output += b"\x07"
            line.is_too_long = True
            return
        line.characters.insert(line.cursor, character)
        line.cursor += 1
        if not self.is_terminal or self._is_hidden:
            return
        if line.cursor == len(line.characters) and self._fits():
            self.output += character.encode("utf-8", "replace")
        else:
            self.redraw()

    def _fits(self) -> bool:
        prompt, room = width(self._prompt), self.columns - 1
        if self._first or prompt > room - LEAST_ROOM or len(self._line.characters) > 2 * room:
            return False
        return prompt + width(self.text) <= room

    def _rub_out(self, start: int, end: int) -> None:
        line = self._line
        if start < 0 or start >= end or start >= len(line.characters):
            return
        del line.characters[start:end]
        line.cursor = start
        self.redraw()

    def _replace(self, text: str) -> None:
        self._line = _Line(list(text), len(text))
        self._first = 0
        self.redraw()

    def _word_left(self) -> int:
        line, place = self._line, self._line.cursor
        while place and line.characters[place - 1] == " ":
            place -= 1
        while place and line.characters[place - 1] != " ":
            place -= 1
        return place

    def _word_right(self) -> int:
        line, place = self._line, self._line.cursor
        while place < len(line.characters) and line.characters[place] == " ":
            place += 1
        while place < len(line.characters) and line.characters[place] != " ":
            place += 1
        return place

    def _is_in_quotes(self) -> bool:
        is_inside = is_escaped = False
        for character in self._line.characters[: self._line.cursor]:
            if is_escaped:
                is_escaped = False
            elif character == "\\" and is_inside:
                is_escaped = True
            elif character == '"':
                is_inside = not is_inside
        return is_inside
