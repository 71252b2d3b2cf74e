"""The command `cme3000`, as a shell user has it."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import meterbus
import pytest
import serial

from tests.free_ports import ANY_PORTS
from tests.tunnel.rig import FarEnd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "appliance"]
DEADLINE = 20.0


class Running:
    """The command, started, with what it prints."""

    def __init__(self, *arguments: str, prefix: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*prefix, *COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        self.output = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        assert self.process.stdout is not None
        end = time.monotonic() + DEADLINE
        while True:
            match = re.search(pattern, self.output)
            if match:
                return match
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} in:\n{self.output}"
            if select.select([self.process.stdout], [], [], left)[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
                assert data, f"ended without {pattern!r}:\n{self.output}"
                self.output += data.decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        status = self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.output += self.process.stdout.read().decode()
        return status

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[Running]:
    command = Running(*arguments)
    try:
        yield command
    finally:
        command.kill()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=DEADLINE, check=False)


@pytest.fixture
def simulate(tmp_path: Path) -> tuple[str, ...]:
    return ("simulate", "--state", str(tmp_path / "state"), *ANY_PORTS)


PORT = r"tunnel +127\.0\.0\.1 port (\d+)\n"


def test_a_simulated_meter_is_read_through_the_tunnel(simulate: tuple[str, ...]) -> None:
    with running(*simulate) as command:
        port = command.wait_for(PORT)[1]
        command.wait_for(r"Ctrl-C ends it")
        identification = re.search(r"\n +1 +(\d{8}) +(\w{3}) ", command.output)
        assert identification
        with serial.serial_for_url(f"socket://127.0.0.1:{port}", timeout=5) as line:
            meterbus.send_request_frame(line, 1)
            telegram = meterbus.load(meterbus.recv_frame(line))
        header = telegram.body.bodyHeader
        assert bytes(header.id_nr).hex() == identification[1]
        assert header.manufacturer_field.decodeManufacturer == identification[2]
        assert len(telegram.records) >= 4
        assert command.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(simulate: tuple[str, ...], number: int) -> None:
    with running(*simulate) as command:
        port = int(command.wait_for(PORT)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
            command.wait_for("connected")
            assert command.end(number) == 0
            assert client.recv(1) == b""
    assert "Traceback" not in command.output


def test_the_port_in_use_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        result = run("simulate", "--state", str(tmp_path), "--tunnel-port", taken)
    assert result.returncode == 1
    assert f"cannot listen on port {taken}: Address already in use" in result.stderr
    assert "--tunnel-port" in result.stderr
    assert "Traceback" not in result.stderr


def test_run_serves_a_real_line_and_saves_nothing_that_was_only_set(tmp_path: Path) -> None:
    far = FarEnd(tmp_path / "line")
    state = tmp_path / "state"
    arguments = ("run", "--state", str(state), "--line", str(far.link), "--bind", "127.0.0.1", "--board", "none")
    services = ("--http-port", "0", "--https-port", "0", "--console-port", "0", "--network", "observe")
    try:
        with running(*arguments, *services, "--set", "tunnel.port=0", "--set", "line.baud_rate=300") as command:
            port = int(command.wait_for(r"tunnel on port (\d+)")[1])
            command.wait_for("is in use")
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
                client.sendall(b"\x10\x40\x01\x41\x16")
                assert far.read(5) == b"\x10\x40\x01\x41\x16"
                far.write(b"\xe5")
                assert client.recv(1) == b"\xe5"
            assert command.end() == 0
    finally:
        far.unplug()
    assert not list(state.glob("settings.toml"))


def test_a_device_that_is_not_there_is_told_and_does_not_stop_it(tmp_path: Path) -> None:
    arguments = (
        "run",
        "--state",
        str(tmp_path),
        "--line",
        "/nowhere/tty",
        "--bind",
        "127.0.0.1",
        *ANY_PORTS,
    )
    with running(*arguments) as command:
        command.wait_for("cannot open /nowhere/tty: No such file or directory")
        assert command.end() == 0


def test_an_unusable_state_folder_does_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with running("simulate", "--state", str(tmp_path / "file"), *ANY_PORTS) as command:
        command.wait_for(PORT)
        assert command.end() == 0
    assert "Traceback" not in command.output


@pytest.mark.parametrize("content", [b"", bytes(range(256)) * 8, b"[tunnel]\nport = 70000\nkeep_alive = 1000\n"])
def test_a_broken_settings_file_is_told_kept_and_does_not_stop_it(tmp_path: Path, content: bytes) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "settings.toml").write_bytes(content)
    with running("simulate", "--state", str(state), *ANY_PORTS) as command:
        port = int(command.wait_for(PORT)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
            client.sendall(bytes.fromhex("10 40 01 41 16"))
            assert client.recv(1) == b"\xe5"
        assert command.end() == 0
    assert re.search(r"WARNING|ERROR", command.output)
    assert "settings.toml" in command.output
    assert "Traceback" not in command.output
    asides = [path.read_bytes() for path in state.iterdir()]
    assert content in asides


def test_port_zero_is_off(tmp_path: Path) -> None:
    with running("simulate", "--state", str(tmp_path), *ANY_PORTS, "--tunnel-port", "0") as command:
        command.wait_for(r"tunnel +off")
        assert command.end() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("simulate", "--set", "tunnel.port=70000"), 'tunnel.port: "70000" is not allowed'),
        (("simulate", "--set", "tunel.port=1"), "tunel.port: no such setting; did you mean tunnel.port"),
        (("simulate", "--set", "tunnel.port"), "is not NAME=VALUE"),
        (("simulate", "--tunnel-port", "1_0"), "'1_0' is not a number from 0 to 65535"),
        (("simulate", "--tunnel-port", "\uff11"), "is not a number"),
        (("simulate", "--tunnel-port", "-1"), "is not a number"),
        (("simulate", "--line", "nonsense"), "line.two_wire"),
        (("simulate", "--meters", "251"), "is not a number from 0 to 250"),
        (("run", "--log-level", "loud"), "loud"),
        (("jump",), "jump"),
        ((), "COMMAND"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    state = ("--state", str(tmp_path)) if arguments and arguments[0] != "jump" else ()
    result = run(*arguments, *state)
    assert result.returncode in (1, 2)
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_bad_settings_are_all_told_at_once(tmp_path: Path) -> None:
    result = run("simulate", "--state", str(tmp_path), "--set", "tunnel.port=x", "--set", "line.baud_rate=1200")
    assert "tunnel.port" in result.stderr
    assert "line.baud_rate" in result.stderr


def test_the_help_is_for_newcomers() -> None:
    result = run("--help")
    assert result.returncode == 0
    assert "simulate" in result.stdout
    assert "example" in result.stdout
    for command in ("run", "simulate"):
        text = run(command, "--help").stdout
        for flag in ("--state", "--set", "--line", "--board", "--network", "--log-level", "--bind"):
            assert flag in text
        for service in ("http", "https", "tunnel", "console"):
            assert f"--{service}-port" in text


def test_logs_are_one_line_an_event(simulate: tuple[str, ...]) -> None:
    with running(*simulate, "--log-level", "error") as command:
        command.wait_for("Ctrl-C")
        assert command.end() == 0
    assert " INFO " not in command.output


def test_the_bus_alone(tmp_path: Path) -> None:
    with running("simulate", "--bus-only", "--bus-port", "0", "--state", str(tmp_path)) as command:
        port = command.wait_for(r"127\.0\.0\.1[: a-z]+(\d+)")[1]
        with serial.serial_for_url(f"socket://127.0.0.1:{port}", timeout=5) as line:
            meterbus.send_ping_frame(line, 1)
            assert line.read(1) == b"\xe5"
        assert command.end() == 0
