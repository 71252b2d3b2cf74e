"""The search on a real line: whole, interrupted in every way, and beside TCP clients."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.errors import InvalidMeter
from appliance.mbus.frame import Control, LongFrame, ShortFrame, frame_length, parse
from appliance.meters.meters import Meters
from appliance.meters.snapshot import SearchPhase
from appliance.simulator.bus import SimulatedBus
from tests.meters.rig import Station, found, household, station

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tunnel.rig import Client


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SimulatedBus]:
    folder = tmp_path / "bus"
    folder.mkdir()
    simulated = SimulatedBus(2, optical=False, folder=folder)
    simulated.start()
    yield simulated
    simulated.stop()


def _phase(here: Station) -> SearchPhase:
    return here.meters.snapshot().search.phase


def _await_progress(here: Station, least: float = 0.05) -> None:
    here.wait(lambda: here.meters.snapshot().search.progress >= least, f"{least:.0%} of the search")


def _await_end(here: Station, bus: SimulatedBus) -> None:
    here.wait(lambda: _phase(here) is SearchPhase.FINISHED, "the end of the search", 60)
    state = here.meters.snapshot().search
    assert sorted(one.secondary.text for one in state.found if one.secondary) == sorted(
        meter.address.text for meter in bus.meters
    )
    assert state.progress == 1.0
    assert state.error == ""
    assert state.began_at is not None


def test_a_search_survives_its_service_a_lost_line_and_a_restart(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        here.meters.search([2400], primary=False, secondary=True)
        _await_progress(here)

        # The service dies, and supervision builds another.
        def dies() -> None:
            raise SystemExit

        here.reader.beat = dies  # type: ignore[method-assign]  # as supervision's tests do
        here.reader.thread.join(10)
        assert here.rig.line.lease.holder is None
        done = here.meters.job.state.progress
        here.new_reader()
        here.wait(lambda: here.meters.job.state.progress > done, "progress with the next reader")

        # The line is unplugged.
        bus.unplug()
        here.wait(lambda: _phase(here) is SearchPhase.FAILED, "the search to fail")
        assert "line" in here.meters.snapshot().search.error
        bus.plug()
        here.wait(lambda: _phase(here) is SearchPhase.RUNNING, "the search to go on by itself")
        assert here.meters.snapshot().search.error == ""

        # Somebody pauses it, and the program begins anew.
        here.meters.pause_search()
        here.wait(lambda: not here.meters.is_busy, "the bus to be free")
        paused = here.meters.snapshot().search
        assert paused.phase is SearchPhase.PAUSED
        here.reader.stop()
        here.meters.close()
        here.meters = Meters(here.rig.settings, tmp_path / "meters")
        again = here.meters.snapshot().search
        assert (again.phase, again.progress, again.began_at) == (paused.phase, paused.progress, paused.began_at)
        here.new_reader()
        here.meters.resume_search()
        _await_end(here, bus)
        assert len(here.meters.add_found()) == len(bus.meters)


def test_a_search_that_was_cut_off_rests_until_it_is_resumed(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        here.meters.search([2400], primary=True, secondary=False)
        _await_progress(here, 0.02)
        here.reader.stop()
        done = here.meters.job.state.elapsed
        cut_off = Meters(here.rig.settings, tmp_path / "meters")  # while the former one has not been closed
        try:
            state = cut_off.snapshot().search
            assert state.phase is SearchPhase.PAUSED
            assert "anew in the middle" in state.error
            assert state.elapsed == pytest.approx(done)
            cut_off.resume_search()
            assert cut_off.snapshot().search.phase is SearchPhase.RUNNING
        finally:
            cut_off.close()


def test_a_cancelled_search_keeps_what_it_found(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        here.meters.search([2400], primary=True, secondary=False)
        here.wait(lambda: here.meters.snapshot().search.found, "the first meter")
        here.meters.cancel_search()
        here.wait(lambda: not here.meters.is_busy, "the bus to be free")
        assert _phase(here) is SearchPhase.CANCELLED
        assert here.meters.add_found()
        elapsed = here.meters.job.state.elapsed
        here.meters.resume_search()
        here.wait(lambda: here.meters.job.state.elapsed > elapsed, "the search to go on")


def test_readouts_come_before_the_search(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        here.meters.search([2400], primary=True, secondary=False)
        here.wait(lambda: here.meters.snapshot().is_busy, "the search")
        key = here.meters.add({"secondary": bus.meters[1].address.text, "interval": "0"}).key
        here.read(key)
        assert here.state(key).error == ""
        assert _phase(here) is SearchPhase.RUNNING


def _ask(client: Client, address: int) -> LongFrame:
    client.send(bytes(ShortFrame(Control.REQ_UD2_FCB, address)))
    data = client.read(4)
    frame = parse(data + client.read(frame_length(data) - 4))
    assert isinstance(frame, LongFrame)
    return frame


def test_a_client_reads_beside_search_and_readouts_and_nobody_loses_anything(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url, tunnel__lease_quiet="300") as here:
        keys = [here.meters.add({"secondary": meter.address.text, "interval": "0"}).key for meter in bus.meters]
        here.meters.search([2400], primary=False, secondary=True)
        client, pause = here.rig.connected(), threading.Event()
        told: list[int] = []
        while _phase(here) in (SearchPhase.RUNNING, SearchPhase.WAITING) or len(told) < 6:
            told.append(_ask(client, 1 + len(told) % 2).address)
            if len(told) % 4 == 1:
                here.meters.read_now(keys)
            pause.wait(1.0)
        assert told == [1 + place % 2 for place in range(len(told))]
        _await_end(here, bus)
        here.wait(lambda: not any(state.is_waiting for state in here.meters.snapshot().meters), "the readouts")
        assert [here.state(key).failures for key in keys] == [0, 0]
        assert here.state(keys[0]).tries >= 2


def test_a_search_waits_while_a_client_has_the_bus(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url, tunnel__lease_quiet="3000") as here:
        client = here.rig.connected()
        assert _ask(client, 1).address == 1
        here.meters.search([2400], primary=True, secondary=False)
        here.wait(lambda: _phase(here) is SearchPhase.WAITING, "the search to wait")
        client.close()
        here.wait(lambda: _phase(here) is SearchPhase.RUNNING, "the search to begin")


# Without a bus.


@pytest.mark.parametrize(
    ("bauds", "primary", "secondary", "field"),
    [([], True, True, "bauds"), ([2400, 9600], True, True, "bauds"), ([300], False, False, "ways")],
)
def test_a_search_for_nothing_is_refused(
    tmp_path: Path, bauds: list[int], primary: bool, secondary: bool, field: str
) -> None:
    with household(tmp_path) as house:
        with pytest.raises(InvalidMeter) as refusal:
            house.meters.search(bauds, primary=primary, secondary=secondary)
        assert list(refusal.value.errors) == [field]
        for act in (house.meters.pause_search, house.meters.resume_search, house.meters.cancel_search):
            act()
            assert house.meters.snapshot().search.phase is SearchPhase.NONE


def test_a_stored_search_of_another_firmware_is_left(tmp_path: Path) -> None:
    for state in ("", "{}", "[]", '{"phase": "running", "error": "", "began_at": 1, "search": {"parts": [{}]}}'):
        with household(tmp_path) as house, house.meters.database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO search VALUES (1, ?)", (state,))
        with household(tmp_path) as house:
            assert house.meters.snapshot().search.phase is SearchPhase.NONE


def test_a_search_is_stored_with_what_it_found(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        house.meters.search([300, 2400], primary=True, secondary=True)
        search = house.meters.job._search
        assert search is not None
        search.parts[1].found.append(found(5))
        house.meters.pause_search()
        again = house.again().snapshot().search
        assert again.phase is SearchPhase.PAUSED
        assert again.found == (found(5),)
