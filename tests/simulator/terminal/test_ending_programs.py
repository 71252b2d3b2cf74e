"""A real program on a terminal of its own, ended in every way: the terminal is as before."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.simulator.terminal.emulator import DEADLINE, Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-m", "tests.simulator.terminal.front_program"]
TITLE = "CMe3000 front panel"


@pytest.fixture
def terminal() -> Iterator[Emulator]:
    emulator = Emulator()
    yield emulator
    emulator.close()


@contextlib.contextmanager
def started(terminal: Emulator, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command as the leader of a session whose terminal this is."""
    need(shutil.which("setsid"), "setsid (util-linux) is missing")
    environment = {**os.environ, "PYTHONUTF8": "1", "PS1": "prompt> ", "TERM": "xterm"}
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command],  # noqa: S607 (wherever it is)
        stdin=terminal.slave,
        stdout=terminal.slave,
        stderr=terminal.slave,
        cwd=ROOT,
        env=environment,
        start_new_session=False,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def pid_of_child(process: subprocess.Popen[bytes]) -> int:
    """Give the process that setsid has forked off, or its own where it did not."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else process.pid


def assert_as_before(terminal: Emulator, modes: object) -> None:
    while terminal.read_some(0.05):
        pass
    assert terminal.modes == modes
    assert terminal.has_cursor
    assert terminal.screen.margins is None
    assert TITLE not in terminal.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal(terminal: Emulator, number: int) -> None:
    modes = terminal.modes
    with started(terminal, *PROGRAM, "wait") as process:
        terminal.wait_for("q quit")
        assert terminal.modes != modes
        os.kill(pid_of_child(process), number)
        assert process.wait(DEADLINE) == 0
    assert_as_before(terminal, modes)


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_a_key(terminal: Emulator, key: str) -> None:
    modes = terminal.modes
    with started(terminal, *PROGRAM, "wait") as process:
        terminal.wait_for("q quit")
        terminal.type(key)
        assert process.wait(DEADLINE) == 0
    assert_as_before(terminal, modes)


def test_an_exception_of_the_program(terminal: Emulator) -> None:
    modes = terminal.modes
    with started(terminal, *PROGRAM, "raise") as process:
        terminal.wait_for("q quit")
        terminal.wait_for("ValueError: on purpose")
        assert process.wait(DEADLINE) == 1
    assert_as_before(terminal, modes)


def test_ctrl_z_and_back(terminal: Emulator) -> None:
    need(shutil.which("bash"), "bash is missing")
    with started(terminal, "bash", "--norc", "--noprofile", "--noediting", "-i") as process:
        terminal.wait_for("prompt>")
        modes = terminal.modes
        terminal.type(" ".join(PROGRAM) + " wait\n")
        terminal.wait_for("q quit")
        terminal.type("\x1a")
        terminal.wait_for("Stopped")
        assert_as_before(terminal, modes)
        terminal.type("clear; echo still $((40 + 2))\n")
        terminal.wait_until(lambda: terminal.lines[0] == "still 42", "an empty screen")
        terminal.type("bg\n")
        terminal.wait_for("[1]+ ")
        terminal.read_some(0.5)
        assert TITLE not in terminal.text
        terminal.type("fg\n")
        terminal.wait_for("q quit")
        assert TITLE in terminal.lines[-8]
        terminal.type("q")
        terminal.wait_without(TITLE)
        terminal.type("exit 7\n")
        assert process.wait(DEADLINE) == 7
    assert_as_before(terminal, modes)


def test_a_terminal_that_is_closed_does_not_end_a_program_that_does_not_mind(terminal: Emulator) -> None:
    with started(terminal, *PROGRAM, "orphan") as process:
        terminal.wait_for("q quit")
        child = pid_of_child(process)
        terminal.hang_up()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        user, system = (int(n) for n in Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[11:13])
        assert (user + system) / os.sysconf("SC_CLK_TCK") < 1.0  # importing and drawing; a loop would take all of 1.5 s
        os.kill(child, signal.SIGTERM)
        # 120 is Python's word for output that it could not get rid of at its end: the terminal is gone.
        assert process.wait(DEADLINE) in (0, 120)
