"""The tables as the standard prints them, written down apart from the code: bit patterns, scales and words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.mbus.frame import LongFrame
from appliance.mbus.telegram import Telegram, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.mbus.data_record import DataRecord

FOLDER = Path(__file__).parent
HEADER = bytes.fromhex("78563412 4204 20 02 0a 00 0000")


def telegram(records: bytes | str, *, information: int = 0x72, control: int = 0x08, header: bytes = HEADER) -> Telegram:
    """A telegram of these records, taken apart."""
    data = bytes.fromhex(records) if isinstance(records, str) else records
    return decode(LongFrame(control, 1, information, header + data))


def record(octets: bytes | str) -> DataRecord:
    """The only record of a telegram."""
    found = telegram(octets)
    assert not found.unread
    (only,) = found.records
    return only


def rows(name: str) -> list[tuple[str, ...]]:
    """The rows of a table, cell by cell."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(cell.strip() for cell in line.split("|")) for line in lines if line and not line.startswith("#")]


@dataclass(frozen=True)
class Code:
    """One code of a bit pattern, with what its letters stand for."""

    code: int
    letters: dict[str, int]

    def fill(self, text: str) -> str:
        """Put in words what the letters in braces choose: {u:lower upper}."""

        def choose(match: re.Match[str]) -> str:
            return match[2].split(" ")[self.letters[match[1]]]

        return re.sub(r"\{(\w+):([^}]*)\}", choose, text)


def codes(pattern: str) -> Iterator[Code]:
    """Every code that a pattern such as `E000 0nnn` stands for, without the extension bit."""
    bits = pattern.replace(" ", "")[1:]
    free = [place for place, bit in enumerate(bits) if bit not in "01"]
    for choice in range(1 << len(free)):
        letters: dict[str, int] = {}
        filled = list(bits)
        for order, place in enumerate(free):
            bit = choice >> len(free) - 1 - order & 1
            filled[place] = str(bit)
            letters[bits[place]] = letters.get(bits[place], 0) << 1 | bit
        doubled = {letter * bits.count(letter): number for letter, number in letters.items()}
        yield Code(int("".join(filled), 2), doubled)
