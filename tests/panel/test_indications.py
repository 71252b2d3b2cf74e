"""What each LED means, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.panel.indications import NEVER, Circumstances, Indication, indication, indications
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led

NOW = 1000.0
SHORT = "short circuit or overload on the two-wire bus"
GONE = "/dev/ttyAMA0: device disconnected"
PIN = "LINK LED on GPIO22: GPIO busy"

TABLE: list[tuple[Led, dict[str, Any], Rhythm, str]] = [
    (Led.POWER, {}, Rhythm.STEADY, "normal operation"),
    (Led.POWER, {"has_short_circuit": True}, Rhythm.STEADY, "normal operation"),
    (Led.ERROR, {}, Rhythm.OFF, "no fault"),
    (Led.ERROR, {"has_short_circuit": True}, Rhythm.STEADY, SHORT),
    (Led.ERROR, {"has_short_circuit": True, "line_faults": (GONE,)}, Rhythm.STEADY, SHORT),
    (Led.ERROR, {"line_faults": (GONE,), "line_error_at": NOW}, Rhythm.STEADY, GONE),
    (Led.ERROR, {"line_faults": (GONE, "other")}, Rhythm.STEADY, f"{GONE} (and 1 more)"),
    (Led.ERROR, {"line_error_at": NOW}, Rhythm.SHORT_BLINK, "collision or line error on the M-Bus"),
    (Led.ERROR, {"line_error_at": NOW - 4.9, "device_faults": (PIN,)}, Rhythm.SHORT_BLINK, "collision or line error"),
    (Led.ERROR, {"line_error_at": NOW - 5.0}, Rhythm.OFF, "no fault"),
    (Led.ERROR, {"line_error_at": NOW - 5.0, "device_faults": (PIN,)}, Rhythm.SLOW, PIN),
    (Led.LINK, {}, Rhythm.STEADY, "connected"),
    (Led.LINK, {"has_link": False}, Rhythm.OFF, "not connected"),
    (Led.LINK, {"has_link": None}, Rhythm.OFF, "unknown"),
    (Led.ACTIVITY, {}, Rhythm.OFF, "no communication"),
    (Led.ACTIVITY, {"traffic_at": NOW - 0.1}, Rhythm.FLICKER, "communication under way"),
    (Led.ACTIVITY, {"traffic_at": NOW - 0.2}, Rhythm.OFF, "no communication"),
    (Led.ACTIVITY, {"traffic_at": NOW, "feedback": Rhythm.SLOW}, Rhythm.SLOW, "a release changes nothing"),
    (Led.ACTIVITY, {"feedback": Rhythm.FAST, "on_release": "x"}, Rhythm.FAST, "on release: x"),
    (Led.ACTIVITY, {"feedback": Rhythm.FASTER, "on_release": "y"}, Rhythm.FASTER, "on release: y"),
    (Led.ACTIVITY, {"feedback": Rhythm.SLOW, "identify_until": NOW + 1}, Rhythm.SLOW, "held"),
    (Led.ACTIVITY, {"feedback": Rhythm.SLOW, "lamp_test_until": NOW + 1}, Rhythm.SLOW, "held"),
]


@pytest.mark.parametrize(("led", "given", "rhythm", "meaning"), TABLE)
def test_row(led: Led, given: dict[str, Any], rhythm: Rhythm, meaning: str) -> None:
    shown = indication(led, Circumstances(NOW, **given))
    assert shown.rhythm is rhythm
    assert meaning in shown.meaning


@pytest.mark.parametrize("led", Led)
def test_identify_precedes_the_lamp_test_and_both_precede_the_rest(led: Led) -> None:
    rest: dict[str, Any] = {"has_short_circuit": True, "has_link": None, "traffic_at": NOW}
    soon = NOW + 1
    assert indication(led, Circumstances(NOW, lamp_test_until=soon, **rest)) == Indication(Rhythm.STEADY, "lamp test")
    both = Circumstances(NOW, lamp_test_until=soon, identify_until=soon, **rest)
    assert indication(led, both).rhythm is Rhythm.IDENTIFY
    over = Circumstances(NOW, lamp_test_until=NOW, identify_until=NOW, **rest)
    assert indication(led, over) == indication(led, Circumstances(NOW, **rest))


def test_during_the_restart_only_power_is_lit() -> None:
    shown = indications(
        Circumstances(NOW, restart_until=NOW + 1, identify_until=NOW + 1, has_short_circuit=True, line_error_at=NEVER)
    )
    assert {led: shown[led].rhythm for led in Led} == {
        Led.POWER: Rhythm.STEADY,
        Led.ERROR: Rhythm.OFF,
        Led.LINK: Rhythm.OFF,
        Led.ACTIVITY: Rhythm.OFF,
    }
