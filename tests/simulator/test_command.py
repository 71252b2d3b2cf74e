from __future__ import annotations

import re
import socket
import threading
from typing import TYPE_CHECKING

from appliance.simulator.command import run_bus_only
from tests.simulator.master import DEADLINE

if TYPE_CHECKING:
    import pytest


class Announced(threading.Event):
    """The event that ends the command, and a look at when the command begins to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.set()
        return super().wait(timeout)


def test_it_says_where_it_is_and_serves_until_told_to_stop(capsys: pytest.CaptureFixture[str]) -> None:
    stopping = Announced()
    status: list[int] = []
    thread = threading.Thread(target=lambda: status.append(run_bus_only(8, 0, None, 0, stopping)))
    thread.start()
    try:
        assert stopping.waited.wait(DEADLINE)
        text = capsys.readouterr().out
        found = re.search(r"127\.0\.0\.1:(\d+)", text)
        assert found
        with socket.create_connection(("127.0.0.1", int(found[1])), DEADLINE) as tool:
            tool.sendall(bytes.fromhex("1040014116"))
            assert tool.recv(1) == b"\xe5"
    finally:
        stopping.set()
        thread.join(DEADLINE)
    assert status == [0]
    assert "/dev/pts/" in text
    assert "heat cost allocator" in text
    assert "mbus-tcp-request-data" in text


def test_a_port_that_is_taken_is_an_error_with_words(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert run_bus_only(8, 0, 1.0, other.getsockname()[1], threading.Event()) == 1
    captured = capsys.readouterr()
    assert "cannot listen" in captured.err
    assert captured.out == ""


def test_too_many_meters_are_an_error_with_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_bus_only(251, 0, 1.0, 0, threading.Event()) == 1
    assert "250" in capsys.readouterr().err
