"""The board on mock pins, and what becomes of pins that fail."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from appliance.panel.board import GpioBoard, open_pi_board
from appliance.panel.board_file import DEFAULT, Input, Output, PinMap, Pull
from appliance.panel.mock_board import SimulatedBoard, mock_factory, simulated_board
from appliance.panel.panel import MEND_AFTER
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from tests.panel.rig import Bench

if TYPE_CHECKING:
    from pathlib import Path


def state(board: GpioBoard) -> tuple[bool, tuple[str, ...]]:
    """Whether the bus is powered, and the faults."""
    return board.is_bus_powered, board.faults


class Trouble:
    """Has the pins with these numbers fail."""

    def __init__(self) -> None:
        self.claim: set[int] = set()
        self.use: set[int] = set()
        self.writes: list[tuple[int, bool]] = []

    def factory(self) -> Any:
        trouble = self

        class FailingPin(MockPin):  # type: ignore[misc] # gpiozero has no types
            def __init__(self, factory: Any, info: Any) -> None:
                super().__init__(factory, info)
                if self._gpio() in trouble.claim:  # where lgpio's pin fails
                    raise RuntimeError("'GPIO busy'")

            def _gpio(self) -> int:
                return int(self.info.name.removeprefix("GPIO"))

            def _get_state(self) -> bool:
                if self._gpio() in trouble.use and self._function == "input":
                    raise OSError(5, "Input/output error")
                return bool(super()._get_state())

            def _set_state(self, value: bool) -> None:
                if self._gpio() in trouble.use:
                    raise OSError(5, "Input/output error")
                trouble.writes.append((self._gpio(), value))
                super()._set_state(value)

        return MockFactory(pin_class=FailingPin)


@pytest.mark.parametrize("active_high", [True, False])
def test_a_led_has_the_level_that_its_polarity_asks_for(active_high: bool) -> None:
    board = simulated_board(replace(DEFAULT, link_led=Output(5, active_high)))
    pin = board.factory.pin(5)
    assert pin.state is not active_high
    board.light(Led.LINK, True)
    assert pin.state is active_high
    assert board.is_lit(Led.LINK)
    board.light(Led.LINK, False)
    assert pin.state is not active_high
    board.close()


@pytest.mark.parametrize("pull", Pull)
@pytest.mark.parametrize("active_high", [True, False])
def test_inputs_follow_their_polarity_with_any_pull(active_high: bool, pull: Pull) -> None:
    spec = Input(6, active_high, pull)
    board = simulated_board(replace(DEFAULT, button=spec))
    board.release()
    assert not board.is_pressed()
    board.press()
    assert board.is_pressed()
    assert board.factory.pin(6).state is active_high
    assert board.factory.pin(6).pull == {"none": "floating"}.get(pull, pull)
    board.close()


def test_what_is_not_connected_reads_healthy() -> None:
    factory = mock_factory()
    board = GpioBoard(DEFAULT, lambda: factory)
    assert not board.is_pressed()
    assert not board.has_short_circuit()
    board.close()


def test_a_simulated_board_is_healthy_and_released_also_without_pulls() -> None:
    no_pull = PinMap(button=Input(24, False, Pull.NONE), short_circuit=Input(25, False, Pull.NONE))
    board = simulated_board(no_pull)
    assert not board.is_pressed()
    assert not board.has_short_circuit()
    board.close()


def test_the_hands_short_the_bus() -> None:
    board = simulated_board()
    board.short_circuit(True)
    assert board.has_short_circuit()
    board.short_circuit(False)
    assert not board.has_short_circuit()
    board.close()


def test_two_simulated_boards_share_no_pins() -> None:
    one, other = simulated_board(), simulated_board()
    one.press()
    one.light(Led.ERROR, True)
    assert not other.is_pressed()
    assert not other.is_lit(Led.ERROR)
    assert one.faults == other.faults == ()


def test_a_pin_is_written_only_when_its_state_changes() -> None:
    trouble = Trouble()
    factory = trouble.factory()
    board = GpioBoard(DEFAULT, lambda: factory)
    trouble.writes.clear()
    for on in (True, True, False, False, True):
        board.light(Led.POWER, on)
    assert trouble.writes == [(17, True), (17, False), (17, True)]
    board.close()


def test_the_bus_is_powered_from_the_start_and_stays_so_when_the_board_is_closed() -> None:
    board = simulated_board()
    pin = board.factory.pin(26)
    assert state(board) == (pin.state, ()) == (True, ())
    board.power_bus(False)
    assert state(board) == (pin.state, ()) == (False, ())
    board.power_bus(True)
    board.light(Led.POWER, True)
    led = board.factory.pin(17)
    board.close()
    assert (pin.function, pin.state) == ("output", True)
    assert (led.function, led.state) == ("input", False)


def test_what_is_not_fitted_is_no_fault_and_does_nothing() -> None:
    board = simulated_board(PinMap(None, None, None, None, None, None, None))
    board.press()
    board.light(Led.POWER, True)
    board.power_bus(False)
    assert board.faults == ()
    assert not board.is_pressed()
    assert not board.is_lit(Led.POWER)
    assert board.is_bus_powered
    board.close()


def test_a_pin_that_cannot_be_claimed_is_a_fault_the_others_go_on_and_later_it_is_had(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    trouble = Trouble()
    trouble.claim = {27, 24}
    board = SimulatedBoard(DEFAULT, trouble.factory())
    assert board.faults == ("ERR LED on GPIO27: GPIO busy", "button on GPIO24: GPIO busy")
    board.light(Led.ERROR, True)
    board.light(Led.LINK, True)
    assert board.is_lit(Led.LINK)
    board.mend()
    assert [record.message for record in caplog.records] == list(board.faults)
    trouble.claim.clear()
    board.mend()
    assert state(board) == (True, ())
    assert board.is_lit(Led.ERROR)
    board.press()
    assert board.is_pressed()
    assert caplog.messages[-2:] == ["ERR LED on GPIO27 works again", "button on GPIO24 works again"]
    board.close()


def test_a_pin_that_fails_in_use_is_a_fault_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    board = SimulatedBoard(DEFAULT, trouble.factory())
    trouble.use = {22, 25, 26}
    for on in (True, False, True):
        board.light(Led.LINK, on)
        board.light(Led.POWER, on)
        assert not board.has_short_circuit()
    board.power_bus(False)
    faults = (
        "bus power on GPIO26: Input/output error",
        "LINK LED on GPIO22: Input/output error",
        "short-circuit input on GPIO25: Input/output error",
    )
    assert board.faults == faults
    assert board.is_lit(Led.POWER)
    assert not board.is_bus_powered
    assert sorted(caplog.messages) == sorted(faults)
    board.close()


def test_the_panel_shows_a_missing_pin_on_err_and_gets_it_back_by_itself() -> None:
    trouble = Trouble()
    trouble.claim = {22}
    bench = Bench(board=SimulatedBoard(DEFAULT, trouble.factory()))
    bench.run_to(5.0)
    assert bench.pattern(Led.ERROR, 1.2, 5.0) is Rhythm.SLOW
    assert bench.panel.snapshot().led(Led.ERROR).meaning == "LINK LED on GPIO22: GPIO busy"
    assert bench.panel.snapshot().faults == ("LINK LED on GPIO22: GPIO busy",)
    trouble.claim.clear()
    bench.run_to(MEND_AFTER + 2)
    assert bench.panel.snapshot().faults == ()
    assert bench.lit() == {Led.POWER, Led.LINK}


def test_without_gpio_the_board_says_so_and_does_nothing_until_there_is_some(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [OSError(2, "No such file or directory"), OSError(2, "No such file or directory")]

    def open_factory() -> Any:
        if isinstance(answers[0], Exception):
            raise answers.pop(0)
        return answers[0]

    answers.append(mock_factory())
    board = GpioBoard(DEFAULT, open_factory)
    assert board.faults == ("no GPIO: No such file or directory; the panel is dark and the button dead",)
    board.light(Led.POWER, True)
    board.power_bus(True)
    assert not board.is_pressed()
    assert not board.has_short_circuit()
    assert not board.is_bus_powered
    board.mend()
    assert len(caplog.records) == 1
    board.mend()
    assert state(board) == (True, ())
    assert answers[0].pin(17).state
    board.close()


def test_elsewhere_than_on_a_pi_the_board_opens_with_a_fault() -> None:
    board = open_pi_board(DEFAULT)
    assert len(board.faults) == 1
    assert board.faults[0].startswith("no GPIO: ")
    board.close()


FAKE_LGPIO = """
import os
os.chdir(os.environ["LG_WD"])  # as the real one does, to make its FIFO there
open(".lgd-nfy0", "w").close()
SET_PULL_NONE = BOTH_EDGES = RISING_EDGE = FALLING_EDGE = 0
class error(Exception): pass
def gpiochip_open(chip): raise error("can not open gpiochip")
"""

PROGRAM = """
import os
from appliance.panel.board import open_pi_board
from appliance.panel.board_file import DEFAULT
import gpiozero.pins.local
gpiozero.pins.local.get_pi_revision = lambda: 0xc03111
print(open_pi_board(DEFAULT).faults[0], os.getcwd(), sep="\\n")
"""


def test_the_pin_library_makes_its_fifo_in_the_runtime_folder_and_the_program_stays_where_it_is(tmp_path: Path) -> None:
    for name in ("modules", "runtime", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "modules/lgpio.py").write_text(FAKE_LGPIO)
    environment = {name: value for name, value in os.environ.items() if name != "LG_WD"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path / "modules"), *sys.path])
    environment["RUNTIME_DIRECTORY"] = str(tmp_path / "runtime")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment, cwd=tmp_path / "here", capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    fault, folder = done.stdout.splitlines()
    assert fault == "no GPIO: can not open gpiochip; the panel is dark and the button dead"
    assert folder == str(tmp_path / "here")
    assert (tmp_path / "runtime/.lgd-nfy0").exists()
