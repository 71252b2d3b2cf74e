"""What was heard decides how long is listened, who is asked again, and when a search has done enough."""

from __future__ import annotations

import json

import pytest
from benchmark.readout import LEAST, readout
from benchmark.table import OURS
from benchmark.virtual_bus import LossyMeter, Population, VirtualTransport, search_virtually

from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.readout.answer import judge
from appliance.readout.discovery.branching import AGAIN, DIGITS, SWEEP, Branching, split_digits
from appliance.readout.discovery.found import FoundMeter
from appliance.readout.discovery.listening import learnt_pace
from appliance.readout.discovery.search import Search
from appliance.readout.discovery.secondary import SecondarySearch
from appliance.readout.discovery.sweeping import sweep_masks
from appliance.readout.discovery.verification import masks_to_ask_again
from appliance.readout.master import Master
from appliance.readout.reading import read_meter
from appliance.simulator.receiver import Receiver, Talk

BAUD = 2400
EVERYBODY = Selection(SecondaryAddress())


@pytest.mark.parametrize("tenths", range(0, 260, 3))
def test_two_voices_never_count_as_three(tenths: int) -> None:
    receiver = Receiver()
    for bits in (0.0, tenths / 10):
        receiver.add(Talk(bits / BAUD, BAUD, b"\xe5"))
    octets = b""
    while receiver.due(BAUD) is not None:
        octets += bytes([receiver.take(BAUD)])
    assert judge(octets, 0.0).voices == (1 if tenths <= 5 else 2)


def test_the_wait_for_silence_is_learnt_from_the_slowest() -> None:
    slow, fast = _searched(delay_bits=300), _searched(delay_bits=20)
    narrow = Selection(SecondaryAddress("FFFFFF12"))
    pace = learnt_pace(fast, narrow)
    assert pace is not None
    assert 20 / BAUD < pace.silence < pace.window < 0.06
    pace = learnt_pace(slow, narrow)
    assert pace is not None
    assert pace.silence > 300 / BAUD
    assert learnt_pace(SecondarySearch(BAUD), narrow) is None


def _searched(delay_bits: int) -> SecondarySearch:
    meters = Population(12, seed=5).meters()
    for meter in meters:
        meter.delay_bits = delay_bits
    search, master = SecondarySearch(BAUD), Master(VirtualTransport(meters))
    while search.step(master):
        pass
    assert len(search.found) == 12
    return search


def test_a_meter_that_gets_slower_later_is_still_found() -> None:
    meters = Population(20, seed=6).meters()
    search, master = SecondarySearch(BAUD), Master(VirtualTransport(meters))
    while search.listened < 5:
        assert search.step(master)
    known = {meter.primary for meter in search.found}
    slower = next(meter for meter in meters if meter.primary not in known)
    slower.delay_bits = 330
    while search.step(master):
        pass
    assert len(search.found) == 20


def _state(voices: int, lost: int) -> SecondarySearch:
    """Give a state with one mask under which two are known and eight parts were silent."""
    search = SecondarySearch(BAUD)
    parts = split_digits(Selection(SecondaryAddress("FFFFFFF1")), [])
    numbers = ["00000021", "00000091"]
    search.found = [FoundMeter(BAUD, place, SecondaryAddress(number)) for place, number in enumerate(numbers)]
    branching = Branching(Selection(SecondaryAddress("FFFFFFF1")), DIGITS, [], voices=voices)
    branching.single = [parts[2], parts[9]]
    branching.silent = [part for part in parts if part not in branching.single]
    search.stack, search.closed = [], [branching]
    search.lost, search.expected = lost, 30
    return search


def test_silent_masks_are_asked_again_where_more_were_heard_than_found() -> None:
    found_all, short = _state(voices=2, lost=2), _state(voices=3, lost=2)
    few = masks_to_ask_again(found_all, lambda _mask: 2)
    many = masks_to_ask_again(short, lambda _mask: 2)
    assert few[0] == many[0] == AGAIN
    assert len(few[1]) < len(many[1])
    assert set(short.closed[0].silent) <= set(many[1])
    assert all(short.asked[mask] == 2 for mask in many[1])


def test_a_bus_that_has_lost_nothing_is_asked_less_again() -> None:
    clean = masks_to_ask_again(_state(voices=1, lost=0), lambda _mask: 2)[1]
    lossy = masks_to_ask_again(_state(voices=1, lost=2), lambda _mask: 2)[1]
    assert len(clean) < len(lossy)


def test_a_sweep_groups_by_digits_that_differ_and_that_the_tree_does_not_use() -> None:
    search = SecondarySearch(BAUD)
    search.found = [FoundMeter(BAUD, place, SecondaryAddress(f"44{place * 7919 % 10**6:06d}")) for place in range(60)]
    masks = sweep_masks(search)
    assert len(masks) == 100
    fixed = {place for mask in masks for place, digit in enumerate(mask.mask.identification) if digit != "F"}
    assert len(fixed) == 2
    assert fixed <= {2, 3, 4, 5}
    search.sweeps = 2
    assert sweep_masks(search) == []


def test_a_sweep_finds_whom_the_tree_has_missed_and_reads_nobody_else() -> None:
    meters = Population(40, seed=9).meters()
    hidden = meters[17]
    loss, hidden.loss = hidden.loss, 1.0
    transport = VirtualTransport(meters)
    search, master = SecondarySearch(BAUD), Master(transport)
    while search.verifications == 0:
        assert search.step(master)
    while search.step(master):
        pass
    assert len(search.found) == 39
    hidden.loss = loss
    told = {meter: meter._access for meter in meters}
    search.is_finished, search.verifications = False, 1
    search.stack = [Branching(EVERYBODY, SWEEP, sweep_masks(search), voices=0)]
    while search.stack and search.stack[0].by == SWEEP:
        if not search.step(master):
            break
        restored = SecondarySearch.from_object(json.loads(json.dumps(search.as_object())))
        assert restored.as_object() == search.as_object()
    assert len(search.found) == 40
    assert sum(meter._access != told[meter] for meter in meters) <= 4


@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_missed_where_answers_get_lost(seed: int) -> None:
    outcome = search_virtually(Population(40, seed=seed, loss=0.05))
    assert outcome.missed == 0


def test_a_readout_wastes_less_than_a_tenth() -> None:
    for row in readout(1):
        assert row.values[OURS] >= LEAST


def test_a_meter_stays_selected_only_for_whoever_wants_it() -> None:
    meters: list[LossyMeter] = Population(2, seed=1).meters()
    master = Master(VirtualTransport(meters))
    read_meter(master, Selection(meters[0].address), stays_selected=True)
    assert [meter.selected for meter in meters] == [True, False]
    read_meter(master, Selection(meters[1].address))
    assert [meter.selected for meter in meters] == [False, False]


def test_a_search_that_is_ended_leaves_nobody_selected() -> None:
    meters = Population(6, seed=1).meters()
    master, search = Master(VirtualTransport(meters)), Search.plan(primary=False)
    search.run(master, lambda state: len(state.found) < 2)
    assert not search.is_finished
    assert not any(meter.selected for meter in meters)
