from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from appliance.simulator.bench import Engaged
from appliance.simulator.terminal.drawing import View, draw
from appliance.simulator.terminal.paint import Style
from tests.simulator.terminal.front import HEALTHY, Front

COLOURED, BARE = Style(), Style(has_colour=False)


def view(front: Front, *, is_down: bool = False, has_keys: bool = True) -> View:
    return View(front.panel, front.status, front.engaged, is_down, has_keys)


def bare(front: Front, columns: int = 80, rows: int = 24) -> str:
    return "\n".join(draw(view(front), columns, rows, BARE))


@pytest.mark.parametrize(
    ("columns", "rows", "lines"),
    [(80, 24, 8), (80, 16, 8), (80, 15, 3), (40, 8, 3), (39, 24, 1), (80, 7, 1), (24, 3, 1), (80, 2, 0), (23, 50, 0)],
)
def test_the_size_says_how_much_is_shown(columns: int, rows: int, lines: int) -> None:
    assert len(draw(view(Front()), columns, rows, BARE)) == lines


@given(st.text(max_size=200), st.integers(0, 130), st.integers(0, 40), st.booleans(), st.booleans())
def test_no_line_is_longer_than_the_terminal_or_has_anything_but_text(
    meaning: str, columns: int, rows: int, is_down: bool, has_keys: bool
) -> None:
    front = Front()
    front.status = meaning
    front.engaged = Engaged(short_circuit=True, link=True, serial=True)
    front.set(Led.ERROR, Rhythm.STEADY, meaning)
    front.hold(6.2, meaning)
    shown = view(front, is_down=is_down, has_keys=has_keys)
    lines = draw(shown, columns, rows, BARE)
    assert len(lines) <= max(0, rows - 2)
    for line in lines:
        assert len(line) <= columns
        assert line.isprintable()
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in draw(shown, columns, rows, COLOURED)] == lines


def test_the_button_says_how_long_and_what_for() -> None:
    front = Front()
    assert "not pressed" in bare(front)
    front.hold(6.24, "factory defaults with DHCP, then reboot")
    assert "held 6.2 s, release: factory defaults with DHCP, then reboot" in bare(front)
    front.hold(1.0)
    assert "held 1.0 s, release: nothing" in bare(front)


def test_what_is_engaged_is_in_the_title() -> None:
    front = Front()
    assert "SHORT" not in bare(front)
    front.engaged = Engaged(short_circuit=True, link=True, serial=True)
    for rows in (24, 10):
        title = bare(front, rows=rows).splitlines()[0]
        assert all(text in title for text in ("SHORT CIRCUIT ON", "LINK UNPLUGGED", "SERIAL UNPLUGGED"))


def test_faults_of_the_panel_are_shown() -> None:
    front = Front()
    front.panel = replace(HEALTHY, faults=("the button is stuck",), is_bus_powered=False)
    assert "the button is stuck" in bare(front)
    assert "bus power is off" in bare(front)


def test_without_keys_none_is_named() -> None:
    assert "press" not in draw(view(Front(), has_keys=False), 80, 24, BARE)[-1]


def test_a_terminal_without_unicode_gets_ascii() -> None:
    assert "\n".join(draw(view(Front()), 80, 24, Style(has_unicode=False))).isascii()
