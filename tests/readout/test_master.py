"""The master's link layer against the simulator's meters, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmark.virtual_bus import LossyMeter, Population, VirtualTransport

from appliance.errors import CodingError, ReadoutError
from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.readout.answer import Outcome
from appliance.readout.master import Master
from appliance.readout.reading import parse_address, read_meter
from appliance.simulator.fault import Fault
from appliance.simulator.population import make_meters

if TYPE_CHECKING:
    from appliance.mbus.frame import Frame

ELECTRICITY = 3
"""Primary address of the meter with three telegrams."""


def _bus(**options: object) -> tuple[list[LossyMeter], Master]:
    meters = Population(4).meters()
    return meters, Master(VirtualTransport(meters, **options))  # type: ignore[arg-type]


def test_all_telegrams_are_read_with_a_toggling_frame_count_bit() -> None:
    _, master = _bus()
    reading = read_meter(master, ELECTRICITY)
    assert [frame.data[8] for frame in reading.frames] == [1, 2, 3]
    assert not reading.notes


def test_a_lost_answer_is_repeated_and_no_telegram_is_skipped() -> None:
    meters, master = _bus()
    whole = [frame.data[12:] for frame in read_meter(master, ELECTRICITY).frames]
    meter = meters[ELECTRICITY - 1]

    class EverySecond:
        def __init__(self) -> None:
            self.count = 0

        def random(self) -> float:
            self.count += 1
            return float(self.count % 2)

    meter.chance, meter.loss = EverySecond(), 0.5  # type: ignore[assignment]
    again = read_meter(master, ELECTRICITY)
    assert [len(frame.data) for frame in again.frames] == [len(data) + 12 for data in whole]
    assert master.counts.repeated >= 3


def test_a_meter_that_ignores_the_frame_count_bit_does_not_hold_us_for_ever() -> None:
    meters, master = _bus()
    meter = meters[ELECTRICITY - 1]

    def always_the_first(frame: Frame, baud: int, moment: float, now: float) -> bytes:
        meter._restart_readout()
        return type(meter).hear(meter, frame, baud, moment, now)

    meter.hear = always_the_first  # type: ignore[method-assign]
    reading = read_meter(master, ELECTRICITY)
    assert len(reading.frames) == 1
    assert "ignores the frame count bit" in reading.notes[0]


def test_the_answer_is_heard_behind_an_echo() -> None:
    _, master = _bus(echoes=True)
    assert len(read_meter(master, ELECTRICITY).frames) == 3


def test_an_answer_from_another_address_is_noticed() -> None:
    meters, master = _bus()
    told = meters[0].contents.answer

    def lie(*arguments: object) -> tuple[int, bytes]:
        meters[0].primary = 9
        return told(*arguments)  # type: ignore[arg-type]

    meters[0].contents = type("Liar", (), {"count": 1, "answer": staticmethod(lie)})()
    assert read_meter(master, 1).notes == ("the answer has the primary address 9",)


def test_a_slow_meter_is_answered_to_and_its_time_is_learnt() -> None:
    meters, master = _bus()
    meters[0].fault = Fault.LATE
    assert read_meter(master, 1).frames
    repeated = master.counts.repeated
    assert read_meter(master, 1).frames
    assert master.counts.repeated <= repeated + 1


def test_a_silent_meter_is_asked_three_times_and_said_to_be_silent() -> None:
    _, master = _bus()
    with pytest.raises(ReadoutError, match="meter 77: no answer"):
        read_meter(master, 77)
    assert master.counts.requests == 1 + 3


def test_a_wildcard_that_matches_several_is_refused_and_one_that_matches_one_is_read() -> None:
    meters, master = _bus()
    with pytest.raises(ReadoutError, match="several meters match"):
        read_meter(master, Selection(SecondaryAddress()))
    number = meters[1].address.identification
    reading = read_meter(master, Selection(SecondaryAddress(number[:4] + "FFFF")))
    assert SecondaryAddress.from_bytes(reading.frames[0].data[:8]) == meters[1].address
    assert not meters[1].selected


def test_the_enhanced_selection_tells_meters_by_their_fabrication_number() -> None:
    meters, master = _bus()
    everybody = SecondaryAddress()
    assert master.select(Selection(everybody, meters[2].fabrication), listens_on=True).voices == 1
    assert [meter.selected for meter in meters] == [False, False, True, False]


def test_mode_2_turns_the_selection_round() -> None:
    sent: list[bytes] = []
    meters, master = _bus()
    send = master.transport.send

    def note(data: bytes) -> float:
        sent.append(data)
        return send(data)

    master.transport.send = note  # type: ignore[method-assign]
    master.select(Selection(SecondaryAddress("12345678", 0x0442, 1, 7)), high_first=True)
    assert sent[0][4:-2].hex(" ") == "53 fd 56 12 34 56 78 04 42 01 07"
    assert meters


def test_addresses_and_speeds_can_be_set() -> None:
    meters, master = _bus()
    for meter in meters:
        meter.speeds = (300, 2400)
    assert master.set_primary(1, 200).outcome is Outcome.ACKNOWLEDGED
    assert master.set_identification(200, "00001234").outcome is Outcome.ACKNOWLEDGED
    assert master.reset_application(200, 0x10).outcome is Outcome.ACKNOWLEDGED
    assert master.ask_for_everything(200).outcome is Outcome.ACKNOWLEDGED
    assert master.set_speed(200, 300).outcome is Outcome.ACKNOWLEDGED
    assert (meters[0].primary, meters[0].address.identification, meters[0].baud) == (200, "00001234", 300)
    master.transport.set_baud(300)
    assert read_meter(master, 200).frames
    assert master.set_speed(255, 2400).outcome is Outcome.SILENCE
    assert meters[0].baud == 2400


@pytest.mark.parametrize("call", [("set_primary", 1, 251), ("set_identification", 1, "12AB"), ("set_speed", 1, 1234)])
def test_what_cannot_be_set_is_refused_before_anything_is_sent(call: tuple[str, int, object]) -> None:
    _, master = _bus()
    name, *arguments = call
    with pytest.raises(CodingError):
        getattr(master, name)(*arguments)
    assert master.counts.requests == 0


@pytest.mark.parametrize("text", ["", "251", "255", "-1", "1234567", "12345678901234567", "GGGGGGGG", "1.5"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(CodingError):
        parse_address(text)


def test_addresses_are_read() -> None:
    assert parse_address("0") == 0
    assert parse_address("250") == 250
    assert parse_address("1234ffff") == Selection(SecondaryAddress("1234FFFF"))
    assert parse_address("12345678AE4C3307") == Selection(SecondaryAddress.from_text("12345678AE4C3307"))


def test_a_babbling_meter_does_not_keep_the_others_from_being_read() -> None:
    meters = make_meters(4)
    meters[3].fault = Fault.BABBLE
    master = Master(VirtualTransport(meters))
    done = 0
    for _ in range(6):
        try:
            read_meter(master, 1)
            done += 1
        except ReadoutError:
            continue
    assert done >= 4
