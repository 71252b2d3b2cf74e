"""The search by primary address, in virtual time, and a whole search of both kinds."""

from __future__ import annotations

import json

from benchmark.virtual_bus import Population, VirtualTransport

from appliance.readout.discovery.primary import PrimarySearch
from appliance.readout.discovery.search import Search
from appliance.readout.master import Master
from appliance.simulator.population import make_meters


def test_the_sweep_finds_who_is_there_and_an_empty_address_costs_its_window() -> None:
    meters = Population(5).meters()
    meters[4].primary = 250
    transport = VirtualTransport(meters)
    search = PrimarySearch(2400)
    master = Master(transport)
    while search.step(master):
        search = PrimarySearch.from_object(json.loads(json.dumps(search.as_object())))
    assert [meter.primary for meter in search.found] == [1, 2, 3, 4, 250]
    assert search.progress == 1.0
    window = transport.timing.window + transport.timing.on_wire(5)
    assert transport.now() < 251 * window + 5 * 1.5


def test_two_meters_at_one_address_are_told_of() -> None:
    meters = Population(4).meters()
    meters[3].primary = 2
    search, master = PrimarySearch(2400, last=6), Master(VirtualTransport(meters))
    while search.step(master):
        pass
    assert [meter.primary for meter in search.found] == [1, 3]
    assert search.diagnoses == ["primary address 2: two meters or more answer"]


def test_both_ways_and_both_speeds_give_each_meter_once() -> None:
    meters = make_meters(6)
    for meter in meters:
        meter.automatic = False
    meters[5].primary = 4
    transport = VirtualTransport(meters)
    search = Search([PrimarySearch(2400, last=7), *Search.plan((2400, 300), primary=False).parts])
    master = Master(transport)
    while search.step(master):
        pass
    found = {meter.secondary.identification: meter for meter in search.found() if meter.secondary}
    assert sorted(found) == sorted(meter.address.identification for meter in meters)
    ways = [found[meters[place].address.identification].by_primary for place in (0, 3)]
    assert ways == [True, False]
    assert {meter.baud for meter in found.values() if meter.primary == 5} == {300}
    words = search.snapshot().diagnoses
    assert any("primary address 4: two meters or more answer" in line for line in words)
    assert any(line.startswith("2 meters have the primary address 4") for line in words)


def test_meters_of_the_fixed_structure_are_not_taken_for_two() -> None:
    meters = make_meters(7)[6:]
    search = Search([PrimarySearch(2400, last=8), *Search.plan(primary=False).parts])
    master = Master(VirtualTransport(meters))
    while search.step(master):
        pass
    (meter,) = search.found()
    assert meter.by_primary
    assert meter.by_secondary
