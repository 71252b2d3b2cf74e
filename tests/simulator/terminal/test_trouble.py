"""Whatever ends the panel or holds it up leaves a terminal in order."""

from __future__ import annotations

import os
import termios
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.logbook import SCREEN
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from appliance.simulator.bench import Engaged
from appliance.simulator.terminal.terminal_panel import TerminalPanel
from tests.simulator.terminal.emulator import DEADLINE, Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.terminal.front import Front

TITLE = "CMe3000 front panel"


def assert_as_before(terminal: Emulator, modes: object) -> None:
    terminal.wait_until(lambda: terminal.has_cursor, "the cursor")
    assert terminal.modes == modes
    assert terminal.screen.margins is None
    assert TITLE not in terminal.text
    assert terminal.screen.cursor.attrs.fg == "default"
    assert terminal.raw.count(b"\x1b[?2004h") <= terminal.raw.count(b"\x1b[?2004l")


def test_a_stop_leaves_the_terminal_as_it_was(terminal: Emulator, make_panel: Callable[..., TerminalPanel]) -> None:
    modes = terminal.modes
    panel = make_panel()
    terminal.wait_for("q quit")
    assert terminal.modes != modes
    assert not terminal.has_cursor
    panel.stop()
    assert_as_before(terminal, modes)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exception_leaves_the_terminal_as_it_was(
    terminal: Emulator, make_panel: Callable[..., TerminalPanel], front: Front
) -> None:
    modes = terminal.modes
    panel = make_panel()
    terminal.wait_for("q quit")
    front.panel = None  # type: ignore[assignment]  # so that the fixture does not stop it again
    panel.wake()
    assert_as_before(terminal, modes)
    panel.thread.join(DEADLINE)
    assert isinstance(panel.failure, AttributeError)


def test_giving_it_up_as_stuck_leaves_the_terminal_as_it_was(
    terminal: Emulator, make_panel: Callable[..., TerminalPanel], front: Front
) -> None:
    is_stuck, go_on = threading.Event(), threading.Event()

    def hang() -> str:
        if front.done:
            is_stuck.set()
            go_on.wait(DEADLINE)
        return ""

    modes = terminal.modes
    panel = make_panel(status=hang)
    terminal.wait_for("q quit")
    terminal.type("c")
    assert is_stuck.wait(DEADLINE)
    panel.abandon(0)
    assert_as_before(terminal, modes)
    go_on.set()
    panel.thread.join(DEADLINE)


def test_a_stuck_terminal_holds_up_nobody_and_heals(terminal: Emulator, panel: TerminalPanel, front: Front) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)  # Ctrl-S
    front.set(Led.ERROR, Rhythm.STEADY, "while it was stuck")
    panel.wake()
    assert not terminal.read_some(0.5)
    beats = panel.beats
    panel.wake()
    terminal.wait_until(lambda: panel.beats > beats, "a beat")
    assert SCREEN.acquire(timeout=DEADLINE)
    SCREEN.release()
    used = time.process_time()
    terminal.read_some(0.5)
    assert time.process_time() - used < 0.25
    termios.tcflow(terminal.slave, termios.TCOON)
    terminal.wait_for("while it was stuck")
    assert TITLE in terminal.lines[-8]


@pytest.mark.parametrize("cut", [20, 150])  # while room is made, and within the title
def test_a_terminal_that_takes_half_a_drawing_gets_a_whole_one_later(
    cut: int, terminal: Emulator, make_panel: Callable[..., TerminalPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = make_panel()
    terminal.wait_for("q quit")
    writes: list[int] = []

    def write(fd: int, data: bytes) -> int:
        if fd != panel._screen.fd:
            return real(fd, data)
        writes.append(len(data))
        if len(writes) == 1:
            return real(fd, data[:cut])
        if len(writes) < 8:
            raise BlockingIOError
        return real(fd, data)

    real = os.write
    place = terminal.screen.cursor.y
    now = [time.monotonic()]

    def clock() -> float:
        now[0] += 0.05  # so that the drawing is soon given up
        return now[0]

    panel._screen._clock = clock
    monkeypatch.setattr(os, "write", write)
    terminal.type("\x0c")
    terminal.wait_until(lambda: len(writes) >= 8, "another drawing")
    terminal.wait_until(lambda: TITLE in terminal.lines[-8] and "q quit" in terminal.lines[-1], "the whole panel")
    assert terminal.text.count(TITLE) == 1
    assert terminal.screen.margins == (0, 15)
    if cut == 150:  # the emulator knows a saved cursor only once, unlike a terminal
        assert terminal.screen.cursor.y == place
    terminal.wait_until(lambda: not panel._screen._is_torn, "the panel to know that")


def test_it_never_blocks_and_lets_others_block_as_before(terminal: Emulator, panel: TerminalPanel) -> None:
    assert not os.get_blocking(panel._screen.fd)
    assert panel._keyboard is not None
    assert not os.get_blocking(panel._keyboard.fd)
    assert os.get_blocking(terminal.slave)


def test_stopping_a_stuck_one_does_not_wait(terminal: Emulator, panel: TerminalPanel) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    before = time.monotonic()
    panel.stop()
    assert time.monotonic() - before < 1.2


def test_a_terminal_that_is_closed_ends_the_panel_quietly(terminal: Emulator, panel: TerminalPanel) -> None:
    beats = panel.beats
    terminal.hang_up()
    deadline = time.monotonic() + DEADLINE
    while not panel._is_gone:
        assert time.monotonic() < deadline
        panel.wake()
        panel.stopping.wait(0.01)
    while not panel.is_resting:
        assert time.monotonic() < deadline
    beats = panel.beats
    panel.stopping.wait(0.3)
    assert panel.beats == beats
    panel.wake()
    while panel.beats == beats:
        assert time.monotonic() < deadline
    assert panel.is_alive
    panel.stop()
    assert panel.failure is None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300).filter(lambda data: b"\x13" not in data))
def test_garbage_from_the_keyboard_does_nothing_bad(data: bytes, terminal: Emulator, front: Front) -> None:
    # A panel for each, else a paste that was left open would be the next one's.
    panel = TerminalPanel(
        snapshot=front.snapshot,
        status=lambda: "",
        engaged=Engaged,
        actions=front.actions(),
        output=terminal.file(),
        input_fd=terminal.slave,
        environment={},
    )
    panel._keys.pop("\x1a")  # puts aside whoever runs the tests
    modes = terminal.modes
    panel.start()
    try:
        terminal.wait_until(lambda: terminal.modes != modes, "single keys")
        terminal.type(data)
        for _ in range(3):
            terminal.read_some(0.002)
        assert panel.is_alive
    finally:
        panel.stop()
        termios.tcflush(terminal.slave, termios.TCIFLUSH)
    assert panel.failure is None
    terminal.read_some(0)
    assert terminal.modes == modes


@pytest.mark.usefixtures("panel")
def test_a_long_paste_is_ignored(terminal: Emulator, front: Front) -> None:
    for _ in range(100):
        terminal.type(b"\x1b[200~" + b"quit bsluci " * 8 + b"\x1b[201~")
        terminal.read_some(0)
    deadline = time.monotonic() + DEADLINE
    while not front.done:
        assert time.monotonic() < deadline
        terminal.type("c")
        terminal.read_some(0.4)
    assert set(front.done) == {"collide"}
