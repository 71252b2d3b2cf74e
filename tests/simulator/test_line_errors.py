"""Line errors, which no pty can carry, as the simulated bus counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.mbus.frame import Control, ShortFrame
from tests.simulator.master import DEADLINE, Master
from tests.simulator.test_segment import Rig

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.bus import SimulatedBus


def read(address: int) -> ShortFrame:
    return ShortFrame(Control.REQ_UD2, address)


def test_a_sound_answer_has_none() -> None:
    rig = Rig()
    rig.say(read(8))
    rig.run(5.0)
    assert len(rig.heard()) == 261
    assert rig.segment.line_errors == 0


def test_meters_that_answer_at_once_make_many() -> None:
    rig = Rig()
    rig.say(read(254))
    rig.run(5.0)
    assert rig.segment.line_errors > 10


def test_noise_counts_each_character_that_it_spoilt() -> None:
    rig = Rig()
    rig.say(read(8))
    rig.run(0.4)
    before = len(rig.heard())
    rig.segment.faults.noise = 1.0
    rig.run(5.0)
    assert rig.segment.line_errors == 261 - before


def test_noise_on_the_way_to_the_meters_is_not_seen() -> None:
    rig = Rig()
    rig.segment.faults.noise = 1.0
    rig.say(read(8))
    rig.run(5.0)
    assert rig.segment.line_errors == 0


def test_a_collision_within_an_answer_spoils_it() -> None:
    rig = Rig()
    rig.say(read(8))
    rig.run(0.5)
    rig.segment.collide()
    rig.run(5.0)
    assert rig.segment.line_errors > 0
    rig.heard()
    rig.say(read(8))
    rig.run(5.0)
    assert len(rig.heard()) == 261


def test_a_short_circuit_leaves_nobody_to_collide() -> None:
    rig = Rig()
    rig.segment.faults.short_circuit = True
    rig.run(0.1)
    rig.segment.collide()
    rig.run(1.0)
    assert rig.segment.line_errors == 0
    assert rig.heard() == b""


def test_the_bus_counts_what_a_gateway_did_not_read(bus: SimulatedBus, master: Master) -> None:
    master.send(bytes(read(8)))
    assert master.read_some(DEADLINE)
    master.read_all()
    assert bus.line_errors == 0
    bus._line.overruns += 3
    assert bus.line_errors == 3


def test_both_segments_count(make_bus: Callable[..., SimulatedBus]) -> None:
    bus = make_bus(optical=True)
    for segment, total in zip(bus._segments, (1, 2), strict=True):
        segment._spoilt = 1
        assert bus.line_errors == total
