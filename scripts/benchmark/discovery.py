"""The search by secondary address: how long it takes, and whether it finds everybody."""

from __future__ import annotations

import contextlib
import time
from statistics import mean
from typing import TYPE_CHECKING

from appliance.readout.discovery.search import Search
from appliance.readout.master import Master
from appliance.readout.transport import PortTransport
from appliance.simulator.bus import SimulatedBus
from benchmark.gateways import Ours
from benchmark.table import OURS, Row, Target
from benchmark.virtual_bus import Population, search_virtually

if TYPE_CHECKING:
    from benchmark.stand import Stand

BOUNDS = {60: 110.0, 250: 450.0}
"""Seconds in which so many meters are to be found at 2400 bit/s."""

VARIATIONS = {
    "": Population(60),
    ", 2 % of answers lost": Population(60, loss=0.02),
    ", answers that coincide": Population(60, equal_delays=True),
    ", three equal numbers": Population(60, equal_pairs=3),
    ", CI 73 and CI 76": Population(60, high_first=8),
}


def discovery(stand: Stand) -> list[Row]:
    """Search in virtual time over many seeds, and in real time once on a pseudo-terminal; no peer searches."""
    if Ours not in stand.kinds:
        return []
    rows = [row for name, population in VARIATIONS.items() for row in _virtual(name, population, stand.choose(2, 20))]
    rows += _virtual("", Population(250), stand.choose(1, 20))
    rows += _real(stand.choose(8, 60))
    if not stand.quick:
        rows += _real(250)
    return rows


def _virtual(name: str, population: Population, seeds: int) -> list[Row]:
    count = population.count
    done = [search_virtually(Population(**{**vars(population), "seed": seed})) for seed in range(seeds)]
    label = f"{count} meters{name}, {seeds} seeds"
    return [
        _row(f"{label}: all found, mean", "s", mean(one.last_found for one in done)),
        _row(f"{label}: all found, worst", "s", max(one.last_found for one in done), Target("<=", BOUNDS[count])),
        _row(f"{label}: search ended, worst", "s", max(one.seconds for one in done)),
        _row(f"{label}: missed in all", "", sum(one.missed for one in done), Target("<=", 0)),
    ]


def _real(count: int) -> list[Row]:
    bus = SimulatedBus(count, seed=1, optical=False)
    for meter in bus.meters:
        meter.speeds, meter.automatic = (300, 2400), True
    bus.start()
    try:
        with contextlib.closing(PortTransport(bus.line_url, 2400)) as transport:
            search, master = Search.plan(primary=False), Master(transport)
            began = time.monotonic()
            found, last = 0, 0.0
            while search.step(master):
                if len(search.parts[0].found) > found:
                    found, last = len(search.parts[0].found), time.monotonic() - began
            ended = time.monotonic() - began
    finally:
        bus.stop()
    bound = Target("<=", BOUNDS[count]) if count in BOUNDS else None
    return [
        _row(f"{count} meters in real time: all found", "s", last, bound),
        _row(f"{count} meters in real time: search ended", "s", ended),
        _row(f"{count} meters in real time: missed", "", count - found, Target("<=", 0)),
    ]


def _row(name: str, unit: str, value: float, target: Target | None = None) -> Row:
    return Row(name, unit, {OURS: value}, target)
