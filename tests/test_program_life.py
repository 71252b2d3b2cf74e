"""The program as systemd has it: what it says on the notify socket, how it gives up, and what it remembers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.free_ports import ANY_PORTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 30.0

# The command with a tunnel that dies each time it comes round, and a supervisor that looks after it more often.
SICK = """
import sys
from appliance.__main__ import main
from appliance.supervision import supervisor
from appliance.tunnel.tunnel import Tunnel

supervisor.PERIOD = 0.1

def beat(self):
    raise RuntimeError("sick")

Tunnel.beat = beat
sys.exit(main(sys.argv[1:]))
"""

# The command whose main thread hangs as soon as it has told systemd that it is ready.
STUCK = """
import sys, threading
from appliance.__main__ import main
from appliance.device import Device

def supervise(self, stopping):
    threading.Event().wait()

Device.supervise = supervise
sys.exit(main(sys.argv[1:]))
"""


class Manager:
    """The service manager's side: the notify socket, and a child process as a service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.process: subprocess.Popen[str] | None = None
        self.said: list[str] = []
        self.errors = folder / "stderr"

    def start(self, program: str | None = None, **environment: str) -> subprocess.Popen[str]:
        command = ["-m", "appliance"] if program is None else ["-c", program]
        arguments = ["run", "--state", str(self.folder / "state"), "--line", "/nowhere/tty", "--bind", "127.0.0.1"]
        arguments += [*ANY_PORTS, "--board", "simulated", "--interface", "lo"]
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                text=True,
                env=os.environ
                | {"NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "10000000"}
                | environment,
            )
        return self.process

    def await_word(self, pattern: str) -> str:
        """Wait until it says something like that, from now on."""
        end = time.monotonic() + DEADLINE
        while True:
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.said}\n{self.errors.read_text()}"
            if select.select([self.socket], [], [], left)[0]:
                self.said.append(self.socket.recv(4096).decode())
                if re.search(pattern, self.said[-1]):
                    return self.said[-1]

    def await_log(self, pattern: str) -> str:
        end = time.monotonic() + DEADLINE
        while not re.search(pattern, self.errors.read_text()):
            assert time.monotonic() < end, f"no {pattern!r} in {self.errors.read_text()}"
            time.sleep(0.01)
        return self.errors.read_text()

    def remaining_words(self) -> list[str]:
        words = []
        while select.select([self.socket], [], [], 0)[0]:
            words.append(self.socket.recv(4096).decode())
        return words

    def restart(self) -> dict[str, object]:
        end = json.loads((self.folder / "state" / "restart.json").read_text())["end"]
        assert isinstance(end, dict)
        return end

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait(10)
        self.socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with contextlib.closing(Manager(tmp_path)) as manager:
        yield manager


def test_it_says_that_it_is_ready_alive_and_ending(manager: Manager) -> None:
    process = manager.start()
    # First the tunnel, with time to load the rest; then all of it.
    ready = manager.await_word("^READY=1")
    assert ready == "READY=1\nWATCHDOG_USEC=60000000\nSTATUS=The tunnel serves; the rest is being loaded."
    assert "console on port" not in manager.errors.read_text()
    manager.await_word("^WATCHDOG=1")
    manager.await_word("^READY=1\nWATCHDOG_USEC=10000000\nSTATUS=Tunnel: ")
    manager.await_word("^WATCHDOG=1")
    manager.await_word("^WATCHDOG=1")
    process.terminate()
    manager.await_word("^STOPPING=1")
    assert process.wait(DEADLINE) == 0
    assert manager.restart()["kind"] == "stopped"


def test_what_cannot_be_kept_alive_ends_it_with_the_reason_kept_for_the_next_start(manager: Manager) -> None:
    process = manager.start(SICK)
    manager.await_word("^WATCHDOG=1")
    assert process.wait(DEADLINE) == 70
    assert not [word for word in manager.remaining_words() if "STOPPING" in word]
    end = manager.restart()
    assert end["kind"] == "failure"
    assert "service tunnel died: RuntimeError: sick" in str(end["why"])
    manager.start()
    manager.await_log("last restart: service tunnel died: RuntimeError: sick")


def test_after_three_such_runs_it_asks_for_a_reboot_of_the_device(manager: Manager, tmp_path: Path) -> None:
    request = tmp_path / "reboot"
    for _ in range(3):
        assert not request.exists()
        assert manager.start(SICK, CME3000_REBOOT_REQUEST=str(request)).wait(DEADLINE) == 70
    assert "service tunnel died" in request.read_text()


def test_a_main_thread_that_hangs_no_longer_feeds_and_the_watchdogs_signal_shows_where(manager: Manager) -> None:
    process = manager.start(STUCK)
    manager.await_word("STATUS=Tunnel: ")
    assert not select.select([manager.socket], [], [], 2.5)[0]
    process.send_signal(signal.SIGABRT)  # as systemd does
    assert process.wait(DEADLINE) == -signal.SIGABRT
    assert "in supervise" in manager.errors.read_text()
    manager.start()
    manager.await_log("last restart: the program crashed or was killed")


def test_sigusr1_shows_what_every_thread_does_and_it_goes_on(manager: Manager) -> None:
    process = manager.start()
    manager.await_word("STATUS=Tunnel: ")
    manager.await_log("interface lo")
    process.send_signal(signal.SIGUSR1)
    log = manager.await_log("threads: .*tunnel")
    for name in ("MainThread", "panel", "link", "line", "tunnel"):
        assert re.search(rf"0x[0-9a-f]+ {name}\b", log), name
    assert "in serve" in log
    manager.await_word("^WATCHDOG=1")
    process.terminate()
    assert process.wait(DEADLINE) == 0
