"""How text looks on a terminal: which characters may reach it, and how many columns they take. Pure."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 4096
"""Characters of one line that are shown; no honest one is longer."""


def safe(text: str) -> str:
    """Write `text` so that it cannot steer a terminal.

    Control characters, lone surrogates, and what reorders or hides text (format characters) come out escaped. Names of
    hosts, peers and lines of logs are whatever strangers sent.
    """
    if text.isascii() and text.isprintable():
        return text[:LONGEST]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:LONGEST])


def columns_of(character: str) -> int:
    """Count the columns that one character takes: 2 if wide (UAX #11 W and F), 0 if it combines with the one before."""
    if character < "\u0300":
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def width(text: str) -> int:
    """Count the columns that `text` takes."""
    return len(text) if text.isascii() else sum(map(columns_of, text))


def padded(text: str, columns: int) -> str:
    """Fill `text` up with blanks to `columns`."""
    return text + " " * (columns - width(text))


def table(rows: Sequence[tuple[str, ...]], *, indent: str = "") -> list[str]:
    """Set rows of equal length in columns, two blanks between; the cells are made safe."""
    cells = [tuple(safe(cell) for cell in row) for row in rows]
    widths = [max(width(cell) for cell in column) for column in zip(*cells, strict=True)]
    return [
        (indent + "  ".join(padded(cell, columns) for cell, columns in zip(row, widths, strict=True))).rstrip()
        for row in cells
    ]
