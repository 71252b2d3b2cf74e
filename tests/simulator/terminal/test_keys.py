from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.simulator.terminal.keys import TYPED_AT_ONCE, KeyReader


class Hands:
    """Types at moments that the test sets."""

    def __init__(self) -> None:
        self.time = 50.0
        self.reader = KeyReader(lambda: self.time)

    def type(self, data: bytes, after: float = 0.01) -> str:
        self.time += after
        return self.reader.feed(data)


def test_letters_are_keys() -> None:
    assert Hands().type(b"bS ?\x03") == "bS ?\x03"


@pytest.mark.parametrize(
    "sequence",
    [b"\x1b[A", b"\x1bOP", b"\x1b[15~", b"\x1b[1;5C", b"\x1bq", b"\x1b\x1b[B", "ü€😀".encode(), b"\x9b\x80", b"\x7f"],
)
def test_what_is_no_letter_is_swallowed_whole_however_it_is_cut(sequence: bytes) -> None:
    for cut in range(len(sequence) + 1):
        hands = Hands()
        assert hands.type(sequence[:cut]) + hands.type(sequence[cut:]) + hands.type(b"b") == "b"


def test_a_lone_escape_does_not_eat_the_next_key() -> None:
    hands = Hands()
    assert hands.type(b"\x1b") == ""
    assert hands.type(b"q", after=0.5) == "q"


def test_what_is_pasted_means_nothing() -> None:
    hands = Hands()
    assert hands.type(b"\x1b[200~q") + hands.type(b"uit") + hands.type(b"\x1b[201~") == ""
    assert hands.type(b"q") == "q"


def test_a_paste_without_an_end_does_not_lock_the_keyboard() -> None:
    hands = Hands()
    assert hands.type(b"\x1b[200~") == ""
    assert hands.type(b"q", after=2) == "q"


def test_a_paste_that_the_terminal_does_not_mark_is_known_by_its_size() -> None:
    hands = Hands()
    assert hands.type(b"b" * (TYPED_AT_ONCE + 1)) == ""
    assert hands.type(b"q") == ""
    assert hands.type(b"q", after=2) == "q"


@given(st.lists(st.binary(max_size=64), max_size=12))
def test_whatever_comes_is_ascii_and_leaves_the_keyboard_usable(chunks: list[bytes]) -> None:
    hands = Hands()
    for chunk in chunks:
        keys = hands.type(chunk)
        assert keys.isascii()
        assert len(keys) <= min(len(chunk), TYPED_AT_ONCE)
    assert hands.type(b"b", after=2) == "b"
