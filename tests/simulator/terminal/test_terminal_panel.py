"""The panel on a real pty, seen through a terminal emulator."""

from __future__ import annotations

import logging
import os
import re
import termios
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import LineError
from appliance.logbook import SCREEN
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from appliance.simulator.bench import Engaged
from appliance.simulator.terminal import terminal_panel
from appliance.simulator.terminal.choice import suitable_panel
from appliance.simulator.terminal.plain_panel import PlainPanel
from appliance.simulator.terminal.terminal_panel import TerminalPanel
from tests.simulator.terminal.emulator import DEADLINE, Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.terminal.front import Front

TITLE = "CMe3000 front panel"


def test_each_led_has_its_colour_and_meaning(terminal: Emulator, panel: TerminalPanel, front: Front) -> None:
    assert terminal.colour_before("PWR") == ("●", "brightgreen")
    assert terminal.colour_before("LINK") == ("●", "brightbrown")  # as the emulator calls yellow
    assert terminal.colour_before("ERR")[0] == terminal.colour_before("ACT")[0] == "○"
    front.set(Led.ERROR, Rhythm.STEADY, "short circuit on the two-wire bus")
    front.set(Led.LINK, Rhythm.OFF, "not connected", is_lit=False)
    panel.wake()
    terminal.wait_for("short circuit on the two-wire bus")
    assert terminal.colour_before("ERR") == ("●", "brightred")
    assert terminal.colour_before("LINK")[0] == "○"
    assert terminal.lines[-8].find(TITLE) > 0


def test_a_change_is_seen_at_once_and_costs_nothing_else(
    terminal: Emulator, panel: TerminalPanel, front: Front
) -> None:
    before = time.monotonic()
    terminal.raw = b""
    front.set(Led.ACTIVITY, Rhythm.FLICKER, "no traffic")
    panel.wake()
    terminal.wait_until(lambda: terminal.colour_before("ACT")[0] == "●", "ACT")
    assert time.monotonic() - before < 0.2
    assert b"PWR" not in terminal.raw


def test_at_rest_nothing_is_written(terminal: Emulator, panel: TerminalPanel, front: Front) -> None:
    looks = front.looks
    assert not terminal.read_some(1.3)
    assert 1 <= front.looks - looks <= 3
    assert panel.is_resting


@pytest.mark.parametrize(
    ("key", "done"),
    [
        ("s", "short"),
        ("l", "link"),
        ("u", "serial"),
        ("c", "collide"),
        ("i", "identify"),
        ("q", "quit"),
        ("Q", "quit"),
        ("\x03", "quit"),
    ],
)
def test_each_key_does_what_it_says(
    key: str, done: str, terminal: Emulator, make_panel: Callable[..., TerminalPanel], front: Front
) -> None:
    make_panel()
    terminal.wait_for("q quit")
    modes = terminal.modes
    modes[3] &= ~termios.ISIG  # type: ignore[operator] # as a terminal that makes no signals
    termios.tcsetattr(terminal.slave, termios.TCSANOW, modes)
    terminal.type(key)
    terminal.wait_until(lambda: front.done == [done], done)


def test_ctrl_c_stays_a_signal_and_nothing_is_echoed(terminal: Emulator, panel: TerminalPanel) -> None:
    modes = terminal.modes[3]
    assert isinstance(modes, int)
    assert modes & termios.ISIG
    assert not modes & (termios.ECHO | termios.ICANON)
    terminal.type("xyzzy")
    assert not terminal.read_some(0.2)
    assert panel.is_alive


@pytest.mark.usefixtures("panel")
@pytest.mark.parametrize("key", ["b", " "])
def test_the_button_is_pressed_held_and_let_go(key: str, terminal: Emulator, front: Front) -> None:
    terminal.type(key)
    terminal.wait_until(lambda: front.done == ["press"], "press")
    front.hold(0.3)
    terminal.wait_for("held 0.3 s, release: nothing")
    looks = front.looks
    front.hold(6.2, "factory defaults with DHCP, then reboot")  # nobody wakes the panel: it looks by itself
    terminal.wait_for("held 6.2 s, release: factory defaults with DHCP, then reboot", deadline=0.9)
    terminal.wait_for("b release")
    assert front.looks > looks
    terminal.type(key)
    front.hold(0)
    terminal.wait_until(lambda: front.done == ["press", "release"], "release")
    terminal.wait_for("not pressed")


def test_what_is_engaged_stands_out(terminal: Emulator, panel: TerminalPanel, front: Front) -> None:
    front.engaged = Engaged(short_circuit=True)
    panel.wake()
    terminal.wait_for("SHORT CIRCUIT ON")
    row = len(terminal.lines) - 1
    column = terminal.lines[row].find("short")
    assert terminal.screen.buffer[row][column].bg == "red"


@pytest.mark.usefixtures("panel")
def test_help_scrolls_away_above_the_panel(terminal: Emulator) -> None:
    terminal.type("?")
    terminal.wait_for("pull the serial adapter")
    assert TITLE in terminal.lines[-8]


@pytest.mark.usefixtures("panel")
def test_an_action_that_fails_is_logged_and_no_more(
    terminal: Emulator, make_panel: Callable[..., TerminalPanel], front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        front.done.append("fail")
        raise LineError("there is no pty to be had")

    other = Emulator()
    try:
        actions = front.actions()
        object.__setattr__(actions, "toggle_serial", fail)
        panel = make_panel(actions=actions, output=other.file(), input_fd=other.slave)
        other.wait_for("q quit")
        other.type("uc")
        other.wait_until(lambda: front.done == ["fail", "collide"], "both keys")
        assert "there is no pty to be had" in caplog.text
        panel.stop()
    finally:
        other.close()
    terminal.wait_for(TITLE)


@pytest.mark.parametrize("size", [(100, 40), (60, 20), (50, 10), (30, 9), (20, 2)])
def test_a_resize_is_followed_there_and_back(
    size: tuple[int, int],
    terminal: Emulator,
    make_panel: Callable[..., TerminalPanel],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal_panel, "LOOK_EVERY", 0.05)
    panel = make_panel()
    terminal.wait_for("q quit")
    terminal.resize(*size)
    # Nobody wakes the panel.
    terminal.wait_until(lambda: panel._screen._size == size, "the panel's look at the size")
    if size[1] < 3:
        terminal.wait_until(lambda: not terminal.text.strip(), "an empty screen")
    else:
        terminal.wait_until(lambda: "ACT" in "\n".join(terminal.lines[-4:]), "the panel at the bottom")
    assert terminal.text.count(TITLE) <= 1
    assert terminal.text.count("PWR") <= 1
    terminal.resize(80, 24)
    terminal.wait_until(lambda: "q quit" in terminal.lines[-1] and TITLE in terminal.lines[-8], "the panel again")
    assert terminal.text.count(TITLE) == 1


@pytest.mark.usefixtures("logs_to_terminal")
def test_log_lines_of_many_threads_scroll_above_an_intact_panel(
    terminal: Emulator, panel: TerminalPanel, front: Front
) -> None:
    log = logging.getLogger("flood")

    def flood(name: int) -> None:
        for number in range(300):
            log.info("line %d of %d <%s>", number, name, "x" * (number % 150))
            front.set(Led.ERROR, Rhythm.FAST, f"meaning {number}", is_lit=bool(number % 2))
            panel.wake()

    threads = [threading.Thread(target=flood, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        terminal.read_some(0.01)
    for thread in threads:
        thread.join()
    front.set(Led.ERROR, Rhythm.OFF, "all over", is_lit=False)
    panel.wake()
    terminal.wait_for("all over")
    leds = (" ● PWR   in operation", " ○ ERR   all over", " ● LINK  connected", " ○ ACT   no traffic")
    assert tuple(terminal.lines[-7:-3]) == leds
    assert TITLE in terminal.lines[-8]
    assert "q quit" in terminal.lines[-1]
    above = "\n".join([*terminal.scrolled_away, *terminal.lines[:-8]])
    assert "PWR" not in above
    whole = above.replace("\n", "")  # long ones take two rows
    missing = [
        (n, name) for name in range(4) for n in range(300) if f"line {n} of {name} <{'x' * (n % 150)}>" not in whole
    ]
    assert not missing


@pytest.mark.usefixtures("logs_to_terminal")
def test_log_and_panel_take_turns(terminal: Emulator, panel: TerminalPanel, front: Front) -> None:
    writer = threading.Thread(target=lambda: logging.getLogger("turn").info("a line in its turn"))
    with SCREEN:
        writer.start()
        front.status = "in its turn too"
        panel.wake()
        assert not terminal.read_some(0.5)
    terminal.wait_for("a line in its turn")
    terminal.wait_for("in its turn too")
    writer.join(DEADLINE)


def test_output_of_others_stays_above(terminal: Emulator, panel: TerminalPanel) -> None:
    out = terminal.file()
    for number in range(100):
        out.write(f"print {number}\n")
    out.write("half a line")
    out.flush()
    terminal.wait_for("half a line")
    panel.stop()
    terminal.wait_without(TITLE)
    out.write(" and the rest\n")
    terminal.wait_for("half a line and the rest")
    assert "print 99" in terminal.text


def test_it_comes_in_the_middle_of_a_line(terminal: Emulator, make_panel: Callable[..., TerminalPanel]) -> None:
    out = terminal.file()
    out.write("half a line")
    out.flush()
    make_panel()
    terminal.wait_for("q quit")
    out.write(" and the rest\n")
    terminal.wait_for("half a line and the rest")


def test_without_a_keyboard_the_modes_are_left_alone(
    terminal: Emulator, make_panel: Callable[..., TerminalPanel]
) -> None:
    modes = terminal.modes
    with open(os.devnull) as nothing:  # noqa: PTH123 (only its descriptor matters)
        make_panel(input_fd=nothing.fileno())
        terminal.wait_for("No keys")
    assert terminal.modes == modes


def test_no_color_is_respected(terminal: Emulator, make_panel: Callable[..., TerminalPanel]) -> None:
    make_panel(environment={"NO_COLOR": "1"})
    terminal.wait_for("q quit")
    assert terminal.colour_before("PWR") == ("●", "default")
    assert re.search(rb"\x1b\[[0-9;]*m", terminal.raw) is None


def test_which_panel_suits(terminal: Emulator, front: Front, tmp_path: Any) -> None:
    def kind(output: Any, **environment: str) -> type:
        panel = suitable_panel(
            snapshot=front.snapshot,
            status=lambda: "",
            engaged=Engaged,
            actions=front.actions(),
            output=output,
            input_fd=None,
            environment=environment,
        )
        panel.stop()
        return type(panel)

    out = terminal.file()
    assert kind(out, TERM="xterm") is TerminalPanel
    assert kind(out, TERM="dumb") is PlainPanel
    assert kind(out) is PlainPanel
    with (tmp_path / "out").open("w") as file:
        assert kind(file, TERM="xterm") is PlainPanel
