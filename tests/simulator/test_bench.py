"""What a hand can bring out of order, on a real bus."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from appliance.errors import ServiceError
from appliance.mbus.frame import Acknowledge, Control, ShortFrame
from appliance.simulator.bench import Bench, Engaged
from appliance.simulator.bus import SimulatedBus
from appliance.simulator.link import SimulatedLink
from tests.simulator.master import DEADLINE, Master

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RESET = ShortFrame(Control.SND_NKE, 1)


def test_a_short_circuit_there_and_back(bus: SimulatedBus, master: Master) -> None:
    told: list[bool] = []
    bench = Bench(bus, SimulatedLink(), on_short_circuit=told.append)
    assert bench.engaged() == Engaged()
    bench.toggle_short_circuit()
    assert bench.engaged() == Engaged(short_circuit=True)
    assert master.is_ignored(RESET)
    bench.toggle_short_circuit()
    assert master.ask(RESET) == Acknowledge()
    assert told == [True, False]


def test_a_short_circuit_of_a_quiet_bus_is_felt_at_once(bus: SimulatedBus) -> None:
    bus.meters[0].selected = True
    Bench(bus, SimulatedLink()).toggle_short_circuit()
    deadline = time.monotonic() + DEADLINE
    while bus.meters[0].selected:
        assert time.monotonic() < deadline
        os.sched_yield()


def test_the_link_tells_of_its_carrier() -> None:
    link = SimulatedLink("sim7")
    told: list[bool | None] = []
    link.on_change = lambda: told.append(link.snapshot().has_carrier)
    assert link.snapshot().interface == "sim7"
    link.toggle()
    link.toggle()
    assert told == [False, True]


def test_the_link_is_pulled_and_put_back(bus: SimulatedBus) -> None:
    bench = Bench(bus, SimulatedLink())
    bench.toggle_link()
    assert bench.engaged() == Engaged(link=True)
    bench.toggle_link()
    assert bench.engaged() == Engaged()


def test_the_adapter_is_pulled_and_put_back_under_its_name(
    make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master], tmp_path: Path
) -> None:
    bus = make_bus(folder=tmp_path)
    bench = Bench(bus, SimulatedLink())
    url = bus.line_url
    master = make_master(url)
    bench.toggle_serial()
    assert bench.engaged() == Engaged(serial=True)
    with pytest.raises(OSError, match="Input/output"):
        os.write(master.descriptor, bytes(RESET))
    bench.toggle_serial()
    assert bench.engaged() == Engaged()
    assert bus.line_url == url
    assert make_master(url).ask(RESET) == Acknowledge()


def test_collisions_are_heard_and_counted(bus: SimulatedBus, master: Master) -> None:
    bench = Bench(bus, SimulatedLink())
    for count in (8, 16):
        bench.collide()
        assert master.read_some(DEADLINE)
        assert bus.line_errors == count
        master.read_all()
    assert master.ask(RESET) == Acknowledge()


def test_collisions_of_a_bus_that_does_not_run() -> None:
    with pytest.raises(ServiceError):
        Bench(SimulatedBus(optical=False), SimulatedLink()).collide()
