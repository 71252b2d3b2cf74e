"""Coloured text of a known width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLAIN, DIM, ALARM, KEY = "", "2", "1;97;41", "1"
"""Graphic renditions (ECMA-48, SGR)."""

COLOURS = {"green": "1;92", "red": "1;91", "yellow": "1;93"}


@dataclass(frozen=True, slots=True)
class Span:
    """Text in one rendition."""

    text: str
    rendition: str = PLAIN


@dataclass(frozen=True, slots=True)
class Style:
    """What the terminal can show."""

    has_colour: bool = True
    """Off where NO_COLOR asks for it: then nothing is rendered in any way but as text."""
    has_unicode: bool = True

    def lamp(self, *, is_lit: bool) -> str:
        """Give the sign of a LED."""
        return ("●" if is_lit else "○") if self.has_unicode else ("*" if is_lit else ".")

    @property
    def rule(self) -> str:
        """The character that lines are drawn with."""
        return "─" if self.has_unicode else "-"

    def paint(self, spans: Iterable[Span], columns: int) -> str:
        """Put `spans` on one line of at most `columns` characters, the rest is cut."""
        painted = []
        for span in spans:
            text = "".join(c if c.isprintable() and (c.isascii() or self.has_unicode) else "?" for c in span.text)
            text = text[:columns]
            columns -= len(text)
            is_rendered = self.has_colour and span.rendition and text
            painted.append(f"\x1b[{span.rendition}m{text}\x1b[0m" if is_rendered else text)
        return "".join(painted)


def width(spans: Sequence[Span]) -> int:
    """Return how many characters they have together."""
    return sum(len(span.text) for span in spans)
