"""How a mask that several meters answer to is split into narrower ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from appliance.mbus.medium import Medium
from appliance.mbus.secondary import (
    ANY_DIGITS,
    ANY_MANUFACTURER,
    ANY_MEDIUM,
    ANY_VERSION,
    SecondaryAddress,
    Selection,
)
from appliance.readout.discovery.found import selection_of, selection_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DIGITS = "digits"
FABRICATION = "fabrication"
MAKERS = "makers"
MEDIA = "media"
VERSIONS = "versions"
MAKER_BYTES = "maker bytes"
NUMBER = "number"
AGAIN = "again"
SWEEP = "sweep"
"""What a mask is split by. `NUMBER` has but one part, the full number of one who is known; `AGAIN` asks once more, and
`SWEEP` counts once more."""

ALL_PLACES = range(8)
"""Places of an identification number."""

STAGES = (MAKERS, MEDIA, VERSIONS, FABRICATION, MAKER_BYTES)
"""What tells meters with equal identification numbers apart, the most likely and cheapest first."""

_HIGH_BYTES = range(0x04, 0x6C)
"""High bytes of the manufacturers AAA to ZZZ."""


@dataclass
class Branching:
    """A mask and the narrower ones that it was split into."""

    mask: Selection
    by: str
    todo: list[Selection]
    share: float = 0.0
    """Part of the whole search that each entry of `todo` stands for."""
    voices: int = 2
    """Meters that are below, at the least."""
    silent: list[Selection] = field(default_factory=list)
    single: list[Selection] = field(default_factory=list)
    """Those that one meter answered to."""
    several: list[tuple[Selection, int]] = field(default_factory=list)
    """Those that several answer to, and how many do at the least."""
    rounds: int = 0
    """Times that the silent ones were asked again because meters are missing."""
    vain: int = 0
    """Splittings in a row that told nobody from anybody."""

    @property
    def is_probe(self) -> bool:
        """Whether meters may be outside of its parts, so that it ends when as many as were heard are found."""
        return self.by in (*STAGES, NUMBER)

    def as_object(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {
            "mask": selection_text(self.mask),
            "by": self.by,
            "todo": [selection_text(mask) for mask in self.todo],
            "share": self.share,
            "voices": self.voices,
            "silent": [selection_text(mask) for mask in self.silent],
            "single": [selection_text(mask) for mask in self.single],
            "several": [[selection_text(mask), voices] for mask, voices in self.several],
            "rounds": self.rounds,
            "vain": self.vain,
        }

    @classmethod
    def from_object(cls, item: dict[str, Any]) -> Branching:
        """Read what `as_object` gave."""
        return cls(
            selection_of(item["mask"]),
            item["by"],
            [selection_of(text) for text in item["todo"]],
            item["share"],
            item["voices"],
            [selection_of(text) for text in item["silent"]],
            [selection_of(text) for text in item["single"]],
            [(selection_of(text), voices) for text, voices in item["several"]],
            item["rounds"],
            item["vain"],
        )


def fixed_digits(selection: Selection) -> int:
    """How many digits of the identification a selection fixes."""
    return sum(digit != "F" for digit in selection.mask.identification)


def next_place(digits: str, known: Sequence[str]) -> int | None:
    """Choose the place of `digits` to split by, None when all are fixed.

    That is where the numbers found so far differ most: on a bus with meters of one delivery the front digits
    are all alike, and splitting by them finds nobody. Before any is known the last digit is taken, then the one
    before.
    """
    free = [place for place, digit in enumerate(digits) if digit == "F"]
    return max(free, key=lambda place: (variety(known, place), place), default=None)


def variety(known: Sequence[str], place: int) -> float:
    """Give the chance that two of `known` differ at `place`, in steps of a tenth: less is chance."""
    total = len(known)
    if total < 2:
        return 0.0
    same = sum(count * (count - 1) for count in Counter(number[place] for number in known).values())
    return round(1 - same / (total * (total - 1)), 1)


def split_digits(selection: Selection, known: Sequence[str]) -> list[Selection]:
    """Give the ten parts of a selection by one more digit of its identification; none when all are fixed."""
    number = selection.mask.identification
    place = next_place(number, known)
    if place is None:
        return []
    numbers = (number[:place] + digit + number[place + 1 :] for digit in "0123456789")
    return [replace(selection, mask=replace(selection.mask, identification=text)) for text in numbers]


def stage_after(selection: Selection, stage: str | None) -> str | None:
    """Give the next way to tell meters apart whose identification is the same; None when there is none left."""
    mask = selection.mask
    open_stages = {
        MAKERS: mask.manufacturer == ANY_MANUFACTURER,
        MEDIA: mask.medium == ANY_MEDIUM,
        VERSIONS: mask.version == ANY_VERSION,
        FABRICATION: not selection.fabrication or "F" in selection.fabrication,
        MAKER_BYTES: 0xFF in mask.manufacturer.to_bytes(2, "little"),
    }
    rest = STAGES[STAGES.index(stage) + 1 :] if stage else STAGES
    return next((name for name in rest if open_stages[name]), None)


def split_stage(selection: Selection, stage: str, seen: Iterable[SecondaryAddress]) -> list[Selection]:
    """Give the parts of a selection by `stage`; what was `seen` on this bus comes first."""
    mask, seen = selection.mask, list(seen)
    if stage == MAKERS:
        makers = Counter(meter.manufacturer for meter in seen if meter.manufacturer != ANY_MANUFACTURER)
        return [replace(selection, mask=replace(mask, manufacturer=maker)) for maker, _ in makers.most_common()]
    if stage == MEDIA:
        media = [*(meter.medium for meter in seen), *(int(medium) for medium in Medium)]
        return [
            replace(selection, mask=replace(mask, medium=medium))
            for medium in dict.fromkeys(media)
            if medium != ANY_MEDIUM
        ]
    if stage == VERSIONS:
        versions = dict.fromkeys([*(meter.version for meter in seen), *range(ANY_VERSION)])
        return [
            replace(selection, mask=replace(mask, version=version)) for version in versions if version != ANY_VERSION
        ]
    if stage == FABRICATION:
        if not selection.fabrication:
            return [replace(selection, fabrication=ANY_DIGITS)]
        place = selection.fabrication.rindex("F")
        number = selection.fabrication
        return [replace(selection, fabrication=number[:place] + digit + number[place + 1 :]) for digit in "0123456789"]
    if mask.manufacturer >> 8 == 0xFF:
        numbers = [high << 8 | 0xFF for high in _HIGH_BYTES]
    else:
        numbers = [mask.manufacturer & 0xFF00 | low for low in range(0xFF)]
    return [replace(selection, mask=replace(mask, manufacturer=number)) for number in numbers]
