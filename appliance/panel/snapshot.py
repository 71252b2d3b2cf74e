"""What the panel shows, as one value for whoever displays it: web page, console, terminal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.panel.rhythm import Rhythm


class Led(StrEnum):
    """The four LEDs, by what is printed beside them."""

    POWER = "PWR"
    ERROR = "ERR"
    LINK = "LINK"
    ACTIVITY = "ACT"

    @property
    def colour(self) -> str:
        """Green, red or yellow."""
        return {"PWR": "green", "ERR": "red"}.get(self.value, "yellow")


@dataclass(frozen=True, slots=True)
class LedSnapshot:
    """One LED."""

    led: Led
    rhythm: Rhythm
    is_lit: bool
    """At this moment."""
    meaning: str
    """Why it shows what it shows, in a few words."""


@dataclass(frozen=True, slots=True)
class PanelSnapshot:
    """The whole panel."""

    leds: tuple[LedSnapshot, ...]
    """Always four, in the order of `Led`."""
    is_pressed: bool
    held: float
    """Seconds that the button has been held; 0 while it is not."""
    on_release: str
    """What a release of the button would do now, in words; empty when nothing."""
    has_short_circuit: bool
    is_bus_powered: bool
    is_identifying: bool
    faults: tuple[str, ...]
    """What is wrong with the panel itself, a sentence each: a pin that cannot be had, a button that is stuck."""

    def led(self, led: Led) -> LedSnapshot:
        """Give one of the four."""
        return next(shown for shown in self.leds if shown.led is led)
