"""The bus in slow motion: time is a number that the test sets, the end is a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.mbus.frame import Acknowledge, Control, LongFrame, ShortFrame, parse
from appliance.mbus.header import Information
from appliance.mbus.secondary import SecondaryAddress
from appliance.simulator.clock import WireClock
from appliance.simulator.end import End
from appliance.simulator.fault import Fault
from appliance.simulator.meter import LATE_EXTRA, MAX_DELAY_BITS, MAX_DELAY_EXTRA
from appliance.simulator.population import make_meters
from appliance.simulator.segment import Segment
from tests.simulator.master import is_sound

if TYPE_CHECKING:
    from collections.abc import Callable

ACKNOWLEDGED = bytes(Acknowledge())


class HandEnd(End):
    """A master whose UART the test holds in its hands."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self.speed = 2400
        self.unsent = b""
        self.received: list[tuple[float, bytes]] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def baud(self) -> int:
        return self.speed

    def watched(self) -> dict[int, int]:
        return {}

    def attend(self, descriptor: int, events: int) -> None: ...

    def refill(self) -> None:
        taken, self.unsent = self.unsent[: self.room], self.unsent[self.room :]
        self.fifo += taken

    def deliver(self, data: bytes) -> None:
        self.received.append((self._now(), data))


class Rig:
    """A segment, its end, and the hands of the clock."""

    def __init__(self, meters: int = 8) -> None:
        self.time = 1000.0
        self.origin = self.time
        self.end = HandEnd(lambda: self.time - self.origin)
        wire = WireClock(1.0, lambda: self.time)
        self.segment = Segment(make_meters(meters), [self.end], wire=wire, time_of_day=lambda: 1.79e9, seed=0)

    def run(self, seconds: float, lateness: float = 0.0) -> None:
        """Let time pass, from one due event to the next, each looked at `lateness` too late."""
        until = self.time + seconds
        while True:
            self.end.refill()
            wait = self.segment.advance()
            if self.end.unsent and self.end.room:
                continue
            if wait is None or self.time + wait + lateness > until:
                self.time = until
                return
            self.time += wait + lateness

    def say(self, frame: bytes | ShortFrame | LongFrame) -> None:
        self.end.unsent += bytes(frame)

    def heard(self) -> bytes:
        data = b"".join(data for _, data in self.end.received)
        self.end.received.clear()
        return data


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_every_character_is_due_when_the_wire_has_sent_it(rig: Rig) -> None:
    rig.say(ShortFrame(Control.REQ_UD2, 8))
    rig.run(5.0)
    moments = [moment for moment, data in rig.end.received for _ in data]
    meter = rig.segment.meters[7]
    character = 11 / 2400
    begin = 5 * character + meter.delay(2400)
    assert moments == pytest.approx([begin + (place + 1) * character for place in range(261)], abs=1e-6)
    assert all(len(data) == 1 for _, data in rig.end.received)


def test_the_longest_answer_takes_nine_and_a_half_seconds_at_300() -> None:
    rig = Rig()
    rig.segment.meters[7].automatic = True
    rig.end.speed = 300
    rig.say(ShortFrame(Control.REQ_UD2, 8))
    rig.run(20.0)
    moments = [moment for moment, data in rig.end.received for _ in data]
    assert len(moments) == 261
    assert moments[-1] - moments[0] + 11 / 300 == pytest.approx(9.57, abs=1e-3)


def test_lateness_batches_and_never_adds_up(rig: Rig) -> None:
    rig.say(ShortFrame(Control.REQ_UD2, 8))
    rig.run(5.0, lateness=0.03)
    begin = 5 * 11 / 2400 + rig.segment.meters[7].delay(2400)
    moments = [moment for moment, data in rig.end.received for _ in data]
    assert len(moments) == 261
    assert max(len(data) for _, data in rig.end.received) < 12
    for place, moment in enumerate(moments):
        due = begin + (place + 1) * 11 / 2400
        # Late by one look at most on the way there, and one on the way back.
        assert due - 1e-6 <= moment <= due + 0.2


def test_the_masters_bytes_take_their_time_too(rig: Rig) -> None:
    rig.say(bytes(100))
    rig.run(0.0)
    # One is in the shift register, 16 wait in the FIFO, and the rest has not left the gateway.
    assert (len(rig.end.fifo), len(rig.end.unsent)) == (16, 83)
    rig.run(50.5 * 11 / 2400)
    assert (len(rig.end.fifo), len(rig.end.unsent)) == (16, 33)


def test_the_masters_bytes_do_not_fall_behind_a_late_thread(rig: Rig) -> None:
    rig.say(bytes(200))
    rig.run(150 * 11 / 2400, lateness=0.03)
    # Less than nine characters pass between two looks, and the FIFO holds more.
    assert 200 - 150 <= len(rig.end.fifo) + len(rig.end.unsent) <= 200 - 150 + 9


def test_noise_reaches_the_requests_too(rig: Rig) -> None:
    rig.segment.faults.noise = 1.0
    rig.say(ShortFrame(Control.SND_NKE, 1))
    rig.run(1.0)
    assert rig.segment._scanner.discarded > 0


def test_a_pause_within_a_frame_breaks_it_and_heals_the_next(rig: Rig) -> None:
    request = bytes(ShortFrame(Control.SND_NKE, 1))
    rig.say(request[:3])
    rig.run(0.5)
    rig.say(request[3:])
    rig.run(0.5)
    assert rig.heard() == b""
    rig.say(b"\x68\xff\xff\x68")
    rig.run(0.5)
    rig.say(request)
    rig.run(0.5)
    assert rig.heard() == ACKNOWLEDGED


def test_the_other_speed_is_not_heard(rig: Rig) -> None:
    for speed, address, answers in ((2400, 5, False), (300, 5, True), (300, 6, False), (2400, 6, True)):
        rig.end.speed = speed
        rig.say(ShortFrame(Control.SND_NKE, address))
        rig.run(1.0)
        assert (rig.heard() == ACKNOWLEDGED) is answers


def test_a_uart_without_a_speed_sends_nothing(rig: Rig) -> None:
    rig.end.speed = 0
    rig.say(ShortFrame(Control.SND_NKE, 1))
    rig.run(1.0)
    assert rig.heard() == b""


def test_when_all_answer_nobody_is_understood(rig: Rig) -> None:
    rig.say(ShortFrame(Control.REQ_UD2, 254))
    rig.run(5.0)
    noise = rig.heard()
    assert noise
    assert not is_sound(noise)


def test_one_meter_alone_is_understood_at_254() -> None:
    rig = Rig(meters=1)
    rig.say(ShortFrame(Control.REQ_UD2, 254))
    rig.run(5.0)
    assert isinstance(parse(rig.heard()), LongFrame)


def test_two_selected_at_once_collide_and_one_does_not(rig: Rig) -> None:
    def select(mask: SecondaryAddress) -> bytes:
        rig.say(LongFrame(Control.SND_UD, 253, Information.SELECT, bytes(mask)))
        rig.run(1.0)
        return rig.heard()

    answer = select(SecondaryAddress(medium=7))
    assert answer
    assert answer != ACKNOWLEDGED
    assert select(rig.segment.meters[0].address) == ACKNOWLEDGED
    assert [meter.selected for meter in rig.segment.meters] == [True] + 7 * [False]


def test_a_broadcast_is_obeyed_by_all_and_answered_by_none(rig: Rig) -> None:
    rig.say(LongFrame(Control.SND_UD, 255, Information.SEND, b"\x01\x7a\x09"))
    rig.run(1.0)
    assert rig.heard() == b""
    at_2400 = [meter.primary == 9 for meter in rig.segment.meters if meter.automatic or meter.baud == 2400]
    assert all(at_2400)


def test_late_is_later_than_the_standard_allows(rig: Rig) -> None:
    rig.segment.meters[0].fault = Fault.LATE
    rig.say(ShortFrame(Control.SND_NKE, 1))
    rig.run(2.0)
    ((moment, data),) = rig.end.received
    assert data == ACKNOWLEDGED
    expected = 5 * 11 / 2400 + MAX_DELAY_BITS / 2400 + MAX_DELAY_EXTRA + LATE_EXTRA + 11 / 2400
    assert moment == pytest.approx(expected, abs=1e-6)


def test_a_late_answer_hits_the_next_ones(rig: Rig) -> None:
    rig.segment.meters[0].fault = Fault.LATE
    rig.say(ShortFrame(Control.REQ_UD2, 1))
    rig.run(0.45)
    rig.say(ShortFrame(Control.REQ_UD2, 2))
    rig.run(3.0)
    assert not is_sound(rig.heard())


def test_babble_comes_unasked_and_ends(rig: Rig) -> None:
    rig.segment.meters[1].fault = Fault.BABBLE
    rig.run(10.0)
    assert len(rig.end.received) > 5
    rig.segment.meters[1].fault = Fault.NONE
    rig.run(1.0)
    rig.heard()
    rig.run(10.0)
    assert rig.heard() == b""


def test_a_short_circuit_stops_everything_and_the_meters_forget(rig: Rig) -> None:
    rig.say(LongFrame(Control.SND_UD, 253, Information.SELECT, bytes(rig.segment.meters[0].address)))
    rig.run(1.0)
    assert rig.heard() == ACKNOWLEDGED
    rig.say(ShortFrame(Control.REQ_UD2, 8))
    rig.run(0.4)
    assert 0 < len(rig.heard()) < 261
    rig.segment.faults.short_circuit = True
    rig.say(ShortFrame(Control.REQ_UD2, 1))
    rig.run(3.0)
    assert rig.heard() == b""
    rig.segment.faults.short_circuit = False
    assert not rig.segment.meters[0].selected
    rig.run(1.0)
    rig.say(ShortFrame(Control.SND_NKE, 1))
    rig.run(1.0)
    assert rig.heard() == ACKNOWLEDGED


def test_noise_damages_and_loses_as_often_as_told() -> None:
    rig = Rig()
    rig.segment.faults.noise = 0.02
    sound = 0
    lengths = set()
    for _ in range(60):
        rig.say(ShortFrame(Control.REQ_UD2, 2))
        rig.run(1.5)
        answer = rig.heard()
        lengths.add(len(answer))
        sound += is_sound(answer)
    # Eighty-six characters there and back, each right with a probability of 0.98: one read in six.
    assert 2 <= sound <= 30
    assert len(lengths) > 1


def test_noise_is_a_probability(rig: Rig) -> None:
    with pytest.raises(ValueError, match="probability"):
        rig.segment.faults.noise = 1.5


def test_the_same_seed_gives_the_same_noise() -> None:
    def heard() -> bytes:
        rig = Rig()
        rig.segment.faults.noise = 0.3
        rig.say(bytes(ShortFrame(Control.REQ_UD2, 8)) * 3)
        rig.run(10.0)
        return rig.heard()

    assert heard() == heard()


def test_a_second_request_replaces_an_answer_that_has_not_begun(rig: Rig) -> None:
    rig.segment.meters[0].delay_bits = 300
    rig.say(ShortFrame(Control.REQ_UD2, 1))
    rig.run(0.05)
    rig.say(ShortFrame(Control.SND_NKE, 1))
    rig.run(3.0)
    assert rig.heard() == ACKNOWLEDGED


def test_a_master_that_talks_into_an_answer_damages_it_and_is_not_heard(rig: Rig) -> None:
    rig.say(ShortFrame(Control.REQ_UD2, 8))
    rig.run(0.5)
    rig.say(LongFrame(Control.SND_UD, 8, Information.SEND, b"\x01\x7a\x63"))
    rig.run(3.0)
    damaged = rig.heard()
    assert 255 <= len(damaged) <= 270
    assert not is_sound(damaged)
    assert rig.segment.meters[7].primary == 8


def test_a_clock_in_the_seventies_is_no_reason_to_stop() -> None:
    rig = Rig()
    rig.segment._time_of_day = lambda: 0.0
    rig.say(ShortFrame(Control.REQ_UD2, 1))
    rig.run(2.0)
    assert is_sound(rig.heard())


def test_a_talk_that_the_master_cannot_follow_does_not_stop_an_unpaced_bus() -> None:
    rig = Rig(meters=60)
    rig.segment._wire = WireClock(None, lambda: rig.time)
    # At 2400 each of these is one character with a framing error, and then seven more without an edge to begin at.
    rig.segment._say(rig.segment.meters[59], 300, bytes(3), 0.0)
    rig.run(0.0)
    rig.heard()
    rig.say(ShortFrame(Control.SND_NKE, 60))
    rig.run(0.0)
    assert rig.heard() == ACKNOWLEDGED
