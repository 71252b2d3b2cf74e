"""How long the button is held, what ACT shows meanwhile, and what comes of it: seen at the pins."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from appliance.settings import FactoryVariant
from tests.panel.rig import Bench, World

SLOW, FAST, FASTER = Rhythm.SLOW, Rhythm.FAST, Rhythm.FASTER
DHCP, STATIC = FactoryVariant.DHCP, FactoryVariant.STATIC


class Timeline(NamedTuple):
    at_power_on: bool
    held: float
    shown: list[tuple[float, float, Rhythm]]
    """From when to when of the hold ACT has which pattern."""
    outcome: list[FactoryVariant]


EARLY = (0.2, 4.9, SLOW)
TIMELINES = [
    Timeline(False, 4.9, [EARLY], []),
    Timeline(False, 4.97, [EARLY], []),  # known to be over after 5 s alone
    Timeline(False, 5.0, [EARLY], [DHCP]),
    Timeline(False, 14.9, [EARLY, (5.2, 14.9, FAST)], [DHCP]),
    Timeline(False, 15.0, [EARLY, (5.2, 15.0, FAST)], [DHCP]),
    Timeline(False, 19.9, [EARLY, (5.2, 19.9, FAST)], [DHCP]),
    Timeline(False, 20.0, [EARLY, (5.2, 20.0, FAST)], [DHCP]),
    Timeline(True, 4.9, [EARLY], []),
    Timeline(True, 5.0, [EARLY], []),
    Timeline(True, 14.9, [(0.2, 14.9, SLOW)], []),
    Timeline(True, 15.0, [(0.2, 15.0, SLOW)], [DHCP]),
    Timeline(True, 19.9, [(0.2, 15.0, SLOW), (15.1, 19.9, FAST)], [DHCP]),
    Timeline(True, 20.0, [(0.2, 15.0, SLOW), (15.1, 20.0, FAST)], [STATIC]),
    Timeline(True, 22.0, [(0.2, 15.0, SLOW), (15.1, 20.0, FAST), (20.1, 22.0, FASTER)], [STATIC]),
]


def bounce(bench: Bench, time: float, *, closed: bool) -> None:
    """Go over to `closed` as a worn contact does: 46 ms to and fro."""
    for offset in (0.0, 0.011, 0.02, 0.033, 0.046):
        bench.do(time + offset, bench.board.press if closed else bench.board.release)
        closed = not closed


@pytest.mark.parametrize("bounces", [False, True], ids=["clean", "bouncing"])
@pytest.mark.parametrize("line", TIMELINES, ids=lambda t: f"{'power-on' if t.at_power_on else 'operation'}-{t.held:g}s")
def test_timeline(line: Timeline, bounces: bool) -> None:
    bench = Bench(pressed=line.at_power_on)
    begin = 0.0 if line.at_power_on else 3.0
    bench.run_to(begin)
    if bounces and not line.at_power_on:
        bounce(bench, begin, closed=True)
    elif not line.at_power_on:
        bench.do(begin, bench.board.press)
    bench.run_to(begin + line.held - 0.001)
    would_reset = bench.panel.snapshot().on_release
    if bounces:
        bounce(bench, begin + line.held, closed=False)
    else:
        bench.do(begin + line.held, bench.board.release)
    end = begin + line.held + 0.5
    bench.run_to(end)
    assert bench.world.resets == line.outcome
    for since, until, rhythm in line.shown:
        assert bench.pattern(Led.ACTIVITY, begin + since, begin + until) is rhythm
    assert would_reset == "" or line.outcome
    assert bench.pattern(Led.ACTIVITY, begin + line.held + 0.2, end) is Rhythm.OFF
    if line.outcome:
        assert bench.lit() == {Led.POWER}
        assert bench.panel.snapshot().led(Led.POWER).meaning == "factory defaults are set, restarting"


@pytest.mark.parametrize(("held", "outcome"), [(4.85, []), (5.15, [DHCP])])
def test_a_hold_that_the_panel_finds_at_its_own_pace_is_as_long_as_it_was(
    held: float, outcome: list[FactoryVariant]
) -> None:
    bench = Bench()
    bench.run_to(3.033)
    bench.board.press()
    bench.run_to(3.04 + held)
    bench.board.release()
    bench.run_to(10)
    assert bench.world.resets == outcome


def test_a_release_says_beforehand_what_it_would_do() -> None:
    bench = Bench(pressed=True)
    said = []
    for time in (10.0, 16.0, 21.0):
        bench.run_to(time)
        snapshot = bench.panel.snapshot()
        assert snapshot.is_pressed
        assert snapshot.held == pytest.approx(time)
        said.append(snapshot.on_release)
    assert said == [
        "",
        "factory defaults with DHCP, then reboot",
        "factory defaults with static address 192.168.0.10, then reboot",
    ]


def test_bounces_in_the_middle_of_a_hold_do_not_split_it() -> None:
    bench = Bench()
    bench.do(2.0, bench.board.press)
    for time in (3.0, 4.0, 6.0):
        bench.do(time, bench.board.release)
        bench.do(time + 0.03, bench.board.press)
    bench.do(7.0, bench.board.release)
    bench.run_to(8.0)
    assert bench.world.resets == [DHCP]


def test_a_press_that_turns_into_chatter_ends_there() -> None:
    bench = Bench()
    bench.do(2.0, bench.board.press)
    for step in range(80):
        bench.do(4.0 + step * 0.08, bench.board.release)
        bench.do(4.04 + step * 0.08, bench.board.press)
    bench.do(12.0, bench.board.release)
    bench.run_to(13.0)
    assert bench.world.resets == []


def test_spikes_are_no_hold() -> None:
    bench = Bench()
    for step in range(80):
        bench.do(2.0 + step * 0.2, bench.board.press)
        bench.do(2.0 + step * 0.2 + 0.03, bench.board.release)
    assert bench.world.resets == []
    assert bench.edges[Led.ACTIVITY] == [(0.0, True), (1.0, False)]


def test_a_button_held_for_over_a_minute_is_a_fault_and_does_nothing_more() -> None:
    bench = Bench()
    bench.do(2.0, bench.board.press)
    bench.run_to(61.9)
    assert bench.pattern(Led.ACTIVITY, 55.0, 61.9) is FAST
    bench.run_to(70.0)
    assert bench.panel.snapshot().faults == ("button held for over 60 s: stuck?",)
    assert bench.pattern(Led.ERROR, 62.2, 70.0) is Rhythm.SLOW
    assert bench.pattern(Led.ACTIVITY, 62.2, 70.0) is Rhythm.OFF
    bench.world.traffic += 1
    bench.do(71.0, lambda: setattr(bench.world, "traffic", 5))
    assert bench.panel.snapshot().led(Led.ACTIVITY).rhythm is Rhythm.FLICKER
    bench.do(80.0, bench.board.release)
    bench.run_to(81.0)
    assert bench.world.resets == []
    assert bench.panel.snapshot().faults == ()


def test_after_it_was_stuck_the_button_must_rest_for_ten_seconds() -> None:
    bench = Bench()
    bench.do(2.0, bench.board.press)
    bench.do(70.0, bench.board.release)
    bench.do(79.0, bench.board.press)  # too soon
    bench.do(86.0, bench.board.release)
    bench.run_to(86.5)
    assert bench.world.resets == []
    bench.do(96.2, bench.board.press)
    bench.do(101.2, bench.board.release)
    bench.run_to(102.0)
    assert bench.world.resets == [DHCP]


def test_stuck_at_power_on_neither() -> None:
    bench = Bench(pressed=True)
    bench.do(60.2, bench.board.release)
    bench.run_to(61.0)
    assert bench.world.resets == []


def test_with_the_reset_in_operation_off_a_hold_does_nothing_ever() -> None:
    bench = Bench(world=World(reset_in_operation=False))
    bench.do(2.0, bench.board.press)
    bench.do(32.0, bench.board.release)
    bench.run_to(33.0)
    assert bench.pattern(Led.ACTIVITY, 2.2, 32.0) is SLOW
    assert bench.world.resets == []


def test_with_the_reset_in_operation_off_a_hold_at_power_on_still_resets() -> None:
    bench = Bench(world=World(reset_in_operation=False), pressed=True)
    bench.do(15.0, bench.board.release)
    bench.run_to(16.0)
    assert bench.world.resets == [DHCP]


@pytest.mark.parametrize("found", [{"after_button_reset": True}, {"is_power_on": False}], ids=str)
def test_a_button_found_pressed_when_it_must_not_be_is_ignored_until_it_rested(found: dict[str, bool]) -> None:
    bench = Bench(pressed=True, **found)  # type: ignore[arg-type] # two flags
    bench.do(20.0, bench.board.release)
    bench.do(21.0, bench.board.press)
    bench.do(28.0, bench.board.release)
    bench.run_to(38.0)
    assert bench.world.resets == []
    assert bench.pattern(Led.ACTIVITY, 1.2, 38.0) is Rhythm.OFF
    bench.do(38.5, bench.board.press)
    bench.do(43.5, bench.board.release)
    bench.run_to(44.0)
    assert bench.world.resets == [DHCP]


def test_after_a_reset_by_the_button_one_that_is_found_released_works_at_once() -> None:
    bench = Bench(after_button_reset=True)
    bench.do(1.0, bench.board.press)
    bench.do(6.0, bench.board.release)
    bench.run_to(7.0)
    assert bench.world.resets == [DHCP]


def test_while_the_restart_is_awaited_the_button_does_nothing_and_afterwards_the_panel_says_that_it_did_not_come() -> (
    None
):
    bench = Bench()
    bench.do(2.0, bench.board.press)
    bench.do(8.0, bench.board.release)
    bench.do(20.0, bench.board.press)
    bench.do(30.0, bench.board.release)
    bench.run_to(60.0)
    assert bench.world.resets == [DHCP]
    assert bench.lit() == {Led.POWER}
    assert bench.pattern(Led.ACTIVITY, 8.2, 60.0) is Rhythm.OFF
    bench.run_to(70.0)
    assert bench.panel.snapshot().faults == ("factory defaults are set, but the device did not restart",)
    assert bench.pattern(Led.ERROR, 68.5, 70.0) is SLOW
