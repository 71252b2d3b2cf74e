"""The slave alone: link states, telegrams, addressing, writing. No wire, no thread."""

from __future__ import annotations

import pytest

from appliance.mbus.frame import Acknowledge, Control, LongFrame, ShortFrame, parse
from appliance.mbus.header import Information, LongHeader
from appliance.mbus.record import MORE_FOLLOWS
from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.simulator.fault import Fault
from appliance.simulator.meter import BAUD_TRIAL, MAX_DELAY_BITS, MAX_DELAY_EXTRA, MIN_DELAY_BITS, REPEAT_WINDOW, Meter
from appliance.simulator.population import make_meters

NOW = 1_790_000_000.0
ACKNOWLEDGED = bytes(Acknowledge())
SELECTED = 253


@pytest.fixture
def meter() -> Meter:
    """The one with three telegrams."""
    return make_meters(3)[2]


def hear(meter: Meter, frame: ShortFrame | LongFrame, moment: float = 0.0, baud: int = 2400) -> bytes:
    return meter.hear(frame, baud, moment, NOW)


def request(meter: Meter, count_bit: bool, address: int = 3, moment: float = 0.0) -> bytes:
    control = Control.REQ_UD2_FCB if count_bit else Control.REQ_UD2
    return hear(meter, ShortFrame(control, address), moment)


def telegram_of(answer: bytes) -> int:
    """Which of the three it is, told by what follows the header."""
    frame = parse(answer)
    assert isinstance(frame, LongFrame)
    assert frame.information == Information.VARIABLE
    return {0x04: 0, 0x0C: 0, 0x02: 1, 0x4C: 2, 0xCC: 2}[frame.data[12]]


def access_of(answer: bytes) -> int:
    frame = parse(answer)
    assert isinstance(frame, LongFrame)
    return LongHeader.from_bytes(frame.data).access


def test_an_answer_says_who_and_that_more_follows(meter: Meter) -> None:
    frame = parse(request(meter, count_bit=True))
    assert isinstance(frame, LongFrame)
    assert (frame.control, frame.address, frame.information) == (Control.RSP_UD, 3, Information.VARIABLE)
    assert LongHeader.from_bytes(frame.data).address == meter.address
    assert frame.data[-1] == MORE_FOLLOWS


def test_toggling_goes_through_the_telegrams_and_round(meter: Meter) -> None:
    assert hear(meter, ShortFrame(Control.SND_NKE, 3)) == ACKNOWLEDGED
    answers = [request(meter, count_bit=bit) for bit in (True, False, True, False)]
    assert [telegram_of(answer) for answer in answers] == [0, 1, 2, 0]
    assert [answer[-3] == MORE_FOLLOWS for answer in answers] == [True, True, False, True]
    assert [access_of(answer) for answer in answers] == [1, 2, 3, 4]


def test_the_same_count_bit_repeats_byte_for_byte(meter: Meter) -> None:
    first = request(meter, count_bit=True)
    assert request(meter, count_bit=True, moment=5.0) == first
    second = request(meter, count_bit=False, moment=6.0)
    assert telegram_of(second) == 1
    assert request(meter, count_bit=False, moment=7.0) == second


def test_a_master_that_never_toggles_sees_fresh_values_of_one_telegram(meter: Meter) -> None:
    first = request(meter, count_bit=False)
    later = request(meter, count_bit=False, moment=REPEAT_WINDOW + 1)
    assert telegram_of(later) == telegram_of(first) == 0
    assert access_of(later) == access_of(first) + 1


def test_after_a_link_reset_either_count_bit_is_new_and_begins(meter: Meter) -> None:
    for bit in (True, False):
        request(meter, count_bit=bit)
        request(meter, count_bit=not bit)
        hear(meter, ShortFrame(Control.SND_NKE, 3))
        assert telegram_of(request(meter, count_bit=bit)) == 0


@pytest.mark.parametrize(
    "restart",
    [
        LongFrame(Control.SND_UD, 3, Information.RESET),
        LongFrame(Control.SND_UD_FCB, 3, Information.RESET, b"\x00"),
        LongFrame(Control.SND_UD, 3, Information.SEND, b"\x08\x7e"),
        LongFrame(Control.SND_UD, 3, Information.SEND, b"\x7f\x7e"),
    ],
)
def test_what_begins_the_readout_anew(meter: Meter, restart: LongFrame) -> None:
    request(meter, count_bit=True)
    request(meter, count_bit=False)
    assert hear(meter, restart) == ACKNOWLEDGED
    assert telegram_of(request(meter, count_bit=True)) == 0


def test_no_alarm(meter: Meter) -> None:
    assert hear(meter, ShortFrame(Control.REQ_UD1, 3)) == ACKNOWLEDGED
    assert hear(meter, ShortFrame(Control.REQ_UD1_FCB, 3)) == ACKNOWLEDGED


def test_who_is_meant(meter: Meter) -> None:
    for address in (0, 4, 250, 251, 252, SELECTED, 255):
        assert request(meter, count_bit=True, address=address) == b""
    assert request(meter, count_bit=True, address=254)


def test_an_unconfigured_meter_answers_at_zero(meter: Meter) -> None:
    assert hear(meter, LongFrame(Control.SND_UD, 3, Information.SEND, b"\x01\x7a\x00")) == ACKNOWLEDGED
    assert request(meter, count_bit=True) == b""
    assert request(meter, count_bit=True, address=0)


def test_answers_and_odd_control_fields_are_none_of_its_business(meter: Meter) -> None:
    for control in (0x08, 0x28, 0xC0, 0x44, 0x4F, 0x53):
        assert hear(meter, ShortFrame(control, 3)) == b""
    assert hear(meter, LongFrame(Control.RSP_UD, 3, Information.VARIABLE)) == b""
    assert hear(meter, LongFrame(Control.REQ_UD2, 3, Information.SEND)) == b""


def test_a_broadcast_is_obeyed_in_silence(meter: Meter) -> None:
    assert hear(meter, LongFrame(Control.SND_UD, 255, Information.SEND, b"\x01\x7a\x4d")) == b""
    assert meter.primary == 0x4D


@pytest.mark.parametrize("data", [b"\x01\x7a\xfb", b"\x01\x7a", b"\x02\x7a\x05\x00", b"", b"\x0c\x79\x01\x02\x03"])
def test_what_cannot_be_written_is_acknowledged_and_left(meter: Meter, data: bytes) -> None:
    before = (meter.primary, meter.address)
    assert hear(meter, LongFrame(Control.SND_UD, 3, Information.SEND, data)) == ACKNOWLEDGED
    assert (meter.primary, meter.address) == before


def test_a_new_identification(meter: Meter) -> None:
    hear(meter, LongFrame(Control.SND_UD, 3, Information.SEND, bytes.fromhex("0c79 44332211")))
    assert meter.address.text == "11223344" + meter.address.text[8:]
    whole = SecondaryAddress("87654321", 0x2C2D, 9, 7)
    hear(meter, LongFrame(Control.SND_UD, 3, Information.SEND, b"\x07\x79" + bytes(whole)))
    assert meter.address == whole
    hear(meter, LongFrame(Control.SND_UD, 3, Information.SEND, bytes.fromhex("0c79 4433221a")))
    assert meter.address == whole


def select(meter: Meter, selection: Selection | SecondaryAddress, control: int = Control.SND_UD) -> bytes:
    return hear(meter, LongFrame(control, SELECTED, Information.SELECT, bytes(selection)))


def test_selection_and_the_ways_out_of_it(meter: Meter) -> None:
    stranger = SecondaryAddress("00000000")
    ways_out = [
        LongFrame(Control.SND_UD, SELECTED, Information.SELECT, bytes(stranger)),
        LongFrame(Control.SND_UD, SELECTED, Information.SELECT, bytes(5)),
        LongFrame(Control.SND_UD, SELECTED, Information.SELECT_HIGH_FIRST, bytes(meter.address)),
    ]
    for way_out in ways_out:
        assert select(meter, meter.address) == ACKNOWLEDGED
        assert request(meter, count_bit=True, address=SELECTED)
        assert hear(meter, way_out) == b""
        assert request(meter, count_bit=True, address=SELECTED) == b""
    assert select(meter, SecondaryAddress(), Control.SND_UD_FCB) == ACKNOWLEDGED
    assert hear(meter, ShortFrame(Control.SND_NKE, SELECTED)) == ACKNOWLEDGED
    assert hear(meter, ShortFrame(Control.SND_NKE, SELECTED)) == b""
    assert not meter.selected


def test_a_link_reset_of_the_primary_address_leaves_the_selection(meter: Meter) -> None:
    select(meter, meter.address)
    hear(meter, ShortFrame(Control.SND_NKE, 3))
    assert meter.selected


def test_the_selected_link_counts_for_itself(meter: Meter) -> None:
    assert telegram_of(request(meter, count_bit=True)) == 0
    select(meter, meter.address)
    assert telegram_of(request(meter, count_bit=True, address=SELECTED)) == 0
    assert telegram_of(request(meter, count_bit=False, address=SELECTED)) == 1
    assert telegram_of(request(meter, count_bit=False)) == 1


def test_enhanced_selection(meter: Meter) -> None:
    assert select(meter, Selection(SecondaryAddress(), meter.fabrication)) == ACKNOWLEDGED
    assert select(meter, Selection(SecondaryAddress(), meter.fabrication[:3] + "FFFFF")) == ACKNOWLEDGED
    wrong = str(9 - int(meter.fabrication[0])) + "FFFFFFF"
    assert select(meter, Selection(SecondaryAddress(), wrong)) == b""
    assert not meter.selected


def test_two_speeds_one_at_a_time(meter: Meter) -> None:
    reset = ShortFrame(Control.SND_NKE, 3)
    assert hear(meter, reset, baud=300) == b""
    assert hear(meter, LongFrame(Control.SND_UD, 3, Information.BAUD_300)) == ACKNOWLEDGED
    assert hear(meter, reset, baud=2400) == b""
    assert hear(meter, reset, baud=300) == ACKNOWLEDGED
    assert hear(meter, reset, moment=2 * BAUD_TRIAL, baud=300) == ACKNOWLEDGED
    assert hear(meter, LongFrame(Control.SND_UD, 3, Information.BAUD_2400), baud=300) == ACKNOWLEDGED
    assert hear(meter, reset) == ACKNOWLEDGED


def test_a_speed_that_nobody_tries_is_left_again(meter: Meter) -> None:
    hear(meter, LongFrame(Control.SND_UD, 3, Information.BAUD_300))
    assert hear(meter, ShortFrame(Control.SND_NKE, 3), moment=BAUD_TRIAL + 1) == ACKNOWLEDGED
    assert meter.baud == 2400


def test_a_speed_that_it_has_not_is_acknowledged_and_left(meter: Meter) -> None:
    assert hear(meter, LongFrame(Control.SND_UD, 3, 0xBD)) == ACKNOWLEDGED
    assert meter.baud == 2400


def test_an_automatic_meter_hears_both_speeds() -> None:
    meter = make_meters(1)[0]
    for baud in (300, 2400, 300):
        assert hear(meter, ShortFrame(Control.SND_NKE, 1), baud=baud) == ACKNOWLEDGED
    assert hear(meter, ShortFrame(Control.SND_NKE, 1), baud=9600) == b""


def test_mute_obeys_and_dead_does_not(meter: Meter) -> None:
    meter.fault = Fault.MUTE
    assert select(meter, meter.address) == b""
    assert meter.selected
    meter.fault = Fault.DEAD
    select(meter, SecondaryAddress("00000000"))
    meter.fault = Fault.NONE
    assert meter.selected


def test_every_third_checksum_is_wrong(meter: Meter) -> None:
    meter.fault = Fault.CHECKSUM
    meter.fault_every = 3
    sums = []
    for _ in range(6):
        hear(meter, ShortFrame(Control.SND_NKE, 3))
        answer = request(meter, count_bit=True)
        sums.append(answer[-2] == sum(answer[4:-2]) & 0xFF)
    assert sums == [True, True, False, True, True, False]


def test_delays_are_those_of_the_standard() -> None:
    for meter in make_meters(250):
        for baud in (300, 2400):
            longest = MAX_DELAY_BITS / baud + MAX_DELAY_EXTRA
            assert MIN_DELAY_BITS / baud <= meter.delay(baud) <= longest
            meter.fault = Fault.LATE
            assert meter.delay(baud) > longest + 0.1
            meter.fault = Fault.NONE
