"""Buses and masters that are stopped whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.simulator.bus import SimulatedBus
from tests.simulator.master import Master

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def make_bus() -> Iterator[Callable[..., SimulatedBus]]:
    """Build and start a bus, unpaced and without an optical head unless asked for."""
    buses: list[SimulatedBus] = []

    def make(**options: Any) -> SimulatedBus:
        bus = SimulatedBus(**{"pace": None, "optical": False, **options})
        bus.start()
        buses.append(bus)
        return bus

    yield make
    for bus in buses:
        bus.stop()
        assert bus.failure is None


@pytest.fixture
def make_master() -> Iterator[Callable[..., Master]]:
    masters: list[Master] = []

    def make(path: str, baud: int = 2400) -> Master:
        master = Master(path, baud)
        masters.append(master)
        return master

    yield make
    for master in masters:
        master.close()


@pytest.fixture
def bus(make_bus: Callable[..., SimulatedBus]) -> SimulatedBus:
    return make_bus()


@pytest.fixture
def master(bus: SimulatedBus, make_master: Callable[..., Master]) -> Master:
    return make_master(bus.line_url)
