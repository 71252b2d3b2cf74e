"""What a search finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from appliance.mbus.frame import LongFrame, parse
from appliance.mbus.manufacturer import decode_manufacturer
from appliance.mbus.medium import medium_name
from appliance.mbus.secondary import ANY_MANUFACTURER, ANY_MEDIUM, ANY_VERSION, SecondaryAddress, Selection


@dataclass(frozen=True, slots=True)
class FoundMeter:
    """One meter that answered with data."""

    baud: int
    primary: int
    """What its answer has as address; 0 is one that has none yet."""
    secondary: SecondaryAddress | None
    """None where it tells no identification."""
    fabrication: str = ""
    """Digits by which an enhanced selection told it from its like; empty where they were not needed."""
    by_primary: bool = False
    """Whether it answered at its primary address."""
    by_secondary: bool = False
    """Whether it answered to a selection."""
    high_first: bool = False
    """Whether it understands only the selection of mode 2."""
    answer: bytes = field(default=b"", compare=False)
    """Its answer, the first telegram."""

    @property
    def key(self) -> tuple[int, str, str]:
        """What makes it another meter than others of the same bus, as far as it tells."""
        text = self.secondary.text if self.secondary else f"primary {self.primary}"
        return (self.baud, text, self.fabrication)

    def as_object(self) -> dict[str, Any]:
        """Give it as JSON has it, readable and complete."""
        secondary = self.secondary
        maker = version = medium = None
        if secondary is not None:
            maker = None if secondary.manufacturer == ANY_MANUFACTURER else decode_manufacturer(secondary.manufacturer)
            version = None if secondary.version == ANY_VERSION else secondary.version
            medium = None if secondary.medium == ANY_MEDIUM else medium_name(secondary.medium)
        return {
            "baud": self.baud,
            "primary": self.primary,
            "secondary": secondary.text if secondary else None,
            "id": secondary.identification if secondary else None,
            "manufacturer": maker,
            "version": version,
            "medium": medium,
            "fabrication": self.fabrication,
            "by_primary": self.by_primary,
            "by_secondary": self.by_secondary,
            "high_first": self.high_first,
            "answer": self.answer.hex(),
        }

    @classmethod
    def from_object(cls, item: dict[str, Any]) -> FoundMeter:
        """Read what `as_object` gave."""
        text = item["secondary"]
        return cls(
            item["baud"],
            item["primary"],
            SecondaryAddress.from_text(text) if text else None,
            item["fabrication"],
            item["by_primary"],
            item["by_secondary"],
            item["high_first"],
            bytes.fromhex(item["answer"]),
        )

    @property
    def frame(self) -> LongFrame | None:
        """Its answer as a frame."""
        frame = parse(self.answer) if self.answer else None
        return frame if isinstance(frame, LongFrame) else None


def selection_text(selection: Selection) -> str:
    """Write a selection for storing: 16 digits, and those of the fabrication number behind a slash."""
    return f"{selection.mask.text}/{selection.fabrication}"


def selection_of(text: str) -> Selection:
    """Read what `selection_text` wrote."""
    mask, _, fabrication = text.partition("/")
    return Selection(SecondaryAddress.from_text(mask), fabrication)
