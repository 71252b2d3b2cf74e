"""The search by secondary address finds everybody, in virtual time."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from benchmark.virtual_bus import LossyMeter, Population, VirtualTransport, search_virtually

from appliance.mbus.frame import Control, LongFrame
from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.readout.discovery.branching import next_place, split_stage, stage_after
from appliance.readout.discovery.search import Search
from appliance.readout.discovery.secondary import SecondarySearch
from appliance.readout.identity import agrees, identify
from appliance.readout.master import Master
from appliance.simulator.fault import Fault


@pytest.mark.parametrize(
    ("population", "bound"),
    [
        (Population(60, seed=11), 110.0),
        (Population(60, seed=12, loss=0.02), 110.0),
        (Population(60, seed=13, equal_delays=True), 110.0),
        (Population(60, seed=14, equal_pairs=3), 120.0),
        (Population(60, seed=15, high_first=8), 110.0),
        (Population(60, seed=16, prefix="4471"), 110.0),
        (Population(1), 2.0),
        (Population(0), 2.0),
    ],
    ids=["random", "lossy", "coinciding", "equal numbers", "mode 2", "one delivery", "one", "none"],
)
def test_everybody_is_found_within_the_bound(population: Population, bound: float) -> None:
    outcome = search_virtually(population)
    assert outcome.missed == 0
    assert len(outcome.search.found) == population.count
    assert outcome.last_found <= bound
    assert outcome.search.is_finished
    assert outcome.search.progress == 1.0


def test_it_works_at_300_bits_per_second() -> None:
    outcome = search_virtually(Population(5, seed=3), baud=300)
    assert outcome.missed == 0


def test_progress_never_falls_far_and_the_rest_is_estimated() -> None:
    meters = Population(30, seed=5).meters()
    master, search = Master(VirtualTransport(meters)), Search.plan(primary=False)
    shown: list[tuple[float, float, float | None]] = []

    def note() -> None:
        state = search.snapshot()
        shown.append((state.progress, search.elapsed, state.remaining))

    while search.step(master):
        note()
    end = search.elapsed
    worst = max((former[0] - later[0] for former, later in pairwise(shown)), default=0.0)
    assert worst < 0.03
    late = [(elapsed, remaining) for progress, elapsed, remaining in shown if progress > 0.4 and remaining is not None]
    assert late
    assert all(0.4 * end < elapsed + remaining < 2.5 * end for elapsed, remaining in late)
    assert search.snapshot().progress == 1.0


def test_a_search_goes_on_from_its_stored_state() -> None:
    meters = Population(20, seed=6, loss=0.02).meters()
    transport = VirtualTransport(meters)
    search = Search.plan(primary=False)
    steps = 0
    while search.step(Master(transport)):
        steps += 1
        stored = json.dumps(search.as_object())
        search = Search.from_object(json.loads(stored))
        assert json.dumps(search.as_object()) == stored
    assert steps > 20
    assert {meter.secondary for meter in search.found()} >= {
        meter.address for meter in meters if meter.contents.count and "Fixed" not in type(meter.contents).__name__
    }
    assert len(search.found()) == 20


def test_a_step_that_the_line_breaks_off_is_done_again() -> None:
    meters = Population(10, seed=7).meters()
    transport = VirtualTransport(meters)
    master, search = Master(transport), SecondarySearch(2400)
    send, calls = transport.send, 0

    def break_often(data: bytes) -> float:
        nonlocal calls
        calls += 1
        if calls % 7 == 0:
            raise OSError
        return send(data)

    transport.send = break_often  # type: ignore[method-assign]
    for _ in range(2000):
        try:
            if not search.step(master):
                break
        except OSError:
            continue
    assert len(search.found) == 10


@pytest.mark.parametrize("place", [0, 3])
def test_a_meter_slower_than_the_standard_is_found(place: int) -> None:
    meters = Population(6, seed=8).meters()
    meters[place].fault = Fault.LATE
    search = SecondarySearch(2400)
    master = Master(VirtualTransport(meters))
    while search.step(master):
        pass
    assert len(search.found) == 6


def test_the_slowest_that_the_standard_allows_are_found() -> None:
    meters = Population(12, seed=9).meters()
    for meter in meters:
        meter.delay_bits = 330
    search = SecondarySearch(2400)
    master = Master(VirtualTransport(meters))
    while search.step(master):
        pass
    assert len(search.found) == 12


def test_noise_misses_nobody_and_finds_nobody_who_is_not_there() -> None:
    meters = Population(8, seed=10).meters()
    transport = VirtualTransport(meters)
    transport.segment.faults.noise = 0.002
    search, master = SecondarySearch(2400), Master(transport)
    while search.step(master):
        pass
    told = {meter.secondary.identification for meter in search.found if meter.secondary}
    assert told == {meter.address.identification for meter in meters}


def test_a_meter_with_damaged_answers_is_told_of() -> None:
    meters = Population(2, seed=2).meters()
    meters[0].fault = Fault.CHECKSUM
    search, master = SecondarySearch(2400), Master(VirtualTransport(meters))
    while search.step(master):
        pass
    assert len(search.found) == 1
    number = meters[0].address.identification
    assert any(number in words and "damaged" in words for words in search.diagnoses)


def test_meters_alike_but_for_their_fabrication_number_are_told_apart() -> None:
    meters = Population(2, seed=4).meters()
    meters[1].address = meters[0].address
    meters[0].fabrication, meters[1].fabrication = "12345678", "12345688"
    search, master = SecondarySearch(2400), Master(VirtualTransport(meters))
    while search.step(master):
        pass
    assert sorted(meter.primary for meter in search.found) == [1, 2]


def test_whoever_understands_only_mode_2_is_found_in_a_second_search() -> None:
    class Mode2(LossyMeter):
        def _select(self, frame: LongFrame) -> bytes:
            if frame.information != 0x56:
                return super()._select(LongFrame(Control.SND_UD, frame.address, 0x56, frame.data))
            data = frame.data
            turned = data[3::-1] + data[5:3:-1] + data[6:]
            return super()._select(LongFrame(Control.SND_UD, frame.address, 0x52, turned))

    meters = Population(3, seed=1).meters()
    odd = Mode2(77, SecondaryAddress("24681357", 0x0442, 1, 7), meters[0].contents)
    transport = VirtualTransport([*meters, odd])
    search, master = Search.plan(primary=False), Master(transport)
    while search.step(master):
        pass
    found = {meter.primary: meter.high_first for meter in search.found()}
    assert found == {1: False, 2: False, 3: False, 77: True}


def test_the_digit_to_split_by_is_where_known_numbers_differ() -> None:
    assert next_place("FFFFFFFF", []) == 7
    assert next_place("FFFFFFFF", ["10000500", "10000600", "10000700"]) == 5
    assert next_place("1F345678", []) == 1
    assert next_place("12345678", []) is None


def test_equal_numbers_are_split_by_what_was_seen_first() -> None:
    mask = Selection(SecondaryAddress("12345678"))
    seen = [SecondaryAddress("00000001", 0x0442, 5, 2), SecondaryAddress("00000002", 0x0442, 6, 7)]
    assert stage_after(mask, None) == "makers"
    assert [part.mask.manufacturer for part in split_stage(mask, "makers", seen)] == [0x0442]
    assert [part.mask.version for part in split_stage(mask, "versions", seen)][:2] == [5, 6]
    media = [part.mask.medium for part in split_stage(mask, "media", seen)]
    assert media[:2] == [2, 7]
    assert len(set(media)) == len(media)


@pytest.mark.parametrize(
    ("information", "data", "text"),
    [
        (0x72, "78563412 4204 01 07 00000000", "1234567842040107"),
        (0x76, "12345678 0442 01 07 00000000", "1234567842040107"),
        (0x73, "78563412 01 00 2929 00000000 00000000", "12345678FFFFFFFF"),
        (0x77, "12345678 01 00 2929 00000000 00000000", "12345678FFFFFFFF"),
        (0x78, "0413", None),
    ],
)
def test_who_answers_is_read_in_both_byte_orders(information: int, data: str, text: str | None) -> None:
    identity = identify(LongFrame(Control.RSP_UD, 5, information, bytes.fromhex(data)))
    assert (identity.secondary.text if identity.secondary else None) == text
    assert identity.primary == 5
    if text:
        assert agrees(SecondaryAddress("1F3F5F7F"), identity)
        assert not agrees(SecondaryAddress("2FFFFFFF"), identity)
