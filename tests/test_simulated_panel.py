"""`cme3000 simulate` on a terminal, with hands on its panel."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from appliance.settings import Settings, tunnel
from tests.free_ports import ANY_PORTS
from tests.simulator.terminal.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Bench:
    """A simulated device on a terminal."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.terminal = Emulator(100, 40)
        self.modes = self.terminal.modes
        self.process = subprocess.Popen(
            [sys.executable, "-m", "appliance", "simulate", "--state", str(state), *ANY_PORTS],
            stdin=self.terminal.slave,
            stdout=self.terminal.slave,
            stderr=self.terminal.slave,
            env=os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        self.terminal.wait_for("normal operation")

    def shows(self, led: str, meaning: str) -> bool:
        return re.search(rf" {led} +{meaning}", self.terminal.text) is not None

    def wait_for(self, led: str, meaning: str) -> None:
        self.terminal.wait_until(lambda: self.shows(led, meaning), f"{led}: {meaning}")

    def port(self) -> int:
        found = re.findall(r"tunnel +127\.0\.0\.1 port (\d+)", self.terminal.raw.decode(errors="replace"))
        return int(found[-1])

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.terminal.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    settings = Settings(tmp_path / "state")
    settings.set({"tunnel.keep_alive": "60000"}, save=True)
    bench = Bench(tmp_path / "state")
    try:
        yield bench
    finally:
        bench.end()


def test_what_a_hand_does_is_seen_on_the_leds(bench: Bench) -> None:
    bench.wait_for("ERR", "no fault")
    bench.wait_for("LINK", "connected")
    bench.terminal.type("s")
    bench.wait_for("ERR", "short circuit")
    bench.terminal.type("s")
    bench.wait_for("ERR", "no fault")
    bench.terminal.type("l")
    bench.wait_for("LINK", "not connected")
    bench.terminal.type("l")
    bench.wait_for("LINK", "connected")
    bench.terminal.type("u")
    bench.wait_for("ERR", "cannot open .*/line")
    bench.terminal.type("u")
    bench.wait_for("ERR", "no fault")
    bench.terminal.type("c")
    bench.wait_for("ERR", "collision or line error")
    bench.terminal.type("i")
    bench.terminal.wait_for("identify")
    with socket.create_connection(("127.0.0.1", bench.port()), timeout=10) as client:
        client.sendall(bytes.fromhex("10 40 01 41 16"))
        assert client.recv(1) == b"\xe5"
    bench.terminal.type("q")
    assert bench.process.wait(10) == 0
    bench.terminal.read_some(0)
    assert bench.terminal.modes == bench.modes


def test_a_terminal_that_is_closed_ends_it_in_order(bench: Bench) -> None:
    bench.process.send_signal(signal.SIGHUP)
    assert bench.process.wait(10) == 0
    assert '"stopped"' in (bench.state / "restart.json").read_text()


def test_the_button_resets_to_factory_defaults_and_the_device_begins_anew(bench: Bench) -> None:
    assert Settings(bench.state)[tunnel.KEEP_ALIVE] == 60_000
    bench.terminal.type("b")
    bench.terminal.wait_for("factory defaults with DHCP")
    before = bench.terminal.raw.count(b"simulated")
    bench.terminal.type("b")
    bench.terminal.wait_until(lambda: bench.terminal.raw.count(b"CMe3000 0.1.0, simulated") > 1, "another start")
    assert before
    bench.wait_for("PWR", "normal operation")
    assert bench.process.poll() is None
    assert Settings(bench.state)[tunnel.KEEP_ALIVE] == 45_000
    assert b"last restart: factory defaults (dhcp) by the button" in bench.terminal.raw
    with socket.create_connection(("127.0.0.1", bench.port()), timeout=10) as client:
        client.sendall(bytes.fromhex("10 40 01 41 16"))
        assert client.recv(1) == b"\xe5"
    bench.process.send_signal(signal.SIGTERM)
    assert bench.process.wait(10) == 0
