"""The readout on the device's own line, beside TCP clients."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.mbus.frame import Control, LongFrame, ShortFrame, frame_length, parse
from appliance.readout.discovery.search import Search
from appliance.readout.line_transport import LineTransport
from appliance.readout.master import Master
from appliance.readout.transport import Interrupted
from appliance.simulator.bus import SimulatedBus
from tests.tunnel.rig import Client, Rig, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 30.0


@pytest.fixture
def bus() -> Iterator[SimulatedBus]:
    simulated = SimulatedBus(3, optical=False)
    simulated.start()
    yield simulated
    simulated.stop()


def _ask(client: Client, address: int) -> LongFrame:
    client.send(bytes(ShortFrame(Control.REQ_UD2_FCB, address)))
    data = client.read(4)
    frame = parse(data + client.read(frame_length(data) - 4))
    assert isinstance(frame, LongFrame)
    return frame


def _search(rig: Rig, search: Search, done: threading.Event) -> None:
    transport = LineTransport(rig.line, threading.Event())
    master = Master(transport)
    more = True
    while more:
        transport.take()
        try:
            more = search.step(master)
            while more and not transport.is_wanted:
                more = search.step(master)
        finally:
            transport.give_up()
    done.set()


def test_a_client_reads_while_a_search_runs_and_both_get_everything(bus: SimulatedBus, tmp_path: Path) -> None:
    search, done = Search.plan(primary=False), threading.Event()
    with running(tmp_path, line__two_wire=bus.line_url) as rig:
        thread = threading.Thread(target=_search, args=(rig, search, done))
        thread.start()
        client = rig.connected()
        told: list[int] = []
        while not done.is_set() or len(told) < 4:
            told.append(_ask(client, 1 + len(told) % 3).address)
            if len(told) >= 4:
                done.wait(2.0)  # a client that never pauses keeps the bus, as it may
        thread.join(DEADLINE)
        assert done.is_set()
        assert told == [1 + place % 3 for place in range(len(told))]
    assert sorted(meter.primary for meter in search.found()) == [1, 2, 3]


def test_after_the_readout_the_line_belongs_to_the_client_again(bus: SimulatedBus, tmp_path: Path) -> None:
    with running(tmp_path, line__two_wire=bus.line_url) as rig:
        transport = LineTransport(rig.line, threading.Event())
        for _ in range(5):
            transport.take()
            assert rig.line.lease.holder is transport
            assert Master(transport).reset(1).octets == b"\xe5"
            transport.give_up()
        assert _ask(rig.connected(), 2).address == 2


def test_a_readout_that_waits_for_the_bus_can_be_ended(bus: SimulatedBus, tmp_path: Path) -> None:
    with running(tmp_path, line__two_wire=bus.line_url) as rig:
        client = rig.connected()
        assert _ask(client, 1).address == 1
        stopping = threading.Event()
        transport = LineTransport(rig.line, stopping)
        stopping.set()
        with pytest.raises(Interrupted):
            transport.take()
        assert rig.line.lease.holder is not transport
        assert _ask(client, 3).address == 3
