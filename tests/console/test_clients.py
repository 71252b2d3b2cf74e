"""The programs that people use: telnet in a terminal, nc, expect."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pyte
import pytest

from tests.conftest import need
from tests.console.rig import DEADLINE, PASSWORD, Rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OFFER = b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x03\xff\xfd\x1f"


class Terminal:
    """A program in a pseudo terminal, and what it shows."""

    def __init__(self, *command: str, columns: int = 80, rows: int = 24) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=1000)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    @property
    def shown(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def until(self, wanted: str | Callable[[str], bool], deadline: float = DEADLINE) -> str:
        """Read until the screen shows `wanted`."""
        end = time.monotonic() + deadline
        while not (wanted in self.shown if isinstance(wanted, str) else wanted(self.shown)):
            left = end - time.monotonic()
            assert left > 0, f"no {wanted!r} on\n{self.shown}\n{self.raw!r}"
            if select.select([self.master], [], [], left)[0]:
                data = os.read(self.master, 4096)
                self.raw += data
                self.stream.feed(data)
        return self.shown

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


@pytest.fixture
def telnet(rig: Rig) -> Iterator[Terminal]:
    """The package inetutils-telnet, which the package telnet pulls in, has this command."""
    need(shutil.which("telnet"), "telnet is not installed (package inetutils-telnet)")
    terminal = Terminal("telnet", "127.0.0.1", str(rig.port))
    try:
        yield terminal
    finally:
        terminal.close()


def _log_in(terminal: Terminal) -> None:
    # On this port the client says nothing by itself: it sends whole lines, and the name's is late enough for a person.
    terminal.until("login:")
    with contextlib.suppress(TimeoutError):
        select.select([], [], [], 0.6)
    terminal.type("admin\r")
    terminal.until("Password:")
    terminal.type("admin\r")
    terminal.until("cme3000>")


def test_a_session_in_the_telnet_client(telnet: Terminal) -> None:
    _log_in(telnet)
    assert telnet.shown.count("admin") == 1  # the name; the password is not echoed
    telnet.type("en\t\r")
    telnet.until("cme3000#")
    telnet.type("show vers\t")
    telnet.until("cme3000# show version")
    telnet.type("\x7f" * 8 + "auth\x1b[D\x1b[D\r")  # edited in the middle
    telnet.until("digest  admin")
    telnet.type("\x1b[A\x1b[A")
    telnet.until(lambda shown: shown.endswith("cme3000# enable"))
    telnet.type("\x15show statistics ?")
    telnet.until("Counters and state of the tunnel.")
    telnet.until(lambda shown: shown.endswith("cme3000# show statistics"))
    telnet.type("\x03")
    telnet.until(lambda shown: shown.endswith("^C\ncme3000#"))
    telnet.type("show settings\r")
    telnet.until("--more--")
    telnet.type("q")
    telnet.until(lambda shown: shown.endswith("cme3000#") and "--more--" not in shown)
    telnet.type("configure\r")
    telnet.until("(config)#")
    telnet.type("link\r")
    telnet.until("(config-link)#")
    telnet.type("speed 1000\r")
    telnet.until("% Speed (link.speed)")
    assert f"\n{' ' * len('cme3000(config-link)# speed ')}^\n" in telnet.shown
    telnet.type("speed 10\r")
    telnet.until("cme3000*(config-link)#")
    telnet.type("write\r")
    telnet.until("Saved.")
    telnet.type("end\r")
    telnet.until(lambda shown: shown.endswith("cme3000#"))
    telnet.type("exit\r")
    telnet.until("Connection closed by foreign host.")


def test_the_telnet_client_tells_the_size_of_its_window(telnet: Terminal) -> None:
    telnet.resize(80, 10)
    _log_in(telnet)
    telnet.type("show settings\r")
    telnet.until("--more--")
    assert "if 1" in telnet.shown


def test_a_password_prompt_is_hidden_in_the_telnet_client(telnet: Terminal) -> None:
    _log_in(telnet)
    for line, seen in (("enable", "cme3000#"), ("password", "New password:")):
        telnet.type(f"{line}\r")
        telnet.until(seen)
    for seen in ("Again:", "changed and saved"):
        telnet.type(f"{PASSWORD}\r")
        telnet.until(seen)
    telnet.type("password\r")
    telnet.until("Present password:")
    assert PASSWORD not in telnet.shown


def test_the_negotiation_of_putty(rig: Rig) -> None:
    client = rig.client()
    client.send(bytes.fromhex("fffb1ffffb20fffb18fffb27fffd01fffb03fffd03"))
    end = time.monotonic() + DEADLINE
    while b"\xff\xfe\x27" not in client.data:
        client._receive(end, "refusal")
    assert client.data.count(OFFER) == 1
    client.data = b""
    client.send(bytes.fromhex("fffa1f00500008fff0") + b"admin\r\nadmin\r\nshow settings\r\n")
    seen = client.until("--more--")
    assert "login: admin\r\nPassword: \r\n" in f"login: {seen.partition('login: ')[2] or seen}"
    client.send(b"q")
    client.until("cme3000> ")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_script_without_telnet_gets_nothing_but_text(rig: Rig, end: str) -> None:
    client = rig.client()
    client.send(f"admin{end}admin{end}show version{end}exit{end}")
    received = b""
    while data := client.socket.recv(4096):
        received += data
    assert b"\xff" not in received
    assert b"\x1b" not in received
    assert b"Serial number" in received


@pytest.mark.parametrize(
    ("keys", "is_offered"), [(b"admin\n", False), (b"admin\r\n", True), (b"a", True), (b"admin\r\x00", True)]
)
def test_telnet_is_offered_to_who_types_late_and_not_as_nc_does(rig: Rig, keys: bytes, *, is_offered: bool) -> None:
    client = rig.client()
    client.until("login: ")
    select.select([], [], [], 0.6)
    client.send(keys)
    if is_offered:
        while len(client.data) < len(OFFER):
            client._receive(time.monotonic() + DEADLINE, "offer")
        assert client.data.startswith(OFFER)
    else:
        assert client.until("Password: ") == "Password: "


def test_nc(rig: Rig) -> None:
    need(shutil.which("nc"), "nc is not installed (package netcat-openbsd)")
    lines = "admin\nadmin\nenable\nconfigure\nlink\nspeed 100\nwrite\nexit\nexit\nshow interface\n"
    done = subprocess.run(
        ["nc", "-N", "127.0.0.1", str(rig.port)],  # noqa: S607 (whichever nc there is)
        input=lines.encode(),
        capture_output=True,
        timeout=DEADLINE,
        check=True,
    )
    assert b"Saved." in done.stdout
    assert b"Default gateway" in done.stdout
    assert b"\r\n%" not in done.stdout
    assert b"\xff" not in done.stdout
    assert rig.settings.is_saved or rig.settings.saved != rig.settings.defaults


EXPECT = """
set timeout 5
log_user 1
spawn {command}
expect "login: " {{ send "admin\\r" }} timeout {{ exit 1 }}
expect "assword: " {{ send "admin\\r" }} timeout {{ exit 2 }}
expect "> " {{ send "enable\\r" }} timeout {{ exit 3 }}
expect "# " {{ send "show version\\r" }} timeout {{ exit 4 }}
expect "Serial number     0001" {{}} timeout {{ exit 5 }}
expect "# " {{ send "exit\\r" }} timeout {{ exit 6 }}
close
exit 0
"""


@pytest.mark.parametrize("command", ["telnet 127.0.0.1 {port}", "nc 127.0.0.1 {port}"])
def test_an_expect_script(rig: Rig, command: str) -> None:
    need(shutil.which("expect"), "expect is not installed (package expect)")
    need(shutil.which(command.split(maxsplit=1)[0]), f"{command.split(maxsplit=1)[0]} is not installed")
    script = EXPECT.format(command=command.format(port=rig.port))
    done = subprocess.run(
        ["expect", "-"],  # noqa: S607 (whichever expect there is)
        input=script.encode(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_urgent_data_of_telnet(rig: Rig) -> None:
    client = rig.client()
    client.login()
    client.send("half a li")
    client.socket.send(b"\xff\xf4", 0)
    client.socket.send(b"\xff\xf2", socket.MSG_OOB)  # the data mark that telnet sends as urgent
    client.send("show version\n")
    client.until("Serial number")
