"""What a check has found: how it stands, how that is known, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Result(StrEnum):
    """How something stands."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """The device cannot tell."""
    ATTENTION = "attention"
    """It works, or may work, and somebody should look."""
    BAD = "bad"

    @property
    def severity(self) -> int:
        """The worse, the higher."""
        return tuple(Result).index(self)


@dataclass(frozen=True, slots=True)
class Quote:
    """What another room of the device says, in its own English words; a page may know a translation."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence: a text for the catalogues, and what is filled in."""

    text: str
    """English, marked with `N_` where it is written."""
    values: Mapping[str, float | str | Quote] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        """Give it in English."""
        return self.text % self.values if self.values else self.text


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and its outcome."""

    name: str
    """For programs; it never changes."""
    title: str
    """English, marked with `N_` where it is written."""
    result: Result
    evidence: tuple[Message, ...]
    advice: tuple[Message, ...] = ()
    """What to do, in order; empty when nothing."""


def message(text: str, **values: float | str | Quote) -> Message:
    """Make a message; `text` is marked with `N_` where this is called."""
    return Message(text, MappingProxyType(values))
