from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

import pytest

from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from appliance.simulator.terminal.plain_panel import PlainPanel
from tests.simulator.terminal.front import Front

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE = 10.0

AT_FIRST = ["panel: PWR steady (in operation)", "panel: ERR off (no fault)", "panel: LINK steady (connected)"]


class Paper(io.StringIO):
    """What was printed, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.more = threading.Condition()

    def write(self, text: str) -> int:
        with self.more:
            self.more.notify_all()
            return super().write(text)

    def wait_for(self, count: int) -> list[str]:
        with self.more:
            assert self.more.wait_for(lambda: self.getvalue().count("\n") >= count, DEADLINE), self.getvalue()
            return self.getvalue().splitlines()


class Desk:
    """A plain panel, its paper, and a clock that the test moves."""

    def __init__(self) -> None:
        self.front = Front()
        self.paper = Paper()
        self.time = 100.0
        self.panel = PlainPanel(snapshot=self.front.snapshot, output=self.paper, clock=lambda: self.time)

    def look(self, after: float = 2.0) -> None:
        """Let the panel look once, and wait until it has."""
        self.time += after
        beats = self.panel.beats
        self.panel.wake()
        end = time.monotonic() + DEADLINE
        while self.panel.beats == beats or not self.panel.is_resting:
            assert time.monotonic() < end
            os.sched_yield()


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    desk.panel.start()
    assert desk.paper.wait_for(3) == AT_FIRST
    yield desk
    desk.panel.stop()
    assert desk.panel.failure is None


def test_a_change_is_one_line(desk: Desk) -> None:
    desk.front.set(Led.ERROR, Rhythm.STEADY, "short circuit on the two-wire bus")
    desk.look()
    desk.front.set(Led.LINK, Rhythm.OFF, "not connected", is_lit=False)
    desk.look()
    desk.front.set(Led.ERROR, Rhythm.SHORT_BLINK, "line errors")
    desk.look()
    desk.look()
    assert desk.paper.wait_for(6)[3:] == [
        "panel: ERR steady (short circuit on the two-wire bus)",
        "panel: LINK off (not connected)",
        "panel: ERR short blink (line errors)",
    ]


def test_whether_a_blinking_led_is_lit_now_is_no_news(desk: Desk) -> None:
    desk.front.set(Led.POWER, Rhythm.STEADY, "in operation", is_lit=False)
    desk.look()
    assert desk.paper.wait_for(3) == AT_FIRST


def test_traffic_is_not_told(desk: Desk) -> None:
    for rhythm in (Rhythm.FLICKER, Rhythm.OFF, Rhythm.STEADY):
        desk.front.set(Led.ACTIVITY, rhythm, "traffic")
        desk.look()
    assert desk.paper.wait_for(3) == AT_FIRST


def test_the_button_is_told(desk: Desk) -> None:
    desk.front.hold(0.1)
    desk.look()
    desk.front.hold(5.0, "factory defaults with DHCP, then reboot")
    desk.front.set(Led.ACTIVITY, Rhythm.FAST, "button held")
    desk.look()
    desk.front.hold(0)
    desk.front.set(Led.ACTIVITY, Rhythm.FLICKER, "traffic")
    desk.look()
    assert desk.paper.wait_for(8)[3:] == [
        "panel: button held, release: nothing",
        "panel: ACT fast (button held)",
        "panel: button held, release: factory defaults with DHCP, then reboot",
        "panel: ACT off",
        "panel: button released",
    ]


def test_faults_are_told(desk: Desk) -> None:
    desk.front.panel = replace(desk.front.panel, faults=("the button is stuck",))
    desk.look()
    desk.front.panel = replace(desk.front.panel, faults=())
    desk.look()
    assert desk.paper.wait_for(5)[3:] == ["panel: fault: the button is stuck", "panel: no fault any more"]


def test_what_flutters_is_told_once_a_second(desk: Desk) -> None:
    desk.time += 5
    for number in range(50):
        desk.front.set(Led.LINK, Rhythm.OFF, f"change {number}")
        desk.look(after=0.05)
    told = [int(line.split()[-1].rstrip(")")) for line in desk.paper.wait_for(6)[3:]]
    assert told[0] == 0
    assert len(told) == 3
    desk.look(after=1.0)
    assert "change 49" in desk.paper.wait_for(7)[-1]


def test_what_was_held_back_comes_by_itself() -> None:
    front, paper = Front(), Paper()
    panel = PlainPanel(snapshot=front.snapshot, output=paper)
    panel.start()
    try:
        paper.wait_for(3)
        front.set(Led.LINK, Rhythm.OFF, "not connected")
        panel.wake()
        assert paper.wait_for(4)[-1] == "panel: LINK off (not connected)"
    finally:
        panel.stop()


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reader, writer = os.pipe()
    file = os.fdopen(writer, "w", encoding="utf-8")
    yield reader, file
    file.close()
    os.close(reader)


@pytest.fixture
def make_panel() -> Iterator[Callable[[Front, TextIO], PlainPanel]]:
    panels: list[PlainPanel] = []

    def make(front: Front, output: TextIO) -> PlainPanel:
        panel = PlainPanel(snapshot=front.snapshot, output=output)
        panels.append(panel)
        panel.start()
        return panel

    yield make
    for panel in panels:
        panel.stop()
        assert panel.failure is None


def test_it_prints_into_a_pipe_at_once(
    pipe: tuple[int, TextIO], make_panel: Callable[[Front, TextIO], PlainPanel]
) -> None:
    make_panel(Front(), pipe[1])
    text = b""
    while text.count(b"\n") < 3:
        text += os.read(pipe[0], 4096)
    assert text.decode().splitlines() == AT_FIRST


def test_a_pipe_that_nobody_reads_does_not_hold_it_up(
    pipe: tuple[int, TextIO], make_panel: Callable[[Front, TextIO], PlainPanel]
) -> None:
    os.set_blocking(pipe[1].fileno(), False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe[1].fileno(), bytes(65536))
    os.set_blocking(pipe[1].fileno(), True)
    panel = make_panel(Front(), pipe[1])
    end = time.monotonic() + DEADLINE
    while not panel.is_resting:
        assert time.monotonic() < end
        os.sched_yield()
    while os.read(pipe[0], 65536).strip(b"\0") == b"":
        assert time.monotonic() < end


def test_a_pipe_whose_reader_is_gone_ends_the_lines_and_not_the_service(
    make_panel: Callable[[Front, TextIO], PlainPanel],
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as file:
        front = Front()
        panel = make_panel(front, file)
        end = time.monotonic() + DEADLINE
        while not panel._is_gone or not panel.is_resting:
            assert time.monotonic() < end
            os.sched_yield()
        beats = panel.beats
        panel.wake()
        while panel.beats == beats:
            assert time.monotonic() < end
            os.sched_yield()
        assert panel.is_alive
        panel.stop()
