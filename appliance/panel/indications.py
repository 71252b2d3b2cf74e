"""What each LED means: the one place where that is decided. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NEVER = float("-inf")

LINE_ERROR_SHOWN = 5.0
"""Seconds for which ERR blinks after a collision or line error."""

TRAFFIC_SHOWN = 0.19
"""Seconds for which ACT flickers after traffic: one flash, and gone before the next would begin."""

LAMP_TEST = 1.0
"""Seconds at the start during which all LEDs are lit."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the LEDs depend on. Times are seconds of one clock; `NEVER` lies before all of them."""

    now: float
    restart_until: float = NEVER
    """Until when the restart after a factory reset is awaited."""
    identify_until: float = NEVER
    lamp_test_until: float = NEVER
    has_short_circuit: bool = False
    line_faults: tuple[str, ...] = ()
    line_error_at: float = NEVER
    device_faults: tuple[str, ...] = ()
    """Of the device and of the panel itself."""
    has_link: bool | None = True
    traffic_at: float = NEVER
    feedback: Rhythm | None = None
    """What the held button wants ACT to show; None when it wants nothing."""
    on_release: str = ""
    """What a release of the button would do; empty when nothing."""


@dataclass(frozen=True, slots=True)
class Indication:
    """What one LED shows, and why in a few words."""

    rhythm: Rhythm
    meaning: str


class Rule(NamedTuple):
    """A row of the table: when it applies, what the LED shows, and what that means."""

    applies: Callable[[Circumstances], bool]
    rhythm: Rhythm
    meaning: Callable[[Circumstances], str]


def _always(_: Circumstances) -> bool:
    return True


def _is_restarting(c: Circumstances) -> bool:
    return c.now < c.restart_until


def _is_identifying(c: Circumstances) -> bool:
    return c.now < c.identify_until


def _is_lamp_test(c: Circumstances) -> bool:
    return c.now < c.lamp_test_until


def _has_line_error(c: Circumstances) -> bool:
    return c.now - c.line_error_at < LINE_ERROR_SHOWN


def _has_traffic(c: Circumstances) -> bool:
    return c.now - c.traffic_at < TRAFFIC_SHOWN


def _text(meaning: str) -> Callable[[Circumstances], str]:
    return lambda _: meaning


def _first(faults: tuple[str, ...]) -> str:
    more = len(faults) - 1
    return f"{faults[0]} (and {more} more)" if more else faults[0]


def _hold(c: Circumstances) -> str:
    return f"button held; on release: {c.on_release}" if c.on_release else "button held; a release changes nothing"


_RESTARTING = _text("factory defaults are set, restarting")
_PRECEDING = (
    Rule(_is_restarting, Rhythm.OFF, _RESTARTING),
    Rule(_is_identifying, Rhythm.IDENTIFY, _text("this is the device that is looked for")),
    Rule(_is_lamp_test, Rhythm.STEADY, _text("lamp test")),
)

RULES: Mapping[Led, tuple[Rule, ...]] = {
    Led.POWER: (
        Rule(_is_restarting, Rhythm.STEADY, _RESTARTING),
        *_PRECEDING,
        Rule(_always, Rhythm.STEADY, _text("normal operation")),
    ),
    Led.ERROR: (
        *_PRECEDING,
        Rule(lambda c: c.has_short_circuit, Rhythm.STEADY, _text("short circuit or overload on the two-wire bus")),
        Rule(lambda c: bool(c.line_faults), Rhythm.STEADY, lambda c: _first(c.line_faults)),
        Rule(_has_line_error, Rhythm.SHORT_BLINK, _text("collision or line error on the M-Bus")),
        Rule(lambda c: bool(c.device_faults), Rhythm.SLOW, lambda c: _first(c.device_faults)),
        Rule(_always, Rhythm.OFF, _text("no fault")),
    ),
    Led.LINK: (
        *_PRECEDING,
        Rule(lambda c: c.has_link is None, Rhythm.OFF, _text("link state unknown")),
        Rule(lambda c: bool(c.has_link), Rhythm.STEADY, _text("connected to a live network")),
        Rule(_always, Rhythm.OFF, _text("not connected to a live network")),
    ),
    Led.ACTIVITY: (
        Rule(lambda c: c.feedback is Rhythm.SLOW, Rhythm.SLOW, _hold),
        Rule(lambda c: c.feedback is Rhythm.FAST, Rhythm.FAST, _hold),
        Rule(lambda c: c.feedback is Rhythm.FASTER, Rhythm.FASTER, _hold),
        *_PRECEDING,
        Rule(_has_traffic, Rhythm.FLICKER, _text("communication under way")),
        Rule(_always, Rhythm.OFF, _text("no communication")),
    ),
}
"""For each LED its rows; the first that applies is shown."""


def indication(led: Led, circumstances: Circumstances) -> Indication:
    """Say what `led` shows in these circumstances."""
    rule = next(rule for rule in RULES[led] if rule.applies(circumstances))
    return Indication(rule.rhythm, rule.meaning(circumstances))


def indications(circumstances: Circumstances) -> dict[Led, Indication]:
    """Say what every LED shows in these circumstances."""
    return {led: indication(led, circumstances) for led in Led}
