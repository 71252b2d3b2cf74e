"""Text from anywhere, made fit for a place that takes one line."""

from __future__ import annotations

LONGEST = 300
"""Characters that are kept; a reason longer than this is for the log."""


def one_line(text: str) -> str:
    """Write `text` on one line: control characters and lone surrogates are escaped, what is too long is cut."""
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in cut)
