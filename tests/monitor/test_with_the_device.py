"""The recording of a whole device on a bus with meters: clients through the tunnel, and the device's own readout."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from appliance.mbus.frame import Control, LongFrame, ShortFrame
from appliance.mbus.stream import split
from appliance.monitor.line_monitor import LineMonitor
from appliance.monitor.line_telegram import DEVICE, Note
from appliance.simulator.bus import SimulatedBus
from tests.appliance_rig import Appliance
from tests.tunnel.rig import Client, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.line.line import Line
    from appliance.monitor.line_telegram import LineTelegram


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SimulatedBus]:
    (tmp_path / "bus").mkdir()
    bus = SimulatedBus(meters=2, pace=None, optical=False, folder=tmp_path / "bus")
    bus.start()
    yield bus
    bus.stop()


@pytest.fixture
def appliance(tmp_path: Path, bus: SimulatedBus) -> Iterator[Appliance]:
    appliance = Appliance(tmp_path, {"line.two_wire": bus.line_url, "tunnel.policy": "shared"})
    try:
        appliance.start()
        yield appliance
    finally:
        appliance.stop()


def ask(client: Client, address: int) -> bytes:
    """Reset a meter and ask it for its data."""
    client.send(bytes(ShortFrame(Control.SND_NKE, address)))
    assert client.read(1) == b"\xe5"
    client.send(bytes(ShortFrame(Control.REQ_UD2, address)))
    head = client.read(4)
    return head + client.read(head[1] + 2)


def settled(appliance: Appliance, count: int) -> list[LineTelegram]:
    monitor = appliance.device.monitor
    appliance.wait_for(lambda: len(list(monitor.after(0))) >= count, "the telegrams")
    return list(monitor.after(0))


def test_a_client_s_requests_and_their_answers(appliance: Appliance) -> None:
    client = appliance.client()
    answer = ask(client, 1)
    telegrams = settled(appliance, 4)
    assert [telegram.to_meters for telegram in telegrams] == [True, False, True, False]
    assert {telegram.party for telegram in telegrams} == {client.peer}
    assert [telegram.branch for telegram in telegrams] == ["", "two-wire", "", "two-wire"]
    assert telegrams[3].octets == answer
    assert isinstance(telegrams[3].frame, LongFrame)
    assert all(telegram.delay is not None and telegram.delay < 5 for telegram in telegrams[1::2])
    assert [telegram.notes for telegram in telegrams] == [()] * 4


def test_two_clients_in_turn(appliance: Appliance) -> None:
    first = appliance.client()
    ask(first, 1)
    port = appliance.device.tunnel.snapshot().port
    assert port is not None
    second = Client(port)
    with contextlib.closing(second):
        ask(second, 2)
        ask(first, 1)
        telegrams = settled(appliance, 12)
    assert [telegram.party for telegram in telegrams] == [first.peer] * 4 + [second.peer] * 4 + [first.peer] * 4
    assert [telegram.address for telegram in telegrams] == [1] * 4 + [2] * 4 + [1] * 4


def test_the_device_s_own_readout(appliance: Appliance) -> None:
    meters = appliance.device.meters
    meter = meters.add({"name": "water", "primary": "1", "reads_by_primary": "on", "baud": "2400"})
    meters.read_now([meter.key])
    appliance.wait_for(lambda: meters.latest(meter.key), "the reading")
    telegrams = settled(appliance, 4)
    assert {telegram.party for telegram in telegrams} == {DEVICE}
    reading = meters.latest(meter.key)
    assert reading is not None
    answers = {telegram.octets for telegram in telegrams if not telegram.to_meters}
    assert {piece.octets for telegram in reading.telegrams for piece in split(telegram)} <= answers


def test_what_a_client_leaves_behind_is_told_as_dropped(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        monitor = LineMonitor(rig.line)
        client = rig.connected()
        rig.wait_for(lambda: jams(client, rig.line), "a line that takes no more")
        client.reset()
        rig.wait_for(lambda: any(Note.DROPPED in telegram.notes for telegram in monitor.after(0)), "the note")
        notes = [telegram.notes for telegram in monitor.after(0)]
    dropped = [Note.DROPPED in one for one in notes]
    assert dropped == sorted(dropped)  # from some place on, all of them
    assert 0 < dropped.count(True) < len(dropped)


def jams(client: Client, line: Line) -> bool:
    """Send as much as the connection takes; say whether bytes wait for the line."""
    client.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        client.socket.send(bytes(ShortFrame(Control.REQ_UD2, 1)) * 100)
    return line.waiting() > 0
