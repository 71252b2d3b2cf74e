"""The search by secondary address: how long it takes, and whether it finds everybody."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from dataclasses import replace
from statistics import mean
from typing import TYPE_CHECKING

from appliance.readout.discovery.search import Search
from appliance.readout.master import Master
from appliance.readout.transport import PortTransport
from appliance.simulator.bus import SimulatedBus
from benchmark.gateways import Ours
from benchmark.readout import readout
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
MANY = {
    "": Population(250),
    ", 2 % of answers lost": Population(250, loss=0.02),
}
"""What is searched; on each bus one meter in eight answers with CI 73."""

_PROCESSES = 2


def discovery(stand: Stand) -> list[Row]:
    """Search in virtual time over many seeds, and in real time once on a pseudo-terminal; no peer searches.

    Then the same meters are read.
    """
    if Ours not in stand.kinds:
        return []
    seeds = stand.choose(2, 20)
    searched = [*VARIATIONS.items(), *MANY.items()]
    # The largest first, so that no processor is left with one of them at the end.
    orders = [replace(population, seed=seed) for _, population in reversed(searched) for seed in range(seeds)]
    with multiprocessing.get_context("fork").Pool(_PROCESSES) as pool:
        outcomes = dict(zip(orders, pool.map(_search, orders, chunksize=1), strict=True))
    rows: list[Row] = []
    for name, population in searched:
        rows += _virtual(name, population, [outcomes[replace(population, seed=seed)] for seed in range(seeds)])
    rows += readout(seeds)
    rows += _real(stand.choose(8, 60))
    if not stand.quick:
        rows += _real(250)
    return rows


def _search(population: Population) -> tuple[float, float, int]:
    outcome = search_virtually(population)
    return outcome.last_found, outcome.seconds, outcome.missed


def _virtual(name: str, population: Population, outcomes: list[tuple[float, float, int]]) -> list[Row]:
    count = population.count
    found, ended, missed = zip(*outcomes, strict=True)
    label = f"{count} meters{name}, {len(outcomes)} seeds"
    bound = Target("<=", BOUNDS[count])
    return [
        _row(f"{label}: all found, mean", "s", mean(found)),
        _row(f"{label}: all found, worst", "s", max(found), bound),
        _row(f"{label}: search ended, mean", "s", mean(ended)),
        # Who goes on asking because answers get lost may take longer than it took to find everybody.
        _row(f"{label}: search ended, worst", "s", max(ended), None if population.loss else bound),
        _row(f"{label}: missed in all", "", sum(missed), Target("<=", 0)),
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
