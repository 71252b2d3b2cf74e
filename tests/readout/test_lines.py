"""Searching and reading on every kind of line: a gateway by TCP or RFC 2217, a slow one, one that is unplugged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from benchmark.virtual_bus import Population, VirtualTransport

from appliance.errors import LineError
from appliance.mbus.secondary import Selection
from appliance.metering import run_search
from appliance.readout.discovery.search import Search
from appliance.readout.line_transport import LineTransport
from appliance.readout.master import Master
from appliance.readout.reading import read_meter
from appliance.readout.transport import PortTransport
from appliance.simulator.bus import SimulatedBus
from tests.conftest import need
from tests.tunnel.rig import running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 30.0
PROGRAM = [sys.executable, "-m", "appliance"]
MARGIN = 0.03


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SimulatedBus]:
    running_bus = SimulatedBus(2, optical=False, tcp_port=0, folder=tmp_path)
    running_bus.start()
    yield running_bus
    running_bus.stop()


def _numbers(bus: SimulatedBus) -> list[str]:
    return sorted(meter.address.identification for meter in bus.meters)


def _search_by(url: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    status = run_search(url, (2400,), threading.Event(), primary=False, secondary=True, as_json=True, margin=MARGIN)
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return sorted(meter["id"] for meter in json.loads(captured.out)["meters"])


def test_a_search_goes_through_a_tcp_gateway(bus: SimulatedBus, capsys: pytest.CaptureFixture[str]) -> None:
    assert _search_by(f"socket://127.0.0.1:{bus.tcp_port}", capsys) == _numbers(bus)


@pytest.mark.filterwarnings("ignore:set.*deprecated:DeprecationWarning")  # pyserial's own
def test_a_search_goes_through_rfc2217(bus: SimulatedBus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ser2net = shutil.which("ser2net", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    need(ser2net, "ser2net is not installed")
    assert ser2net is not None
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    configuration = tmp_path / "ser2net.yaml"
    configuration.write_text(
        "connection: &line\n"
        f"  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}\n"
        f"  connector: serialdev,{os.path.realpath(bus.line_url)},2400n81,local\n"
    )
    with subprocess.Popen([ser2net, "-n", "-c", str(configuration)]) as server:
        try:
            wait_until(lambda: _answers(port), "ser2net")
            url = f"rfc2217://127.0.0.1:{port}?ign_set_control&timeout=2"
            assert _search_by(url, capsys) == _numbers(bus)
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_a_search_that_loses_its_line_says_so_and_goes_on_when_it_is_back(bus: SimulatedBus) -> None:
    search = Search.plan(primary=False)
    transport = PortTransport(bus.line_url, 2400)
    try:
        master = Master(transport)
        while not search.parts[0].found:
            assert search.step(master)
        bus.unplug()
        with pytest.raises(LineError):
            search.step(master)
    finally:
        transport.close()
    bus.plug()
    transport = PortTransport(bus.line_url, 2400)
    try:
        search.run(Master(transport), lambda _state: True)
    finally:
        transport.close()
    assert sorted(meter.secondary.identification for meter in search.found() if meter.secondary) == _numbers(bus)


def test_a_line_that_is_unplugged_while_the_readout_holds_it_is_told_and_comes_back(
    bus: SimulatedBus, tmp_path: Path
) -> None:
    (tmp_path / "rig").mkdir()
    with running(tmp_path / "rig", line__two_wire=bus.line_url) as rig:
        transport = LineTransport(rig.line, threading.Event())
        transport.take()
        try:
            assert read_meter(Master(transport), 1).frames[0].address == 1
            bus.unplug()
            with pytest.raises(LineError):
                read_meter(Master(transport), 1)
        finally:
            transport.give_up()
        assert rig.line.lease.holder is not transport
        bus.plug()
        wait_until(lambda: rig.line.up, "the line to come back")
        transport.take()
        try:
            assert read_meter(Master(transport), 2).frames[0].address == 2
        finally:
            transport.give_up()


def test_an_interrupted_search_prints_what_it_has_and_leaves_nobody_selected(tmp_path: Path) -> None:
    bus = SimulatedBus(12, optical=False, folder=tmp_path)
    bus.start()
    try:
        words = [*PROGRAM, "search", "--secondary", "--json", "--line", bus.line_url]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            # The first was found and is done with: somebody else was selected since.
            wait_until(lambda: sum(meter._access > 0 for meter in bus.meters) > 1, "two to be read", DEADLINE)
            program.send_signal(signal.SIGINT)
            out, err = program.communicate(timeout=DEADLINE)
        assert program.returncode == 130, err
        report = json.loads(out)
        assert not report["is_finished"]
        assert 1 <= len(report["meters"]) < 12
        # The program may end before its last frame was heard.
        wait_until(lambda: not any(meter.selected for meter in bus.meters), "nobody to be selected", DEADLINE)
        transport = PortTransport(bus.line_url, 2400)  # which it would refuse if another had it
        transport.close()
    finally:
        bus.stop()


def test_everything_works_at_300_bits_per_second() -> None:
    meters = Population(4, seed=3).meters()
    for meter in meters:
        meter.speeds, meter.automatic = (300, 2400), True
    transport = VirtualTransport(meters, baud=300)
    master, search = Master(transport), Search.plan((300,))
    search.run(master, lambda _state: True)
    found = search.found()
    assert sorted(meter.primary for meter in found) == [1, 2, 3, 4]
    assert all(meter.by_primary and meter.by_secondary for meter in found)
    for meter in meters:
        assert read_meter(master, meter.primary).frames[0].address == meter.primary
        assert read_meter(master, Selection(meter.address)).frames[0].address == meter.primary
