"""The whole bus on real ptys and sockets."""

from __future__ import annotations

import os
import resource
import select
import socket
import termios
import threading
import time
from typing import TYPE_CHECKING

import pytest

from appliance.errors import ListenError, ServiceError, UnknownMeterError
from appliance.mbus.frame import Acknowledge, Control, LongFrame, ShortFrame, parse
from appliance.mbus.header import Information
from appliance.mbus.secondary import SecondaryAddress
from appliance.simulator.bus import SimulatedBus
from appliance.simulator.fault import Fault
from tests.simulator.master import DEADLINE, QUIET, Master, is_sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACKNOWLEDGED = Acknowledge()
RESET = ShortFrame(Control.SND_NKE, 1)
READ = ShortFrame(Control.REQ_UD2_FCB, 1)


def read(address: int) -> ShortFrame:
    return ShortFrame(Control.REQ_UD2_FCB, address)


def test_every_meter_answers_at_its_speed(bus: SimulatedBus, master: Master) -> None:
    for meter in bus.meters:
        master.set_baud(meter.baud)
        assert master.ask(ShortFrame(Control.SND_NKE, meter.primary)) == ACKNOWLEDGED
        answer = master.ask(read(meter.primary))
        assert isinstance(answer, LongFrame)
        assert answer.address == meter.primary


def test_the_speed_is_the_one_that_the_gateway_set(master: Master) -> None:
    master.set_baud(300)
    assert master.is_ignored(read(2))
    assert master.ask(RESET) == ACKNOWLEDGED
    master.set_baud(9600)
    assert master.is_ignored(RESET)
    master.set_baud(2400)
    assert isinstance(master.ask(read(2)), LongFrame)


def test_switching_the_speed_of_a_meter(master: Master) -> None:
    assert master.ask(LongFrame(Control.SND_UD, 2, Information.BAUD_300)) == ACKNOWLEDGED
    assert master.is_ignored(read(2))
    master.set_baud(300)
    assert master.ask(ShortFrame(Control.SND_NKE, 2)) == ACKNOWLEDGED
    assert master.ask(LongFrame(Control.SND_UD, 2, Information.BAUD_2400)) == ACKNOWLEDGED
    master.set_baud(2400)
    assert isinstance(master.ask(read(2)), LongFrame)


def test_finding_and_reading_by_secondary_address(bus: SimulatedBus, master: Master) -> None:
    meter = bus.meter(6)
    wildcard = SecondaryAddress(meter.address.identification[:4] + "FFFF", medium=meter.address.medium)
    assert master.ask(LongFrame(Control.SND_UD, 253, Information.SELECT, bytes(wildcard))) == ACKNOWLEDGED
    answer = master.ask(read(253))
    assert isinstance(answer, LongFrame)
    assert SecondaryAddress.from_bytes(answer.data[:8]) == meter.address
    nobody = LongFrame(Control.SND_UD, 253, Information.SELECT, bytes(SecondaryAddress("00000000")))
    assert master.is_ignored(nobody)
    assert master.is_ignored(read(253))


def test_changing_a_primary_address(bus: SimulatedBus, master: Master) -> None:
    meter = bus.meter(1)
    assert master.ask(LongFrame(Control.SND_UD, 1, Information.SEND, b"\x01\x7a\x64")) == ACKNOWLEDGED
    assert master.is_ignored(READ)
    assert isinstance(master.ask(read(100)), LongFrame)
    assert bus.meter(100) is meter
    with pytest.raises(UnknownMeterError):
        bus.meter(1)


def test_two_meters_with_one_address_collide(bus: SimulatedBus, master: Master) -> None:
    bus.meter(3).primary = 2
    master.send(read(2))
    noise = master.read_burst()
    assert noise
    assert not is_sound(noise)


def test_faults_are_set_while_the_bus_runs(bus: SimulatedBus, master: Master) -> None:
    meter = bus.meter(1)
    for fault in (Fault.MUTE, Fault.DEAD):
        meter.fault = fault
        assert master.is_ignored(READ)
    meter.fault = Fault.CHECKSUM
    master.send(READ)
    assert not is_sound(master.read_frame())
    meter.fault = Fault.LATE
    began = time.monotonic()
    assert isinstance(master.ask(READ), LongFrame)
    assert time.monotonic() - began > 330 / 2400 + 0.05
    meter.fault = Fault.NONE
    assert isinstance(master.ask(READ), LongFrame)


def test_a_babbler_wakes_an_idle_bus(bus: SimulatedBus, master: Master) -> None:
    assert not master.read_all()
    bus.meter(1).fault = Fault.BABBLE
    assert master.read_some(DEADLINE)


def test_a_short_circuit(bus: SimulatedBus, master: Master) -> None:
    bus.faults.short_circuit = True
    assert master.is_ignored(READ)
    bus.faults.short_circuit = False
    assert isinstance(master.ask(READ), LongFrame)


def test_the_optical_head_is_a_line_of_its_own(
    make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master]
) -> None:
    bus = make_bus(optical=True)
    wire, head = make_master(bus.line_url), make_master(bus.optical_url)
    assert isinstance(head.ask(read(9)), LongFrame)
    assert wire.is_ignored(read(9))
    assert head.is_ignored(read(1))
    assert isinstance(wire.ask(read(1)), LongFrame)
    assert bus.meter(9).peculiarity == "optical head"


def test_without_an_optical_head(bus: SimulatedBus) -> None:
    assert bus.optical_url == ""
    assert len(bus.meters) == 8


def test_real_pace_takes_at_least_as_long_as_the_wire(
    make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master]
) -> None:
    bus = make_bus(pace=1.0)
    master = make_master(bus.line_url)
    began = time.monotonic()
    master.send(read(7))
    first = master.read_some(DEADLINE)
    pieces = [first]
    while sum(map(len, pieces)) < 25:
        pieces.append(master.read_some(DEADLINE))
        assert pieces[-1]
    took = time.monotonic() - began
    assert is_sound(b"".join(pieces))
    assert took >= (5 + 25) * 11 / 2400 + bus.meter(7).delay(2400) - 0.001
    # Character by character; a machine that is busy may join many.
    assert len(pieces) > 1


def test_what_was_flushed_is_never_sent(
    make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master]
) -> None:
    bus = make_bus(pace=1.0)
    master = make_master(bus.line_url, 300)
    # Five seconds of the wire's time, then what would be answered.
    master.send(b"\x00" * 140 + bytes(RESET))
    assert not master.read_some(0.3)
    termios.tcflush(master.descriptor, termios.TCOFLUSH)
    assert not master.read_some(0.3)
    began = time.monotonic()
    assert master.ask(RESET) == ACKNOWLEDGED
    assert time.monotonic() - began < 3.0
    assert not master.read_some(0.5)


def test_the_line_takes_no_more_than_it_can_hold(
    make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master]
) -> None:
    bus = make_bus(pace=1.0)
    master = make_master(bus.line_url, 300)
    taken = 0
    poll = select.poll()
    poll.register(master.descriptor, select.POLLOUT)
    while poll.poll(0):
        taken += os.write(master.descriptor, bytes(1000))
        assert taken < 50_000


def test_a_gateway_may_close_and_come_again(bus: SimulatedBus, make_master: Callable[..., Master]) -> None:
    for _ in range(3):
        master = make_master(bus.line_url)
        assert isinstance(master.ask(READ), LongFrame)
        master.close()


def test_a_line_that_is_pulled_and_put_back(
    make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master], tmp_path: Path
) -> None:
    bus = make_bus(folder=tmp_path, optical=True)
    path = bus.line_url
    assert path == str(tmp_path / "line")
    assert bus.optical_url == str(tmp_path / "optical")
    master = make_master(path)
    assert isinstance(master.ask(READ), LongFrame)
    bus.unplug()
    bus.unplug()
    poll = select.poll()
    poll.register(master.descriptor, select.POLLIN)
    ((_, events),) = poll.poll(DEADLINE * 1000)
    assert events & select.POLLHUP
    assert not (tmp_path / "line").is_symlink()
    with pytest.raises(FileNotFoundError):
        Master(path)
    bus.plug()
    bus.plug()
    assert bus.line_url == path
    assert isinstance(make_master(path).ask(READ), LongFrame)
    bus.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_link_left_over_from_a_crash_is_replaced(
    make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master], tmp_path: Path
) -> None:
    (tmp_path / "line").symlink_to("/dev/pts/99999")
    bus = make_bus(folder=tmp_path)
    assert isinstance(make_master(bus.line_url).ask(READ), LongFrame)


def test_without_a_folder_a_pulled_line_has_no_path(bus: SimulatedBus) -> None:
    bus.unplug()
    assert bus.line_url == ""
    bus.plug()
    assert bus.line_url.startswith("/dev/pts/")


def test_a_tool_over_tcp(make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master]) -> None:
    bus = make_bus(tcp_port=0)
    master = make_master(bus.line_url)
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", bus.tcp_port), DEADLINE) as tool:
            tool.sendall(bytes(READ))
            data = b""
            while not is_sound(data):
                data += tool.recv(300)
        assert not master.read_some(QUIET)
    assert isinstance(master.ask(READ), LongFrame)


def test_one_tool_at_a_time(make_bus: Callable[..., SimulatedBus]) -> None:
    bus = make_bus(tcp_port=0)
    where = ("127.0.0.1", bus.tcp_port)
    with socket.create_connection(where, DEADLINE) as first:
        first.sendall(bytes(RESET))
        assert first.recv(1) == b"\xe5"
        with socket.create_connection(where, DEADLINE) as second:
            assert second.recv(1) == b""
        first.sendall(bytes(RESET))
        assert first.recv(1) == b"\xe5"


def test_a_tool_that_resets_the_connection_leaves_the_port_usable(make_bus: Callable[..., SimulatedBus]) -> None:
    bus = make_bus(tcp_port=0, pace=1.0)
    where = ("127.0.0.1", bus.tcp_port)
    rude = socket.create_connection(where, DEADLINE)
    rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    rude.sendall(bytes(READ) * 20)
    rude.close()
    end = time.monotonic() + DEADLINE
    answer = b""
    while answer != b"\xe5":
        assert time.monotonic() < end
        with socket.create_connection(where, DEADLINE) as tool:
            tool.settimeout(2.0)
            try:
                tool.sendall(b"\x00" * 10 + bytes(RESET))
                answer = tool.recv(1)
            except OSError:
                # The bus has not yet seen the end of the one before, or was in the middle of its answer.
                continue


def test_a_port_that_is_taken(make_bus: Callable[..., SimulatedBus]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        bus = SimulatedBus(tcp_port=other.getsockname()[1])
        with pytest.raises(ListenError):
            bus.start()
    assert bus.line_url == ""
    assert make_bus().line_url


def test_life_cycle() -> None:
    bus = SimulatedBus(pace=None)
    with pytest.raises(ServiceError):
        bus.plug()
    bus.start()
    with pytest.raises(ServiceError):
        bus.start()
    bus.stop()
    bus.stop()
    with pytest.raises(ServiceError):
        bus.unplug()
    SimulatedBus().stop()


def test_stopping_in_the_middle_of_an_answer_is_quick(
    make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master]
) -> None:
    bus = make_bus(pace=1.0, optical=True)
    master = make_master(bus.line_url)
    master.send(read(8))
    assert master.read_some(DEADLINE)
    began = time.monotonic()
    bus.stop()
    assert time.monotonic() - began < 1.0


def test_an_idle_bus_sleeps(make_bus: Callable[..., SimulatedBus]) -> None:
    make_bus(meters=250, pace=1.0, optical=True, tcp_port=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    threading.Event().wait(0.5)
    # Each time that a thread wakes and waits again is one.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before < 50


def test_a_full_bus(make_bus: Callable[..., SimulatedBus], make_master: Callable[..., Master]) -> None:
    bus = make_bus(meters=250)
    master = make_master(bus.line_url)
    for address in (1, 122, 250):
        answer = master.ask(read(address))
        assert isinstance(answer, LongFrame)
        assert answer.address == address
    master.send(read(254))
    assert not is_sound(master.read_burst())
    assert isinstance(master.ask_until_answered(read(250)), LongFrame)


def test_multi_telegram_reading(bus: SimulatedBus, master: Master) -> None:
    master.ask(ShortFrame(Control.SND_NKE, 3))
    ends = []
    for control in (Control.REQ_UD2_FCB, Control.REQ_UD2, Control.REQ_UD2_FCB):
        answer = master.ask(ShortFrame(control, 3))
        assert isinstance(answer, LongFrame)
        ends.append(answer.data[-1])
    assert [end == 0x1F for end in ends] == [True, True, False]
    assert bus.meter(3).contents.count == 3


def test_one_meter_has_the_longest_frame_there_is(master: Master) -> None:
    master.send(read(8))
    data = master.read_frame()
    assert len(data) == 261
    assert isinstance(parse(data), LongFrame)
