"""Reading meters one after the other: how much of the time the wire and the meters themselves need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.mbus.secondary import Selection
from appliance.readout.master import Master
from appliance.readout.reading import read_meter
from benchmark.table import OURS, Row, Target
from benchmark.virtual_bus import Population, VirtualTransport

if TYPE_CHECKING:
    from appliance.readout.reading import Reading
    from appliance.simulator.meter import Meter

LEAST = 90.0
"""Percent of the time that is to go into the wire and the meters' own delays."""

_ACKNOWLEDGED = 1
_SHORT = 5
_SELECTION = 17
"""Characters of what is sent: an acknowledgement, a short frame, a selection."""


def readout(seeds: int) -> list[Row]:
    """Read 60 meters on so many buses, in virtual time, by either address."""
    return [_row("primary", seeds), _row("secondary", seeds)]


def _row(way: str, seeds: int) -> Row:
    worst = min(_efficiency(way, seed) for seed in range(seeds))
    name = f"60 meters read by {way} address, {seeds} seeds: part of the time that a perfect master needs, worst"
    return Row(name, "%", {OURS: worst}, Target(">=", LEAST))


def _efficiency(way: str, seed: int) -> float:
    meters = Population(60, seed=seed).meters()
    transport = VirtualTransport(meters, seed=seed)
    master = Master(transport)
    began, bound = transport.now(), 0.0
    for meter in meters:
        address = meter.primary if way == "primary" else Selection(meter.address)
        bound += _bound(meter, read_meter(master, address, stays_selected=True), way)
    master.deselect()
    return 100 * bound / (transport.now() - began)


def _bound(meter: Meter, reading: Reading, way: str) -> float:
    """Seconds that a perfect master needs for one meter: it knows in advance when each answer begins and ends.

    It resets the link or selects, takes the acknowledgement, and then asks for each telegram. No rest is counted
    between an answer and the next request, and nothing for ending the last selection.
    """
    baud = 2400
    sent = [_SHORT if way == "primary" else _SELECTION, *([_SHORT] * len(reading.frames))]
    came = [_ACKNOWLEDGED, *(len(bytes(frame)) for frame in reading.frames)]
    return (sum(sent) + sum(came)) * 11 / baud + len(sent) * meter.delay(baud)
