"""What the panel in the terminal looks like. Pure: a snapshot in, lines out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.simulator.terminal.paint import ALARM, COLOURS, DIM, KEY, PLAIN, Span, Style, width

if TYPE_CHECKING:
    from appliance.panel.snapshot import LedSnapshot, PanelSnapshot
    from appliance.simulator.bench import Engaged

TITLE = "CMe3000 front panel"

FULL_ROWS = 16
"""Rows from which each LED has a line of its own; half of them is left to the log."""
COMPACT_ROWS, COMPACT_COLUMNS = 8, 40
"""From here on there is a title, a line for LEDs and button, and one for the keys."""
ONE_LINE_ROWS, ONE_LINE_COLUMNS = 3, 24
"""From here on there is a line with the LEDs; below that only the log."""

HELP = (
    "b, space  press the button; again: let it go",
    "s         short the two wires of the bus, or part them",
    "l         pull the network cable, or plug it in",
    "u         pull the serial adapter, or plug it in",
    "c         let two meters talk at once: a collision",
    "i         identify: all LEDs flash for a while",
    "Ctrl-L    draw the panel anew",
    "Ctrl-Z    put the program aside; fg takes it up again",
    "q, Ctrl-C end the program",
)


@dataclass(frozen=True, slots=True)
class View:
    """All that is shown."""

    panel: PanelSnapshot
    status: str
    engaged: Engaged
    is_down: bool
    """Whether the key that presses the button was struck and not struck again."""
    has_keys: bool


def draw(view: View, columns: int, rows: int, style: Style) -> list[str]:
    """Return the lines for the bottom of a terminal of that size, none when it is too small for any."""
    if rows < ONE_LINE_ROWS or columns < ONE_LINE_COLUMNS:
        return []
    if rows < COMPACT_ROWS or columns < COMPACT_COLUMNS:
        lines = [_lamps(view, style)]
    elif rows < FULL_ROWS:
        lines = [
            _title(view, columns, style),
            [*_lamps(view, style), Span("   "), *_button(view)],
            _keys(view, columns),
        ]
    else:
        lines = [
            _title(view, columns, style),
            *(_led(shown, style) for shown in view.panel.leds),
            [Span(" Button  "), *_button(view)],
            _state(view),
            _keys(view, columns),
        ]
    return [style.paint(line, columns) for line in lines]


def _title(view: View, columns: int, style: Style) -> list[Span]:
    shown = {
        " SHORT CIRCUIT ON ": view.engaged.short_circuit or view.panel.has_short_circuit,
        " LINK UNPLUGGED ": view.engaged.link,
        " SERIAL UNPLUGGED ": view.engaged.serial,
        " IDENTIFYING ": view.panel.is_identifying,
    }
    rule = style.rule
    spans = [Span(f"{rule * 2} ", DIM), Span(TITLE), Span(f" {rule}", DIM)]
    for text, is_shown in shown.items():
        if is_shown:
            spans += [Span(text, ALARM), Span(rule, DIM)]
    return [*spans, Span(rule * max(0, columns - width(spans)), DIM)]


def _lamp(shown: LedSnapshot, style: Style) -> Span:
    return Span(style.lamp(is_lit=shown.is_lit), COLOURS[shown.led.colour] if shown.is_lit else DIM)


def _lamps(view: View, style: Style) -> list[Span]:
    return [span for shown in view.panel.leds for span in (Span(" "), _lamp(shown, style), Span(f" {shown.led}"))]


def _led(shown: LedSnapshot, style: Style) -> list[Span]:
    return [Span(" "), _lamp(shown, style), Span(f" {shown.led:<4}  "), Span(shown.meaning)]


def _button(view: View) -> list[Span]:
    if not view.panel.is_pressed:
        return [Span("pressed" if view.is_down else "not pressed", PLAIN if view.is_down else DIM)]
    return [Span(f"held {view.panel.held:.1f} s, release: {view.panel.on_release or 'nothing'}", KEY)]


def _state(view: View) -> list[Span]:
    troubles = [*view.panel.faults, *(() if view.panel.is_bus_powered else ("bus power is off",))]
    return [Span(" State   "), Span(view.status), *(Span(f"; {trouble}", ALARM) for trouble in troubles)]


def _keys(view: View, columns: int) -> list[Span]:
    """Name the keys, in as many words as there is room for; those of what is engaged stand out."""
    if not view.has_keys:
        return [Span(" No keys: the input is no terminal. Ctrl-C ends the program.", DIM)]
    keys = (
        ("b", "release" if view.is_down else "press", view.is_down),
        ("s", "short", view.engaged.short_circuit),
        ("l", "link", view.engaged.link),
        ("u", "serial", view.engaged.serial),
        ("c", "collide", False),
        ("i", "identify", view.panel.is_identifying),
        ("?", "help", False),
        ("q", "quit", False),
    )
    spans = []
    for key, word, is_engaged in keys:
        spans += [Span(f" {key}", KEY), Span(f" {word} ", ALARM if is_engaged else PLAIN)]
    if width(spans) <= columns:
        return spans
    return [Span(f" {key} ", ALARM if is_engaged else KEY) for key, _, is_engaged in keys]
