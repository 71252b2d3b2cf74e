"""`cme3000 decode`: what it takes, what it tells, and what it says of things it cannot read."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from appliance.__main__ import main
from appliance.mbus.frame import LongFrame

if TYPE_CHECKING:
    from pathlib import Path

HEADER = bytes.fromhex("78563412 4204 20 02 0a 04 0000")
METER = LongFrame(8, 1, 0x72, HEADER + bytes.fromhex("0c 06 27 00 00 00 44 93 3c 01 02 03 04 02 fd 17 05 00"))
FULL = LongFrame(8, 1, 0x72, HEADER + bytes.fromhex("0d fd 10 03 0a 62 61 1f aa bb"))
ALARM = LongFrame(8, 1, 0x71, b"\x05")
DEADLINE = 30.0

Said = tuple[int, str, str]


def objects(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    status = main(["decode", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_telegram_in_one_word_and_in_many(capsys: pytest.CaptureFixture[str]) -> None:
    text = bytes(METER).hex(" ")
    one = run(capsys, "--json", text)
    assert one == run(capsys, "--json", *text.split())
    assert one == run(capsys, text.upper().replace(" ", ""), "--json")
    assert one[0] == 0
    assert one[2] == ""


def test_the_object_of_a_telegram(capsys: pytest.CaptureFixture[str]) -> None:
    _status, out, _ = run(capsys, "--json", bytes(METER).hex())
    (told,) = objects(out)
    assert told["header"] == {
        "id": "12345678",
        "manufacturer": "ABB",
        "version": 32,
        "medium": 2,
        "medium_name": "electricity",
        "access_number": 10,
        "status": 4,
        "status_words": ["low power"],
        "configuration": 0,
    }
    records = told["records"]
    assert isinstance(records, list)
    assert records[0] == {
        "value": "27000",
        "unit": "Wh",
        "quantity": "energy",
        "function": "instantaneous value",
        "storage": 0,
        "tariff": 0,
        "subunit": 0,
        "raw": "0c0627000000",
        "coding": "8 digit BCD",
        "note": "",
        "error": "",
    }
    assert [(one["value"], one["unit"], one["storage"]) for one in records] == [
        ("27000", "Wh", 0),
        ("67305.985", "m³", 1),
        ("5", "", 0),
    ]
    assert Decimal(records[1]["value"]) == Decimal("67305.985")
    assert told["frame"] == bytes(METER).hex()
    assert (told["encryption"], told["more_records_follow"], told["errors"]) == (None, False, [])


def test_the_table_of_a_telegram(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, bytes(METER).hex())
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "answer with records, long header"
    assert lines[1].strip().startswith("id 12345678, manufacturer ABB, version 32, electricity, access number 10")
    assert lines[1].endswith("status 04, low power")
    assert lines[2].split() == ["27000", "Wh", "energy", "instantaneous", "value"]
    assert lines[3].split()[-2:] == ["storage", "1"]


def test_a_control_character_in_a_text_does_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, bytes(FULL).hex())
    assert "ab·" in out
    assert "manufacturer specific data: aa bb" in out
    assert "more records follow" in out


def test_the_explanation_byte_by_byte(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--bytes", bytes(METER).hex())
    assert status == 0
    assert "identification 12345678" in out
    assert out.splitlines()[-1].split()[1:] == ["16", "stop"]


def test_files_of_text_and_of_bytes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text, raw, both = tmp_path / "a.hex", tmp_path / "b.bin", tmp_path / "c.hex"
    text.write_text(f"# a remark with words\n{bytes(METER).hex(' ')}\n", encoding="utf-8")
    raw.write_bytes(bytes(METER))
    both.write_text(f"{bytes(METER).hex()}\n{bytes(ALARM).hex()}\n00 ff {bytes(METER).hex()}\n", encoding="utf-8")
    assert run(capsys, "--json", str(text)) == run(capsys, "--json", str(raw))
    status, out, err = run(capsys, "--json", str(both), bytes(ALARM).hex())
    assert status == 0
    assert [told["telegram"] for told in objects(out)] == [
        "answer with records, long header",
        "alarm",
        "answer with records, long header",
        "alarm",
    ]
    assert "2 bytes of no frame skipped" in err
    assert "c.hex" in err


def test_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(METER).hex().encode())))
    status, out, _ = run(capsys, "--json", "-")
    assert status == 0
    assert len(objects(out)) == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["zz"], "neither a file nor hexadecimal digits"),
        (["no/such/file"], "neither a file nor hexadecimal digits"),
        (["68 1"], "no frame"),
        (["00 01 02"], "no frame"),
        (["680"], "not whole bytes"),
        ([""], "no frame"),
        (["/"], "Is a directory"),
        (["68 03 03 68 08 01 71 7b 16"], "checksum: 7B in place of 7A"),
        (["68 03 03 68 08 01 71 7a"], "too short"),
        (["x" * 5000], "neither a file nor hexadecimal digits"),
        (["\udcff"], "neither a file nor hexadecimal digits"),
    ],
)
def test_what_cannot_be_read_is_said_and_gives_1(
    capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    status, out, err = run(capsys, "--json", *words)
    assert (status, out) == (1, "")
    assert complaint in err
    assert err.startswith("cme3000: ")


def test_a_bad_telegram_does_not_hide_the_good_ones(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    broken = bytearray(bytes(METER))
    broken[-2] ^= 1
    file = tmp_path / "mixed.bin"
    file.write_bytes(bytes(ALARM) + bytes(broken) + bytes(METER))
    status, out, err = run(capsys, "--json", str(file), str(tmp_path), bytes(ALARM).hex())
    assert status == 1
    assert [told["telegram"] for told in objects(out)] == ["alarm", "answer with records, long header", "alarm"]
    assert "no frame: checksum" in err
    assert "Is a directory" in err


def test_a_telegram_with_an_unreadable_end_is_told_as_far_as_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    frame = LongFrame(8, 1, 0x72, HEADER + bytes.fromhex("01 03 07 4f 01 02"))
    status, out, err = run(capsys, "--json", bytes(frame).hex())
    assert status == 1
    (told,) = objects(out)
    assert isinstance(told["records"], list)
    assert told["records"][0]["value"] == "7"
    assert told["unread"] == "4f0102"
    assert "DIF 4F is reserved" in err


def test_what_the_meter_refuses_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    frame = LongFrame(8, 1, 0x72, HEADER + bytes.fromhex("02 93 15 00 00"))
    status, out, err = run(capsys, "--json", bytes(frame).hex())
    assert (status, err) == (0, "")
    (told,) = objects(out)
    assert isinstance(told["records"], list)
    assert (told["records"][0]["value"], told["records"][0]["error"]) == (
        None,
        "record error: no data available (undefined value)",
    )


def test_encrypted_contents_are_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    frame = LongFrame(8, 1, 0x72, HEADER[:-2] + b"\x10\x05" + bytes(range(1, 17)))
    status, out, err = run(capsys, "--json", bytes(frame).hex())
    assert status == 1
    (told,) = objects(out)
    assert told["encryption"] == {"mode": 5, "name": "AES-128-CBC"}
    assert told["records"] == []
    assert "mode 5 (AES-128-CBC)" in err


def test_the_program_loads_nothing_heavy_for_it() -> None:
    heavy = ["flask", "werkzeug", "pyroute2.netlink", "cryptography", "gpiozero", "serial", "zeroconf", "asyncio"]
    code = (
        "import sys; from appliance.__main__ import main; main(['decode', 'e5']);"
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout.splitlines() == ["acknowledgement", "[]"]


def test_a_reader_that_leaves_early_is_no_crash() -> None:
    command = [sys.executable, "-m", "appliance", "decode", "--json", *["e5"] * 20_000]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.wait(DEADLINE)
    assert b"Traceback" not in said
