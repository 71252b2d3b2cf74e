"""What went over the line is put into telegrams: request and answer, who and when, and all that went wrong."""

from __future__ import annotations

import pytest

from appliance.mbus.frame import Acknowledge, Control, Refusal, ShortFrame
from appliance.monitor.line_monitor import ANSWER_PATIENCE
from appliance.monitor.line_telegram import DEVICE, Note
from appliance.monitor.run import JOIN
from tests.monitor.rig import ANSWER, CHARACTER, REQUEST, WALL, Client, Recording


@pytest.fixture
def line() -> Recording:
    return Recording()


def test_request_and_answer_with_client_time_and_delay(line: Recording) -> None:
    line.exchange()
    request, answer = line.all()
    assert (request.to_meters, request.octets, request.party, request.branch) == (True, REQUEST, line.client.name, "")
    assert (answer.to_meters, answer.octets, answer.party) == (False, ANSWER, line.client.name)
    assert answer.branch == "two-wire"
    assert request.at == pytest.approx(WALL + 1000)
    assert request.monotonic == 1000
    # The first lump of eight characters is seen when its last one is there.
    assert answer.delay == pytest.approx(0.02 + 8 * CHARACTER)
    assert answer.monotonic == pytest.approx(1000 + (5 + 8) * CHARACTER + 0.02)
    assert request.delay is None
    assert (request.address, answer.address) == (5, 5)
    assert (request.notes, answer.notes) == ((), ())
    assert answer.number == request.number + len(REQUEST)


def test_an_acknowledgement_has_the_address_of_its_request(line: Recording) -> None:
    line.exchange(bytes(ShortFrame(Control.SND_NKE, 77)), b"\xe5")
    _, answer = line.all()
    assert isinstance(answer.frame, Acknowledge)
    assert answer.address == 77


def test_two_clients_in_turn_and_the_device_itself(line: Recording) -> None:
    other, device = Client("[2001:db8::7]:40000"), Client("never shown", in_background=True)
    for client in (line.client, other, device, other):
        line.exchange(client=client)
    parties = [telegram.party for telegram in line.all()]
    wanted = [line.client.name, other.name, DEVICE, other.name]
    assert parties == [name for name in wanted for _ in range(2)]


def test_another_client_s_request_right_behind_is_its_own(line: Recording) -> None:
    line.send(REQUEST)
    line.send(REQUEST, Client("192.0.2.8:1"))
    first, second = line.all()
    assert (first.party, second.party) == (line.client.name, "192.0.2.8:1")
    assert Note.NO_ANSWER in first.notes


def test_a_request_in_pieces_is_one_telegram(line: Recording) -> None:
    line.send(REQUEST[:2])
    line.rest(0.1)
    line.send(REQUEST[2:])
    (request,) = line.all()
    assert request.octets == REQUEST


def test_several_requests_at_once_are_several_telegrams(line: Recording) -> None:
    line.send(REQUEST * 3)
    assert [telegram.octets for telegram in line.all()] == [REQUEST] * 3
    assert [telegram.notes for telegram in line.all()] == [(), (), (Note.NO_ANSWER,)]


def test_a_cut_answer_is_shown_with_the_reason(line: Recording) -> None:
    line.exchange(answer=ANSWER[:-3])
    _, answer = line.all()
    assert answer.frame is None
    assert answer.octets == ANSWER[:-3]
    assert answer.refusal.startswith(Refusal.TOO_SHORT)
    assert answer.address == 5


def test_a_damaged_answer_is_shown_with_the_reason(line: Recording) -> None:
    damaged = ANSWER[:10] + b"\xff" + ANSWER[11:]
    line.exchange(answer=damaged)
    _, answer = line.all()
    assert (answer.frame, answer.octets) == (None, damaged)
    assert answer.refusal.startswith(Refusal.CHECKSUM)


def test_noise_before_an_answer_costs_nothing_of_it(line: Recording) -> None:
    line.exchange(answer=b"\x00\xff\x13" + ANSWER)
    _, noise, answer = line.all()
    assert (noise.octets, noise.frame) == (b"\x00\xff\x13", None)
    assert (answer.octets, answer.frame is not None) == (ANSWER, True)


def test_colliding_answers_are_no_frame(line: Recording) -> None:
    line.exchange(answer=bytes(a & b for a, b in zip(ANSWER, ANSWER[1:] + b"\0", strict=True)))
    telegrams = line.all()
    assert telegrams[1].frame is None
    assert b"".join(telegram.octets for telegram in telegrams[1:]) != ANSWER


def test_an_echo_is_told_from_the_answer(line: Recording) -> None:
    line.exchange(answer=REQUEST + ANSWER)
    _, echo, answer = line.all()
    assert (echo.octets, echo.notes, echo.delay) == (REQUEST, (Note.ECHO,), None)
    assert (answer.octets, answer.notes) == (ANSWER, ())
    assert answer.delay is not None


def test_a_late_answer_is_called_late(line: Recording) -> None:
    line.send(REQUEST)
    line.rest(0.5)
    line.hear(ANSWER)
    _, answer = line.all()
    assert answer.notes == (Note.LATE,)
    assert answer.delay == pytest.approx(0.5 + 8 * CHARACTER)


def test_late_is_by_the_speed_of_that_time(line: Recording) -> None:
    line.line.baud = 300
    line.send(REQUEST)
    line.rest(0.5)
    line.hear(ANSWER)
    line.line.baud = 2400
    assert [telegram.notes for telegram in line.all()] == [(), ()]


def test_a_request_without_an_answer_says_so_and_a_broadcast_does_not(line: Recording) -> None:
    line.send(REQUEST)
    line.rest(1)
    line.send(bytes(ShortFrame(Control.SND_NKE, 255)))
    line.rest(1)
    line.send(REQUEST)
    assert [telegram.notes for telegram in line.all()] == [(Note.NO_ANSWER,), (), (Note.NO_ANSWER,)]


def test_what_nobody_asked_for(line: Recording) -> None:
    line.hear(b"\xe5")
    line.rest(1)
    line.exchange()
    line.rest(60)
    line.hear(ANSWER)
    telegrams = line.all()
    assert [telegram.notes for telegram in telegrams] == [(Note.UNASKED,), (), (), (Note.UNASKED,)]
    assert [telegram.party for telegram in telegrams][::3] == ["", ""]
    assert telegrams[3].delay is None


def test_answers_of_two_branches_are_told_apart(line: Recording) -> None:
    line.send(REQUEST)
    line.rest(0.02)
    line.hear(ANSWER, branch=line.optical)
    line.hear(b"\xff")
    assert [telegram.branch for telegram in line.all()] == ["", "optical", "two-wire"]


def test_what_was_dropped_before_the_wire(line: Recording) -> None:
    line.send(REQUEST * 10)
    line.monitor.dropped(3 * len(REQUEST) + 2, line.now)
    notes = [telegram.notes for telegram in line.all()]
    assert notes == [()] * 6 + [(Note.DROPPED,)] * 4


def test_without_a_wire_the_answer_may_come_before_the_reckoned_end(line: Recording) -> None:
    line.monitor.sent(line.client, REQUEST, line.now, line.now + 5 * CHARACTER)
    line.monitor.heard(line.two_wire, ANSWER, line.now + 0.001)
    _, answer = line.all()
    assert answer.delay == pytest.approx(0.001)


def test_a_line_that_is_lost_at_the_request_has_no_reckoning(line: Recording) -> None:
    line.monitor.sent(line.client, REQUEST, line.now, float("-inf"))
    line.rest(0.1)
    line.hear(ANSWER)
    assert [telegram.notes for telegram in line.all()] == [(), ()]


def test_nothing_is_told_before_it_is_whole(line: Recording) -> None:
    line.send(REQUEST)
    line.rest(0.02)
    line.hear(ANSWER[:20])
    assert [telegram.octets for telegram in line.monitor.after(0)] == [REQUEST]
    line.hear(ANSWER[20:])
    line.rest(JOIN + 0.01)
    assert [telegram.octets for telegram in line.monitor.after(0)] == [REQUEST, ANSWER]
    line.send(REQUEST)
    assert len(list(line.monitor.after(0))) == 2
    line.rest(ANSWER_PATIENCE)
    assert len(list(line.monitor.after(0))) == 3


def test_pages_by_number_have_each_telegram_once(line: Recording) -> None:
    for number in range(300):
        line.exchange(bytes(ShortFrame(Control.REQ_UD2, number % 250)))
    everything = line.all()
    assert len(everything) == 600
    number, paged = 0, []
    while page := list(line.monitor.after(number))[:7]:
        paged += page
        number = page[-1].number
    assert paged == everything
    assert list(line.monitor.latest()) == everything[::-1]
    assert line.monitor.settled == everything[-1].number + len(ANSWER) - 1
    assert not list(line.monitor.after(line.monitor.settled))
    assert line.monitor.find(everything[17].number) == everything[17]
    assert line.monitor.find(everything[17].number + 1) is None


def test_the_wall_clock_may_be_set_afterwards(line: Recording) -> None:
    line.exchange()
    line.monitor._wall = lambda: line.now + 2 * WALL
    assert line.all()[0].at == pytest.approx(2 * WALL + 1000)
