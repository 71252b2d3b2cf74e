"""The recording as files: text that our own decoder reads, and pcapng that a reader of its own takes apart."""

from __future__ import annotations

import contextlib
import io
import json
import struct
from typing import TYPE_CHECKING

import pytest

from appliance.decoding import run_decode
from appliance.mbus.frame import Control, LongFrame, ShortFrame
from appliance.mbus.stream import octets_of_file, split
from appliance.monitor.meaning import meaning
from appliance.monitor.pcapng import pcapng
from appliance.monitor.text import moment, text_lines
from tests.monitor.pcapng_reader import Capture, read
from tests.monitor.rig import ANSWER, REQUEST, WALL, Client, Recording

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "# \n16\r\n68 03\u202e<b>"
TEXT = bytes(  # a text record whose text would end the line and begin another one
    LongFrame(Control.RSP_UD, 5, 0x72, bytes.fromhex("78563412a511330701000000") + b"\x0d\xfd\x0c\x08\n16 e5\n!"[::1])
)


@pytest.fixture
def line() -> Recording:
    line = Recording()
    line.exchange()
    line.exchange(answer=ANSWER[:-4])  # its beginning would swallow what follows
    line.exchange(answer=b"\x68\xff\xff\x68")
    line.exchange(bytes(ShortFrame(Control.SND_NKE, 3)), b"\xe5", Client(HOSTILE))
    line.exchange(answer=TEXT)
    return line


def lines(line: Recording) -> list[str]:
    return list(text_lines(line.all(), "CMe3000 1.0"))


def test_every_telegram_is_a_line_and_none_is_lost(line: Recording) -> None:
    telegrams, (heading, *told) = line.all(), lines(line)
    assert heading == "# CMe3000 1.0: telegrams of the M-Bus line, times in UTC\n"
    assert len(told) == len(telegrams) == 10
    for text, telegram in zip(told, telegrams, strict=True):
        assert text.endswith("\n")
        assert text[:-1].isprintable()
        assert telegram.octets.hex(" ").upper() in text
        assert moment(telegram.at) in text
    assert "192.0.2.7:51512 > meters: REQ_UD2" in told[0]
    assert "two-wire > 192.0.2.7:51512, +0.057 s: RSP_UD" in told[1]
    assert told[3].startswith("# 68 15 15 68")
    assert "no frame: too short" in told[3]


def test_the_decoder_reads_every_frame_back(line: Recording) -> None:
    content = "".join(lines(line)).encode()
    frames = [piece.octets for piece in split(octets_of_file(content))]
    assert frames == [telegram.octets for telegram in line.all() if telegram.frame is not None]
    assert len(frames) == 8


def test_the_decode_command_takes_the_file(line: Recording, tmp_path: Path) -> None:
    (tmp_path / "line.txt").write_text("".join(lines(line)), "utf-8")
    output = io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(output):
        assert run_decode([str(tmp_path / "line.txt")], as_json=True) == 0
        output.seek(0)
        told = [json.loads(text) for text in output]
    assert [one["frame"] for one in told[:2]] == [REQUEST.hex(), ANSWER.hex()]
    assert told[1]["records"][0]["value"] == "1.000"
    assert len(told) == 8


def test_the_time_has_milliseconds() -> None:
    assert moment(WALL + 0.1234) == "2023-11-14T22:13:20.123Z"


def captured(line: Recording) -> Capture:
    return read(b"".join(pcapng(line.all(), hardware="CMe3000", application="firmware 1.0")))


def test_the_capture_says_what_recorded_it(line: Recording) -> None:
    capture = captured(line)
    assert capture.options == {2: [b"CMe3000"], 4: [b"firmware 1.0"]}
    assert [interface.link_type for interface in capture.interfaces] == [250, 250]
    assert [interface.options[2] for interface in capture.interfaces] == [[b"two-wire"], [b"optical"]]


def test_every_telegram_is_a_packet_with_time_direction_and_party(line: Recording) -> None:
    line.hear(ANSWER, branch=line.optical)
    capture, telegrams = captured(line), line.all()
    assert len(capture.packets) == len(telegrams) == 11
    for packet, telegram in zip(capture.packets, telegrams, strict=True):
        assert packet.data[12:] == telegram.octets
        seconds, microseconds, event, lines_, footer = struct.unpack(">IIBBH", packet.data[:12])
        assert seconds + microseconds / 1e6 == pytest.approx(telegram.at, abs=2e-6)
        assert packet.time == pytest.approx(telegram.at, abs=2e-6)
        assert (event, lines_, footer) == (1 if telegram.to_meters else 2, 0, 0)
        assert packet.options[2] == [struct.pack("<I", 2 if telegram.to_meters else 1)]
        (comment,) = packet.options[1]
        assert telegram.party.encode() in comment
        assert meaning(telegram).encode() in comment
    assert [capture.interfaces.index(packet.interface) for packet in capture.packets] == [0] * 10 + [1]


def test_an_empty_recording_is_a_whole_file() -> None:
    assert captured(Recording()).packets == []
    assert len(lines(Recording())) == 1


def test_a_long_meaning_is_cut(line: Recording) -> None:
    records = b"\x0d\xfd\x0c\x3f" + b"x" * 63
    frame = bytes(
        LongFrame(Control.RSP_UD, 5, 0x72, bytes.fromhex("78563412a511330701000000") + records + b"\x01\x13\x01" * 9)
    )
    line.exchange(answer=frame)
    said = meaning(line.all()[-1])
    assert "x" * 39 + "…" in said
    assert "6 more records" in said
