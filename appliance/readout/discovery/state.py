"""What a search by secondary address knows at any moment, as a value that can be stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.readout.discovery.branching import DIGITS, Branching
from appliance.readout.discovery.found import FoundMeter, selection_of, selection_text

if TYPE_CHECKING:
    from typing import Self


@dataclass
class SecondaryState:
    """The state between two steps."""

    baud: int
    high_first: bool = False
    """Whether it selects in mode 2 (CI 56)."""
    found: list[FoundMeter] = field(default_factory=list)
    diagnoses: list[str] = field(default_factory=list)
    progress: float = 0.0
    """Part that is done, 0 to 1, not counting verification."""
    is_finished: bool = False
    patience: float = 0.0
    """Seconds added to every answer window, for a meter that was found to need them."""
    expected: int = 0
    """Answers of a single meter that had to come."""
    lost: int = 0
    """Those of them that did not."""
    verifications: int = 0
    sweeps: int = 0
    """Those that are done."""
    sounds: list[list[int]] = field(default_factory=list)
    """Of the sweep under way: the voices in each group, and the meters known there."""
    unheard: float = 1.0
    """Chance that a meter whom the tree has missed was not heard in any sweep."""
    stack: list[Branching] = field(default_factory=list)
    closed: list[Branching] = field(default_factory=list)
    """Those whose parts were all asked."""
    asked: dict[Selection, int] = field(default_factory=dict)
    """Times that a mask was asked, where that is more than once."""
    latest: float = 0.0
    """Seconds from the end of a selection to the last character of an answer, the most that was seen."""
    listened: int = 0
    """Answers to selections whose whole window was listened to."""
    experience: dict[int, list[int]] = field(default_factory=dict)
    """By digits fixed: masks that were answered to, and those of them that several answered to."""
    recent: list[Selection] = field(default_factory=list)
    """What was asked last and not answered, the latest at the end."""
    odd: int = 0
    """Masks that several seemed to answer, and under which there is but one."""
    unreadable: list[Selection] = field(default_factory=list)
    """Masks with all digits whose meters were heard but could not be understood."""
    doubtful: list[Selection] = field(default_factory=list)
    """Masks to ask once more with patience."""

    def __post_init__(self) -> None:
        """Begin with everybody."""
        if not self.stack and not self.is_finished:
            everybody = Selection(SecondaryAddress())
            self.stack = [Branching(everybody, DIGITS, [everybody], 1.0, voices=0)]

    def as_object(self) -> dict[str, Any]:
        """Give the state as JSON has it."""
        return {
            "baud": self.baud,
            "high_first": self.high_first,
            "found": [meter.as_object() for meter in self.found],
            "diagnoses": self.diagnoses,
            "progress": self.progress,
            "is_finished": self.is_finished,
            "patience": self.patience,
            "expected": self.expected,
            "lost": self.lost,
            "verifications": self.verifications,
            "sweeps": self.sweeps,
            "sounds": self.sounds,
            "unheard": self.unheard,
            "stack": [branching.as_object() for branching in self.stack],
            "closed": [branching.as_object() for branching in self.closed],
            "asked": {selection_text(mask): times for mask, times in self.asked.items()},
            "latest": self.latest,
            "listened": self.listened,
            "experience": {str(digits): counts for digits, counts in self.experience.items()},
            "odd": self.odd,
            "unreadable": [selection_text(mask) for mask in self.unreadable],
            "doubtful": [selection_text(mask) for mask in self.doubtful],
            "recent": [selection_text(mask) for mask in self.recent],
        }

    @classmethod
    def from_object(cls, item: dict[str, Any]) -> Self:
        """Read what `as_object` gave."""
        return cls(
            **{
                **item,
                "found": [FoundMeter.from_object(meter) for meter in item["found"]],
                "stack": [Branching.from_object(branching) for branching in item["stack"]],
                "closed": [Branching.from_object(branching) for branching in item["closed"]],
                "asked": {selection_of(text): times for text, times in item["asked"].items()},
                "experience": {int(digits): counts for digits, counts in item["experience"].items()},
                "unreadable": [selection_of(text) for text in item["unreadable"]],
                "doubtful": [selection_of(text) for text in item["doubtful"]],
                "recent": [selection_of(text) for text in item["recent"]],
            }
        )
