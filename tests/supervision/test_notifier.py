"""Against the real protocol: a datagram socket, as systemd has one. tests/image has systemd itself."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from appliance.supervision.notifier import Notifier
from appliance.supervision.one_line import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USEC_INFINITY = 2**64 - 1
NOBODY_WAITS = ["", "0", "-1", "1.5", " 1", "٣", "x", str(USEC_INFINITY), "9" * 5000]


class Manager:
    """systemd's end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(name="manager", params=["path", "abstract"])
def _manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify") if request.param == "path" else f"@cme3000-test-{os.getpid()}")
    yield manager
    manager.close()


@pytest.fixture(name="notifier")
def _notifier(manager: Manager) -> Iterator[Notifier]:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": manager.address})
    yield notifier
    notifier.close()


def test_a_life_is_told_in_the_words_of_the_protocol(manager: Manager, notifier: Notifier) -> None:
    notifier.ready("up")
    notifier.alive()
    notifier.status("1 client")
    notifier.stopping("told to")
    assert manager.heard() == ["READY=1\nSTATUS=up", "WATCHDOG=1", "STATUS=1 client", "STOPPING=1\nSTATUS=told to"]


@pytest.mark.parametrize(
    ("period", "patience", "wanted"), [(10, None, 10), (10, 60, 60), (600, 60, 600), (2.5, None, 2.5)]
)
def test_a_watchdog_is_given_patience_and_no_less_than_it_has(
    manager: Manager, period: float, patience: float | None, wanted: float
) -> None:
    notifier = Notifier(manager.address, period)
    notifier.ready(patience=patience)
    notifier.close()
    assert manager.heard() == [f"READY=1\nWATCHDOG_USEC={wanted * 1_000_000:.0f}"]


def test_a_status_is_sent_only_when_it_differs(manager: Manager, notifier: Notifier) -> None:
    notifier.ready("up")
    for text in ("up", "down", "down", "", "", "up"):
        notifier.status(text)
    notifier.ready()
    assert manager.heard() == ["READY=1\nSTATUS=up", "STATUS=down", "STATUS=", "STATUS=up", "READY=1"]


def test_a_status_cannot_bring_in_another_message(manager: Manager, notifier: Notifier) -> None:
    notifier.status("a\nMAINPID=1\x00\x1b[31m\u2028\udc80é")
    notifier.stopping("b\nREADY=1")
    first, second = manager.heard()
    assert first == r"STATUS=a\nMAINPID=1\x00\x1b[31m\u2028\udc80é"
    assert second == "STOPPING=1\nSTATUS=b\\nREADY=1"


def test_a_long_status_is_cut_to_what_systemd_takes(manager: Manager, notifier: Notifier) -> None:
    notifier.ready("\U0001f600" * 10_000)
    (message,) = manager.heard()
    assert len(message.encode()) < 4096
    assert len(message) <= LONGEST + len("READY=1\nSTATUS=")


def test_a_manager_that_does_not_read_holds_nothing_up(
    manager: Manager, notifier: Notifier, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2000):
        notifier.alive()
        notifier.status(str(number))
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert len(manager.heard()) < 2000
    notifier.status("1999")
    assert manager.heard() == ["STATUS=1999"], "it is said again, for it was lost"


def test_a_manager_that_is_gone_and_comes_back_is_found_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    address = str(tmp_path / "notify")
    manager = Manager(address)
    notifier = Notifier(address)
    manager.close()
    notifier.alive()
    (tmp_path / "notify").unlink()
    notifier.alive()
    notifier.ready("lost")
    assert len(caplog.records) == 1
    manager = Manager(address)
    notifier.alive()
    assert manager.heard() == ["WATCHDOG=1"]
    manager.close()
    notifier.alive()
    assert len(caplog.records) == 2
    notifier.close()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_without_a_manager_nothing_happens(environ: dict[str, str]) -> None:
    notifier = Notifier.from_environment(environ)
    notifier.ready("up")
    notifier.alive()
    notifier.status("x")
    notifier.stopping()
    notifier.close()
    assert notifier.watchdog_period is None


def test_after_close_what_is_said_is_lost_and_nothing_raised(manager: Manager, notifier: Notifier) -> None:
    notifier.close()
    notifier.alive()
    notifier.close()
    assert manager.heard() == []


def test_an_address_that_is_too_long_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier("/" + "x" * 200)
    notifier.ready()
    notifier.close()
    assert len(caplog.records) == 1


def test_a_child_does_not_get_the_socket(manager: Manager, notifier: Notifier) -> None:
    notifier.alive()
    manager.heard()
    listing = "import os; print(len([fd for fd in os.listdir('/proc/self/fd')]))"
    with_notifier = subprocess.run([sys.executable, "-c", listing], capture_output=True, check=True, close_fds=False)
    notifier.close()
    without = subprocess.run([sys.executable, "-c", listing], capture_output=True, check=True, close_fds=False)
    assert with_notifier.stdout == without.stdout


@pytest.mark.parametrize(
    ("environ", "period"),
    [
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid() + 1)}, None),
        ({}, None),
        *(({"WATCHDOG_USEC": text}, None) for text in NOBODY_WAITS),
    ],
)
def test_the_watchdogs_period_is_that_of_this_process(environ: dict[str, str], period: float | None) -> None:
    assert Notifier.from_environment(environ).watchdog_period == period
