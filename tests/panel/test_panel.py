"""The panel as a service, and what it makes of its sources."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from appliance.panel.mock_board import simulated_board
from appliance.panel.panel import Panel
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from tests.panel.rig import Bench, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appliance.settings import FactoryVariant

DEADLINE = 5.0


def no_reset(_: FactoryVariant) -> None:
    pytest.fail("nobody pressed anything")


class Running:
    """A panel with its thread, and events for what its pins do."""

    def __init__(self) -> None:
        self.world = World()
        self.board = simulated_board()
        self.panel = Panel(self.board, sources=self.world.sources(), on_reset=no_reset, is_power_on=False)
        self._changed = threading.Condition()
        self.panel.subscribe(self._notice)

    def _notice(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], object], deadline: float = DEADLINE) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, deadline)


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    running.panel.start()
    running.wait_for(lambda: running.board.is_lit(Led.LINK))
    yield running
    running.panel.stop()
    running.board.close()


def test_a_lost_link_reaches_the_led_at_once_when_the_panel_is_woken(running: Running) -> None:
    running.world.has_link = False
    running.panel.wake()
    running.wait_for(lambda: not running.board.is_lit(Led.LINK), 0.2)
    assert running.panel.snapshot().led(Led.LINK).meaning == "not connected to a live network"


def test_traffic_reaches_act_within_200_ms_without_a_wake(running: Running) -> None:
    running.world.traffic += 1
    running.wait_for(lambda: running.board.is_lit(Led.ACTIVITY), 0.2)
    running.wait_for(lambda: not running.board.is_lit(Led.ACTIVITY))


def test_a_short_circuit_reaches_err_without_a_wake(running: Running) -> None:
    running.board.short_circuit(True)
    running.wait_for(lambda: running.board.is_lit(Led.ERROR))
    assert running.panel.snapshot().has_short_circuit
    running.board.short_circuit(False)
    running.wait_for(lambda: not running.board.is_lit(Led.ERROR))


def test_identify_lights_all_leds_at_once_also_from_another_thread(running: Running) -> None:
    running.panel.identify(DEADLINE)
    running.wait_for(lambda: all(running.board.is_lit(led) for led in Led))
    assert running.panel.snapshot().is_identifying
    running.panel.identify(0)
    running.wait_for(lambda: running.board.is_lit(Led.POWER) and not running.board.is_lit(Led.ERROR))
    assert not running.panel.snapshot().is_identifying


def test_it_beats_whenever_it_is_woken(running: Running) -> None:
    for _ in range(3):
        before = running.panel.beats
        running.panel.wake()
        deadline = threading.Event()
        while running.panel.beats == before:
            assert not deadline.wait(0.01) or running.panel.is_alive


def test_a_wake_ends_the_rest_also_one_that_came_before_it() -> None:
    panel = Panel(simulated_board(), sources=World().sources(), on_reset=no_reset)
    panel.wake()
    panel.wake()
    begin = time.monotonic()
    panel._rest(DEADLINE)
    assert time.monotonic() - begin < DEADLINE / 2
    panel._rest(0.01)  # two wakes are one


def test_frames_on_the_network_are_traffic_too() -> None:
    bench = Bench()
    bench.run_to(2.0)
    bench.world.frames += 1
    bench.look()
    assert Led.ACTIVITY in bench.lit()
    bench.run_to(4.0)
    assert Led.ACTIVITY not in bench.lit()


def test_what_matters_less_is_looked_at_less_often_until_the_panel_is_told() -> None:
    bench = Bench()
    bench.run_to(2.0)
    seen = []
    for tick in range(9):
        bench.world.frames += 1
        bench.panel.look(3.0 + tick, is_told=False)
        seen.append(Led.ACTIVITY in bench.lit())
    assert seen.count(True) == 3
    bench.world.has_link = False
    bench.panel.look(12.0)
    assert Led.LINK not in bench.lit()


def test_traffic_before_the_start_is_none() -> None:
    bench = Bench(world=World(traffic=5), is_power_on=False)
    bench.look()
    assert bench.lit() == {Led.POWER, Led.LINK}


def test_a_stopped_panel_is_dark_and_leaves_the_board_to_the_next() -> None:
    first = Running()
    first.panel.start()
    first.wait_for(lambda: first.board.is_lit(Led.LINK))
    first.panel.stop()
    assert not any(first.board.is_lit(led) for led in Led)
    assert first.panel.failure is None
    bench = Bench(board=first.board, is_power_on=False)
    bench.run_to(1.0)
    assert bench.lit() == {Led.POWER, Led.LINK}
    assert first.board.factory.pin(26).state


def test_lamp_test_at_the_start_and_not_when_the_panel_alone_restarts() -> None:
    bench = Bench(world=World(has_link=False))
    bench.run_to(0.9)
    assert bench.lit() == set(Led)
    bench.run_to(1.2)
    assert bench.lit() == {Led.POWER}
    again = Bench(world=World(has_link=False), is_power_on=False)
    again.run_to(0.5)
    assert again.lit() == {Led.POWER}


def test_all_leds_identify_in_step_for_thirty_seconds_and_act_again_after_the_button() -> None:
    bench = Bench()
    bench.run_to(2.03)
    bench.panel.identify()
    bench.do(5.0, bench.board.press)
    bench.do(6.27, bench.board.release)
    bench.run_to(33.0)
    for led in Led:
        assert bench.pattern(led, 7.2, 32.0) is Rhythm.IDENTIFY
    since = {led: [edge for edge in bench.edges[led] if 7.2 < edge[0] < 32.0] for led in Led}
    assert len(since[Led.POWER]) > 90
    assert all(since[led] == since[Led.POWER] for led in Led)
    assert bench.pattern(Led.ACTIVITY, 5.1, 6.2) is Rhythm.SLOW
    assert bench.lit() == {Led.POWER, Led.LINK}


def test_line_errors_blink_for_five_seconds_and_those_before_the_start_never() -> None:
    bench = Bench(world=World(line_errors=7))
    bench.run_to(3.0)
    assert Led.ERROR not in bench.lit()
    bench.world.line_errors = 8
    bench.run_to(8.0)
    assert bench.pattern(Led.ERROR, 3.2, 7.9) is Rhythm.SHORT_BLINK
    bench.run_to(12.0)
    assert bench.pattern(Led.ERROR, 8.2, 12.0) is Rhythm.OFF
    bench.world.line_errors = 0  # cleared by somebody
    bench.run_to(13.0)
    assert bench.pattern(Led.ERROR, 12.0, 13.0) is Rhythm.OFF


def test_one_byte_is_one_flash_and_steady_traffic_flickers() -> None:
    bench = Bench()
    bench.run_to(2.0)
    bench.world.traffic += 1
    bench.run_to(4.0)
    assert [on for time, on in bench.edges[Led.ACTIVITY] if time >= 2.0] == [True, False]
    while bench.now < 7.0:
        bench.world.traffic += 1
        bench.run_to(bench.now + 0.05)
    assert bench.pattern(Led.ACTIVITY, 4.2, 6.9) is Rhythm.FLICKER


def test_an_idle_panel_looks_seven_times_a_second_and_no_more() -> None:
    bench = Bench()
    bench.run_to(2.0)
    before = bench.looks
    bench.run_to(12.0)
    assert 60 <= bench.looks - before <= 75


@pytest.mark.parametrize(
    "source", ["traffic", "frames", "line_errors", "line_faults", "has_link", "device_faults", "reset_in_operation"]
)
def test_a_source_that_raises_is_a_fault_and_logged_once(source: str, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(World):
        is_broken = False

        def __getattribute__(self, name: str) -> Any:
            if name == source and type(self).is_broken:
                raise LookupError("gone")
            return super().__getattribute__(name)

    bench = Bench(world=Broken())
    bench.run_to(2.0)
    Broken.is_broken = True
    bench.run_to(5.0)
    assert bench.pattern(Led.ERROR, 2.2, 5.0) is Rhythm.SLOW
    (fault,) = bench.panel.snapshot().faults
    assert fault.endswith("(gone)")
    assert len(caplog.records) == 1
    Broken.is_broken = False
    bench.run_to(6.0)
    assert bench.panel.snapshot().faults == ()
    assert bench.lit() == {Led.POWER, Led.LINK}


def test_a_reset_that_fails_is_a_fault_and_the_panel_goes_on() -> None:
    bench = Bench()

    def fail(_: FactoryVariant) -> None:
        assert bench.panel.patience > 10
        raise OSError(28, "No space left on device")

    bench.panel._on_reset = fail
    bench.do(2.0, bench.board.press)
    bench.do(8.0, bench.board.release)
    bench.run_to(12.0)
    assert bench.panel.snapshot().faults == ("the factory reset failed ([Errno 28] No space left on device)",)
    assert bench.pattern(Led.ERROR, 8.5, 12.0) is Rhythm.SLOW
    assert bench.panel.patience < 10


def test_subscribers_hear_of_each_change_until_they_leave_or_fail(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.run_to(2.0)
    heard: list[bool] = []
    leave = bench.panel.subscribe(lambda: heard.append(bench.panel.snapshot().has_short_circuit))
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise ValueError

    bench.panel.subscribe(fail)
    bench.run_to(4.0)
    assert heard == []
    bench.board.short_circuit(True)
    bench.run_to(5.0)
    assert heard == [True]
    leave()
    bench.board.short_circuit(False)
    bench.run_to(6.0)
    assert heard == [True]
    assert calls == [1]
    assert len(caplog.records) == 1


def test_the_hold_counts_from_the_start_of_the_program() -> None:
    board, world = simulated_board(), World()
    board.press()
    panel = Panel(board, sources=world.sources(), on_reset=world.resets.append, started=100.0, clock=lambda: 103.0)
    panel.look(103.0)
    panel.look(103.1)
    assert panel.snapshot().held == pytest.approx(3.1)
