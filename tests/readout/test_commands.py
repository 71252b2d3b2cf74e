"""`cme3000 search` and `cme3000 read` as a user has them, against the simulated bus on a pty and on TCP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from appliance.metering import run_read, run_search
from appliance.readout.master import Master
from appliance.readout.reading import read_meter
from appliance.readout.transport import Interrupted, PortTransport
from appliance.simulator.bus import SimulatedBus

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 30.0
PROGRAM = [sys.executable, "-m", "appliance"]


@pytest.fixture
def bus() -> Iterator[SimulatedBus]:
    running = SimulatedBus(3, pace=20.0, optical=False, tcp_port=0)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def real_bus() -> Iterator[SimulatedBus]:
    running = SimulatedBus(2, optical=False)
    running.start()
    yield running
    running.stop()


def test_search_prints_what_it_finds(real_bus: SimulatedBus, capsys: pytest.CaptureFixture[str]) -> None:
    stopping = threading.Event()
    assert run_search(real_bus.line_url, (2400,), stopping, primary=False, secondary=True, as_json=True) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["is_finished"]
    assert sorted(meter["id"] for meter in report["meters"]) == sorted(
        meter.address.identification for meter in real_bus.meters
    )


def test_read_goes_through_a_gateway_too(bus: SimulatedBus, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"socket://127.0.0.1:{bus.tcp_port}"
    assert run_read("3", url, 2400, threading.Event(), as_json=True) == 0
    telegrams = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(telegrams) == 3
    number = bus.meters[2].address.identification
    assert run_read(number, url, 2400, threading.Event(), as_json=False) == 0
    assert number in capsys.readouterr().out


def test_what_cannot_be_read_is_complained_of(bus: SimulatedBus, capsys: pytest.CaptureFixture[str]) -> None:
    stopping = threading.Event()
    assert run_read("99", bus.line_url, 2400, stopping, as_json=False, margin=0.0) == 1
    assert run_read("FFFFFFFF", bus.line_url, 2400, stopping, as_json=False) == 1
    assert run_read("x", bus.line_url, 2400, stopping, as_json=False) == 1
    assert run_search("/dev/null/none", (2400,), stopping, primary=True, secondary=False, as_json=False) == 1
    words = capsys.readouterr().err
    assert "meter 99: no answer" in words
    assert "several meters match" in words
    assert '"x" is no address' in words
    assert "cannot open /dev/null/none" in words


def test_an_interrupt_ends_a_search_with_what_was_found(real_bus: SimulatedBus) -> None:
    words = [*PROGRAM, "search", "--primary", "--json", "--line", real_bus.line_url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        end = time.monotonic() + DEADLINE
        while real_bus.meters[1]._access == 0:  # until the second one was read
            assert time.monotonic() < end
            os.sched_yield()
        asked = threading.Event()
        asked.wait(1.0)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=DEADLINE)
    assert program.returncode == 130, err
    report = json.loads(out)
    assert not report["is_finished"]
    assert [meter["primary"] for meter in report["meters"]] == [1, 2]


def test_real_time_readings_take_their_time_on_the_wire(real_bus: SimulatedBus) -> None:
    transport = PortTransport(real_bus.line_url, 2400)
    try:
        reading = read_meter(Master(transport), 1)
    finally:
        transport.close()
    characters = 5 + 1 + 5 + len(bytes(reading.frames[0]))
    wire = characters * 11 / 2400 + 2 * real_bus.meters[0].delay(2400)
    assert wire <= reading.seconds < wire + 1.0


def test_a_wait_ends_when_told(real_bus: SimulatedBus) -> None:
    stopping = threading.Event()
    transport = PortTransport(real_bus.line_url, 2400, stopping=stopping)
    try:
        stopping.set()
        with pytest.raises(Interrupted):
            transport.receive(transport.now() + DEADLINE)
    finally:
        transport.close()
