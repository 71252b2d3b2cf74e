"""The reader on a real line: readouts, the schedule, addresses, and what it does when nobody answers."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.errors import SaveFailed
from appliance.mbus.frame import LongFrame, parse
from appliance.meters import reader as reader_module
from appliance.meters.snapshot import SearchPhase
from appliance.readout.identity import identify
from appliance.readout.reading import read_meter
from appliance.simulator.bus import SimulatedBus
from tests.meters.rig import Station, reading, station

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METERS = 3


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SimulatedBus]:
    folder = tmp_path / "bus"
    folder.mkdir()
    simulated = SimulatedBus(METERS, optical=False, folder=folder)
    simulated.start()
    yield simulated
    simulated.stop()


def _list(here: Station, bus: SimulatedBus, **texts: str) -> list[int]:
    """Put all meters of the bus into the list."""
    return [
        here.meters.add({"secondary": meter.address.text, "primary": str(meter.primary), "interval": "0", **texts}).key
        for meter in bus.meters
    ]


def test_meters_are_read_when_somebody_asks(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        keys = _list(here, bus)
        heard: list[int] = []
        here.meters.subscribe(lambda: heard.append(here.meters.snapshot().readings))
        here.read(*keys)
        for key, meter in zip(keys, bus.meters, strict=True):
            state, latest = here.state(key), here.meters.latest(key)
            assert latest is not None
            assert state.error == ""
            assert (state.tries, state.failures, state.is_waiting) == (1, 0, False)
            frame = parse(latest.telegrams[0])
            assert isinstance(frame, LongFrame)
            assert identify(frame).secondary == meter.address
            assert state.response_time is not None
            assert state.readout_time is not None
            assert 0 <= state.response_time < state.readout_time < 10
        assert heard == [1, 2, 3]
        assert [one.meter for one in here.meters.readings()] == keys
        here.wait(lambda: here.rig.line.lease.holder is None, "the bus to be free")
        assert not here.meters.snapshot().is_busy


def test_meters_are_read_without_a_tunnel(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url, tunnel__accept_mode="disabled") as here:
        (key, *_) = _list(here, bus)
        here.read(key)
        assert here.state(key).error == ""


def test_the_old_selection_is_for_those_alone_who_need_it(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        sent: list[bytes] = []
        write = here.rig.line.write

        def listens(data: bytes, now: float) -> bool:
            sent.append(data)
            return write(data, now)

        here.rig.line.write = listens  # type: ignore[method-assign]  # where all bytes go through
        old, new, *_ = _list(here, bus)
        here.meters.change(old, {"high_first": "on"})
        here.read(old)
        assert {data[6] for data in sent if data[0] == 0x68} == {0x56}
        sent.clear()
        here.read(new)
        here.meters.read_now([old])
        here.meters.search([2400], primary=False, secondary=True)
        here.wait(lambda: here.meters.snapshot().search.progress > 0, "the search")
        here.reader.stop()
        kinds = [data[6] for data in sent if data[0] == 0x68]
        assert kinds[0] == kinds[-1] == 0x52


def test_a_meter_may_be_read_at_its_primary_address(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        first, second, *_ = bus.meters
        good = here.meters.add({"primary": str(first.primary), "interval": "0"}).key
        stranger = here.meters.add(
            {"primary": str(second.primary), "secondary": "1234567801020304", "reads_by_primary": "on", "interval": "0"}
        ).key
        here.read(good, stranger)
        assert here.state(good).error == ""
        assert f"answers another meter: {second.address.text}" in here.state(stranger).error
        assert here.meters.latest(stranger) is None


def test_the_schedule_reads_by_itself_and_leaves_silent_meters_alone(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        good = here.meters.add({"secondary": bus.meters[0].address.text, "interval": "600"}).key
        silent = here.meters.add({"primary": "99", "interval": "600"}).key
        here.wait(lambda: here.state(good).tries and here.state(silent).tries, "both readouts")
        here.wait(lambda: here.rig.line.lease.holder is None, "the bus to be free")
        assert here.state(good).error == ""
        assert "no answer" in here.state(silent).error
        due, retry, now = here.state(good).due, here.state(silent).due, here.meters.time.of(here.meters.clock())
        assert due is not None
        assert retry is not None
        assert 590 < due - now <= 600
        assert 50 < retry - now <= 60
        assert (here.state(silent).tries, here.state(silent).failures) == (1, 1)


def test_a_meter_of_another_speed_is_read_and_the_line_gets_its_own_back(bus: SimulatedBus, tmp_path: Path) -> None:
    slow = next(meter for meter in bus.meters if 300 in meter.speeds)
    slow._baud, slow.automatic = 300, False
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        key = here.meters.add({"secondary": slow.address.text, "baud": "300", "interval": "0"}).key
        other = next(meter for meter in bus.meters if meter is not slow)
        fast = here.meters.add({"secondary": other.address.text, "interval": "0"}).key
        here.read(key, fast, key)
        assert [here.state(key).error, here.state(fast).error] == ["", ""]
        here.wait(lambda: here.rig.line.lease.holder is None, "the bus to be free")
        (branch,) = here.rig.line.up
        assert branch.in_use._device.baudrate == 2400


def test_a_new_speed_takes_effect_although_the_reader_has_much_to_do(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        here.meters.search([2400], primary=True, secondary=False)
        here.wait(lambda: here.meters.snapshot().is_busy, "the search")
        here.rig.settings.set({"line.baud_rate": "300"}, save=False)
        here.wait(lambda: here.rig.line.baud == 300, "the new speed")
        before = here.meters.job.state.elapsed
        here.wait(lambda: here.meters.job.state.elapsed > before, "the search to go on")
        assert here.meters.snapshot().search.phase is SearchPhase.RUNNING
        (branch,) = here.rig.line.up
        assert branch.in_use._device.baudrate == 2400  # that of the search, as long as it has the bus


def test_nothing_is_done_while_it_is_switched_off(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url, meters__enabled="off") as here:
        (key, *_) = _list(here, bus, interval="60")
        here.meters.read_now([key])
        here.meters.search([2400], primary=True, secondary=True)
        beats = here.reader.beats
        here.reader.wake()
        here.wait(lambda: here.reader.beats > beats and here.reader.is_resting, "the reader to come round")
        assert here.state(key).tries == 0
        assert here.rig.line.lease.holder is None
        assert "switched off" in " ".join(here.meters.snapshot().warnings)
        here.meters.cancel_search()
        here.rig.settings.set({"meters.enabled": "on"}, save=False)
        here.wait(lambda: here.state(key).tries, "the readout")


def test_a_reader_can_be_stopped_in_the_middle_of_a_readout(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        silent = here.meters.add({"primary": "99", "interval": "0"}).key
        here.meters.read_now([silent])
        here.wait(lambda: here.meters.snapshot().activity, "the readout")
        here.reader.stop()
        assert here.rig.line.lease.holder is None
        assert here.state(silent).is_waiting
        here.new_reader()
        here.wait(lambda: here.state(silent).tries, "the readout of the next reader")


def test_a_readout_waits_for_a_line_that_was_unplugged(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        (key, *_) = _list(here, bus)
        bus.unplug()
        here.wait(lambda: not here.rig.line.up, "the loss")
        here.meters.read_now([key])
        here.wait(lambda: here.meters.snapshot().activity == "waits for the serial line", "the reader to see it")
        assert here.state(key).is_waiting
        bus.plug()
        here.wait(lambda: here.state(key).tries, "the readout")
        assert here.state(key).error == ""


def test_a_full_disk_is_told_and_the_reader_goes_on(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        first, second, *_ = _list(here, bus)
        writer = here.meters.database._writer
        assert writer is not None
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        writer.execute(f"PRAGMA max_page_count = {pages}")
        for size in (4000, 400, 40, 4):  # until there is no room in any page
            with contextlib.suppress(SaveFailed):
                while True:
                    here.meters.store_reading(second, reading(notes=("x" * size,)), came=here.meters.clock())
        before = here.meters.readings(limit=1000)
        here.read(first)
        assert "full" in here.state(first).error
        assert "full" in here.meters.snapshot().problem
        assert here.meters.readings(limit=1000) == before
        writer.execute("PRAGMA max_page_count = 1000000")
        here.read(first)
        assert (here.state(first).error, here.meters.snapshot().problem) == ("", "")
        assert here.reader.is_alive


def test_what_goes_wrong_inside_costs_one_meter_alone(
    bus: SimulatedBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        first, second, *_ = _list(here, bus)
        calls = iter(range(100))

        def fails_once(*arguments: object, **how: bool) -> object:
            if next(calls) == 0:
                raise ZeroDivisionError("by the test")
            return read_meter(*arguments, **how)  # type: ignore[arg-type]  # as they came

        monkeypatch.setattr(reader_module, "read_meter", fails_once)
        here.read(first, second)
        assert "by the test" in here.state(first).error
        assert here.state(second).error == ""


# Primary addresses.


def _set_primary(here: Station, key: int, primary: int) -> None:
    here.meters.set_primary(key, primary)
    here.wait(lambda: not here.state(key).is_waiting, "the new address")


def test_a_primary_address_is_set_by_the_secondary_one(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        first, *_ = _list(here, bus)
        _set_primary(here, first, 42)
        assert here.state(first).error == ""
        assert here.meters.find(first).primary == 42
        assert bus.meters[0].primary == 42
        _set_primary(here, first, 42)  # once more does no harm
        assert here.state(first).error == ""


def test_a_primary_address_is_set_by_the_former_one(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        key = here.meters.add({"primary": "2", "interval": "0"}).key
        _set_primary(here, key, 43)
        assert (here.state(key).error, here.meters.find(key).primary) == ("", 43)
        assert [meter.primary for meter in bus.meters] == [1, 43, 3]


def test_an_address_at_which_somebody_answers_is_not_given(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        key = here.meters.add({"secondary": bus.meters[0].address.text, "interval": "0"}).key
        silent = here.meters.add({"primary": "99", "interval": "0"}).key
        _set_primary(here, key, 3)
        _set_primary(here, silent, 44)
        assert "somebody answers at the primary address 3" in here.state(key).error
        assert "no answer" in here.state(silent).error
        assert [meter.primary for meter in bus.meters] == [1, 2, 3]
        assert (here.meters.find(key).primary, here.meters.find(silent).primary) == (None, 99)
        assert here.state(key).tries == 0  # it is no readout


def test_listeners_and_snapshots_do_not_wait_for_the_bus(bus: SimulatedBus, tmp_path: Path) -> None:
    with station(tmp_path, line__two_wire=bus.line_url) as here:
        (key, *_) = _list(here, bus)
        client = here.rig.connected()  # has the bus, and says nothing more
        here.meters.read_now([key])
        here.wait(lambda: here.meters.is_waiting or here.state(key).tries, "the reader to want the bus")
        done = threading.Event()

        def work() -> None:
            here.meters.snapshot()
            here.meters.change(key, {"name": "new"})
            here.meters.readings()
            done.set()

        threading.Thread(target=work).start()
        assert done.wait(5)
        client.close()
        here.wait(lambda: here.state(key).tries, "the readout")
