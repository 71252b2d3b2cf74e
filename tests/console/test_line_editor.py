"""The line editor: keys in, and the screen that a terminal shows for what comes out."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, strategies

from appliance.console.history import History
from appliance.console.line_editor import LONGEST, Event, LineEditor

PROMPT = "dev> "
LEFT, RIGHT, UP, DOWN = b"\x1b[D", b"\x1b[C", b"\x1b[A", b"\x1b[B"


class Typist:
    """Types on a terminal, and looks at it."""

    def __init__(self, *, columns: int = 40, history: tuple[str, ...] = (), is_terminal: bool = True) -> None:
        self.history = History()
        for line in history:
            self.history.add(line)
        self.editor = LineEditor(self.history)
        self.editor.is_terminal, self.editor.columns = is_terminal, columns
        self.screen = pyte.Screen(columns, 5)
        self.stream = pyte.ByteStream(self.screen)
        self.output = b""
        self.editor.begin(PROMPT)
        self._show()

    def type(self, keys: bytes | str) -> list[Event]:
        events = []
        for byte in keys.encode() if isinstance(keys, str) else keys:
            event = self.editor.feed(byte)
            self._show()
            if event is not None:
                events.append(event)
                if event is Event.LINE:
                    break
        return events

    def _show(self) -> None:
        self.stream.feed(bytes(self.editor.output))
        self.output += bytes(self.editor.output)
        self.editor.output.clear()

    @property
    def shown(self) -> str:
        return self.screen.display[self.screen.cursor.y].rstrip()

    @property
    def column(self) -> int:
        return self.screen.cursor.x


KEYS_TABLE: list[tuple[bytes, str, int]] = [
    (b"show", "show", 4),
    (b"shw" + LEFT + b"o", "show", 3),
    (b"abc" + LEFT * 9 + b"x", "xabc", 1),
    (b"abc" + LEFT + RIGHT * 9 + b"x", "abcx", 4),
    (b"abc\x01x", "xabc", 1),  # Ctrl-A
    (b"abc\x1b[Hx\x1b[Fy", "xabcy", 5),  # Home, End
    (b"abc\x1b[1~x\x1b[4~y", "xabcy", 5),
    (b"abc\x1bOHx\x1bOFy", "xabcy", 5),
    (b"abc\x02\x02x\x06y\x05z", "axbycz", 6),  # Ctrl-B, F, E
    (b"abc\x7f", "ab", 2),
    (b"abc\x08\x08", "a", 1),
    (b"abc\x01\x7f", "abc", 0),  # nothing to the left
    (b"abc\x01\x1b[3~", "bc", 0),  # Delete
    (b"abc\x01\x04", "bc", 0),  # Ctrl-D on a line that is not empty
    (b"abc\x1b[3~", "abc", 3),
    (b"one two\x01\x06\x06\x06\x0b", "one", 3),  # Ctrl-K
    (b"one two\x15x", "x", 1),  # Ctrl-U
    (b"one two  \x17", "one ", 4),  # Ctrl-W
    (b"one two\x17\x17\x17", "", 0),
    (b"one two\x1bb\x1bbx\x1bfy", "xoney two", 5),  # Alt-B, Alt-F
    (b"one two\x1b[1;5Dx", "one xtwo", 5),
    (b"a\x1b[99;99~b\x1b[?25hc\x1bxd\x1b[200~e", "abcde", 5),  # what is not known vanishes
    (b"a\x00\x07\x1c\x1db", "ab", 2),
    (b"a\x16?b", "a?b", 3),  # Ctrl-V
    (b'f "a?', 'f "a?', 5),  # no help within quotes
    ("grün€".encode(), "grün€", 5),
    ("漢字".encode() + LEFT + b"x", "漢x字", 2),
    ("e\u0301".encode() + b"x", "e\u0301x", 3),
    (b"a\xffb\xc3c", "a\ufffdbc", 4),  # broken UTF-8
    (b"\xed\xa0\x80a", "\ufffda", 2),  # a surrogate
    (UP * 2 + b"x", "firstx", 6),
    (UP * 9, "first", 5),
    (UP + DOWN + b"x", "x", 1),
    (b"draft" + UP + DOWN, "draft", 5),
    (b"\x10\x0e\x10", "second", 6),  # Ctrl-P, Ctrl-N
]


def test_keys() -> None:
    for keys, text, cursor in KEYS_TABLE:
        typist = Typist(history=("first", "second"))
        typist.type(keys)
        assert typist.editor.text == text
        assert typist.editor.before_cursor == text[:cursor]
        assert typist.shown == (PROMPT + text).rstrip() or "漢" in text or "\u0301" in text
        if text.isascii():
            assert typist.column == len(PROMPT) + cursor


def test_wide_and_combining_characters_stand_in_their_columns() -> None:
    typist = Typist()
    typist.type("漢字")
    assert typist.column == len(PROMPT) + 4
    typist.type(LEFT)
    assert typist.column == len(PROMPT) + 2
    typist.type(b"\x7f")
    assert "".join(typist.screen.display[0].split()) == "dev>字"
    typist = Typist()
    typist.type("e\u0301\x02\x02")
    assert typist.column == len(PROMPT)


EVENTS_TABLE: list[tuple[bytes, list[Event]]] = [
    (b"a\r", [Event.LINE]),
    (b"a\n", [Event.LINE]),
    (b"\x04", [Event.END]),
    (b"a\x03", [Event.CANCEL]),
    (b"sh\t", [Event.COMPLETE]),
    (b"sh\t\t", [Event.COMPLETE, Event.LIST]),
    (b"sh\to\t", [Event.COMPLETE, Event.COMPLETE]),
    (b"show ?", [Event.HELP]),
    (b"\x1b\r", [Event.LINE]),
    (b"\x1b[12\x03", [Event.CANCEL]),
]


def test_events() -> None:
    for keys, events in EVENTS_TABLE:
        assert Typist().type(keys) == events


@pytest.mark.parametrize("end", [b"\r\n", b"\r\x00", b"\r", b"\n"])
def test_every_line_end_ends_one_line(end: bytes) -> None:
    for is_terminal in (True, False):
        typist = Typist(is_terminal=is_terminal)
        lines = []
        for byte in b"one" + end + b"two" + end + end:
            if typist.editor.feed(byte) is Event.LINE:
                lines.append(typist.editor.text)
                typist.editor.begin(PROMPT)
        assert lines == ["one", "two", ""]


def test_a_long_line_scrolls_sideways_and_stays_on_one_row() -> None:
    typist = Typist()
    text = "".join(chr(ord("a") + index % 26) for index in range(200))
    typist.type(text)
    assert typist.editor.text == text
    assert typist.shown == PROMPT + text[-34:]
    assert typist.screen.cursor.y == 0
    typist.type(b"\x01")
    assert typist.shown == PROMPT + text[:34]
    assert typist.column == len(PROMPT)
    typist.type(b"\x05\x15")
    assert typist.shown == PROMPT.strip()


def test_a_prompt_wider_than_the_window() -> None:
    typist = Typist(columns=24)
    typist.editor.begin("x" * 60 + "> ")
    typist.type("show" + "\x02" * 4)
    assert typist.shown.endswith("> show")


def test_a_hidden_line_is_not_shown_and_has_no_history() -> None:
    typist = Typist(history=("first",))
    typist.output = b""
    typist.editor.begin("Password: ", is_hidden=True)
    assert typist.type(b"s\x1b[Ae?c\t\x7f\x7fret") == []
    assert typist.editor.text == "seret"
    assert b"s" not in typist.output.replace(b"Password", b"")
    assert typist.type(b"\r") == [Event.LINE]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_line_that_is_too_long_is_not_carried_out(*, is_terminal: bool) -> None:
    typist = Typist(is_terminal=is_terminal)
    editor = typist.editor
    for byte in b"x" * (LONGEST + 5):
        assert editor.feed(byte) is None
    assert len(editor.text) == LONGEST
    assert editor.feed(13) is Event.OVERLONG
    editor.begin(PROMPT)
    for byte in b"y" * LONGEST:
        editor.feed(byte)
    assert editor.feed(13) is Event.LINE


def test_without_a_terminal_nothing_is_echoed() -> None:
    typist = Typist(is_terminal=False)
    typist.output = b""
    assert typist.type(b"shox\x7fw\tversion\x1b[A?\x04\n") == [Event.LINE]
    assert typist.editor.text == "show version?"
    assert typist.output == b""


def test_what_is_pasted_arrives_whole_and_cheaply() -> None:
    typist = Typist(columns=80)
    block = b"local port 10005\r\n" * 200
    lines = []
    size = 0
    for byte in block:
        if typist.editor.feed(byte) is Event.LINE:
            lines.append(typist.editor.text)
            typist.editor.begin(PROMPT)
        size += len(typist.editor.output)
        typist.editor.output.clear()
    assert lines == ["local port 10005"] * 200
    assert size <= len(block) + 201 * len(PROMPT)


@given(keys=strategies.binary(max_size=200), columns=strategies.integers(1, 60))
def test_any_keys_keep_screen_and_line_together(keys: bytes, columns: int) -> None:
    typist = Typist(history=("first",), columns=max(columns, 2))
    for byte in keys:
        if typist.editor.feed(byte) in (Event.LINE, Event.OVERLONG, Event.CANCEL):
            typist.editor.begin(PROMPT)
        output = bytes(typist.editor.output)
        typist.editor.output.clear()
        assert all(c.isprintable() or c in "\r\n\x1b\x07" for c in output.decode())
    typist.editor.redraw()
    assert typist.editor.text.isprintable()
    assert typist.editor.text.startswith(typist.editor.before_cursor)


def test_the_history_keeps_the_last_commands_once() -> None:
    history = History()
    for line in ["a", "a", " ", "b", *map(str, range(60))]:
        history.add(line)
    assert len(history.lines) == 50
    assert history.lines[-1] == "59"
    assert history.lines.count("a") == 0
