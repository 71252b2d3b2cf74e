"""A panel that the test sets by hand, and a list of what was done to it."""

from __future__ import annotations

from dataclasses import replace

from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led, LedSnapshot, PanelSnapshot
from appliance.simulator.bench import Engaged
from appliance.simulator.terminal.actions import Actions

HEALTHY = PanelSnapshot(
    leds=(
        LedSnapshot(Led.POWER, Rhythm.STEADY, True, "in operation"),
        LedSnapshot(Led.ERROR, Rhythm.OFF, False, "no fault"),
        LedSnapshot(Led.LINK, Rhythm.STEADY, True, "connected"),
        LedSnapshot(Led.ACTIVITY, Rhythm.OFF, False, "no traffic"),
    ),
    is_pressed=False,
    held=0.0,
    on_release="",
    has_short_circuit=False,
    is_bus_powered=True,
    is_identifying=False,
    faults=(),
)


class Front:
    """What is shown; `done` has what the keys did."""

    def __init__(self) -> None:
        self.panel = HEALTHY
        self.engaged = Engaged()
        self.status = "tunnel waiting on port 10001"
        self.done: list[str] = []
        self.looks = 0

    def snapshot(self) -> PanelSnapshot:
        self.looks += 1
        return self.panel

    def set(self, led: Led, rhythm: Rhythm, meaning: str, *, is_lit: bool = True) -> None:
        leds = tuple(LedSnapshot(led, rhythm, is_lit, meaning) if old.led is led else old for old in self.panel.leds)
        self.panel = replace(self.panel, leds=leds)

    def hold(self, seconds: float, on_release: str = "") -> None:
        self.panel = replace(self.panel, is_pressed=seconds > 0, held=seconds, on_release=on_release)

    def actions(self) -> Actions:
        return Actions(
            press=lambda: self.done.append("press"),
            release=lambda: self.done.append("release"),
            toggle_short_circuit=lambda: self.done.append("short"),
            toggle_link=lambda: self.done.append("link"),
            toggle_serial=lambda: self.done.append("serial"),
            collide=lambda: self.done.append("collide"),
            identify=lambda: self.done.append("identify"),
            quit=lambda: self.done.append("quit"),
        )
