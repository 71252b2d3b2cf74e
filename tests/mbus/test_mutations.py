"""A hundred thousand spoiled telegrams: the decoder never fails, and tells no value from a spoiled frame."""

from __future__ import annotations

import random

import pytest

from appliance.errors import FrameError
from appliance.mbus.frame import LongFrame
from appliance.mbus.telegram import Telegram, decode
from tests.mbus.standard import HEADER

RECORDS = (
    "0c 06 27 00 00 00 04 13 01 02 03 04 02 fd 17 01 00 84 10 93 3c 01 02 03 04",
    "04 6d 0d 2e 55 39 42 6c 9e 1b 06 6d 1e 0d 2e 55 39 26 03 6d 1e 0d 0e 02 93 42 55 39",
    "0d fd 10 05 6f 6c 6c 65 68 0d 03 c2 34 12 0d 03 d2 34 12 0d 03 e4 01 02 03 04 0d fd 3b 02 01 02",
    "02 fc 74 03 6d 70 70 05 00 02 fc 03 6d 70 70 74 05 00 02 7c 03 72 61 62 05 00 02 93 fc 81 7d 01 00",
    "05 2b 00 00 c0 3f 07 79 78 56 34 12 42 04 20 02 02 ff 81 82 05 01 00 2f 2f 04 fb 83 74 01 02 03 04",
    "c4 ff ff ff 0f 13 01 00 00 00 0a 5a 21 f3 0e 03 12 90 78 56 34 12 01 fd fd 02 05 1f 01 02 03",
)
SEEDS = (
    *(LongFrame(8, 1, 0x72, HEADER + bytes.fromhex(records)) for records in RECORDS),
    LongFrame(8, 1, 0x76, HEADER + bytes.fromhex(RECORDS[0])),
    LongFrame(8, 1, 0x78, bytes.fromhex(RECORDS[2])),
    LongFrame(8, 1, 0x7A, HEADER[8:] + bytes.fromhex(RECORDS[3])),
    LongFrame(8, 1, 0x73, bytes.fromhex("78563412 0a 00 e9 7e 01000000 35010000")),
    LongFrame(8, 1, 0x72, HEADER[:-2] + b"\x10\x05" + bytes(range(1, 17)) + bytes.fromhex(RECORDS[0])),
    LongFrame(0x53, 254, 0x51, bytes.fromhex("0c 79 01 02 03 04 08 7e 7f 7e")),
)
COUNT = 100_000
PIECES = 4


def mutated(chance: random.Random, frame: LongFrame) -> LongFrame:
    """Change, add, take or double some bytes of the contents; the frame around them is a right one."""
    data = bytearray(frame.data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0 if place < len(data):
                data[place] = chance.randrange(256)
            case 1 if place < len(data):
                data[place] ^= 1 << chance.randrange(8)
            case 2:
                data[place:place] = chance.randbytes(chance.randint(1, 3))
            case 3:
                del data[place : place + chance.randint(1, 3)]
            case 4:
                data = data[:place]
            case _:
                data[place:place] = data[: chance.randint(0, 8)]
    information = frame.information if chance.random() < 0.95 else chance.randrange(256)
    return LongFrame(frame.control, frame.address, information, bytes(data[:252]))


def check(telegram: Telegram) -> None:
    octets = bytes(telegram.frame)
    assert b"".join(part.octets for part in telegram.parts) == octets
    for record in telegram.records:
        assert octets[record.offset : record.offset + len(record.raw)] == record.raw
        assert record.text is None or not (record.error or record.refusal)
        assert record.quantity
        assert record.value is not None or record.note or record.error or record.refusal


@pytest.mark.parametrize("piece", range(PIECES))
def test_no_mutation_makes_the_decoder_fail(piece: int) -> None:
    chance = random.Random(piece)
    for number in range(COUNT // PIECES):
        check(decode(mutated(chance, SEEDS[number % len(SEEDS)])))


def test_no_value_comes_from_a_spoiled_frame() -> None:
    chance = random.Random(7)
    for number in range(20_000):
        octets = bytearray(bytes(SEEDS[number % len(SEEDS)]))
        octets[chance.randrange(len(octets))] ^= chance.randint(1, 255)
        with pytest.raises(FrameError):
            decode(bytes(octets))


def test_a_spoiled_record_costs_none_before_it() -> None:
    chance = random.Random(11)
    whole = decode(SEEDS[0])
    for _ in range(5_000):
        data = bytearray(SEEDS[0].data)
        place = chance.randrange(len(HEADER), len(data))
        data[place] = chance.randrange(256)
        before = [record for record in whole.records if record.offset + len(record.raw) <= place + 7]
        found = decode(LongFrame(8, 1, 0x72, bytes(data)))
        assert list(found.records[: len(before)]) == before
