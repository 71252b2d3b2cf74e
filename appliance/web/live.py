"""Values that a page shows and that its script asks for again: one function makes both, so they cannot differ.

A page marks the element with `data-live="<key>"`; tables.html does so for a row with `live`. The part of the key before
the dot says who makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from appliance.web.row import Row


@dataclass(frozen=True, slots=True)
class LiveValue:
    """A value in the visitor's language."""

    key: str
    text: str
    source: str = ""
    """Where it came from, shown in brackets."""
    note: str = ""
    is_bad: bool = False
    look: str = ""
    """For the style sheet: how the element with `data-look` looks now."""

    def as_json(self) -> dict[str, str | bool]:
        """Give what differs from nothing."""
        parts: dict[str, str | bool] = {"source": self.source, "note": self.note, "bad": self.is_bad, "look": self.look}
        return {"text": self.text, **{name: part for name, part in parts.items() if part}}


_sources: dict[str, list[Callable[[], Iterable[LiveValue]]]] = {}


def register(prefix: str, source: Callable[[], Iterable[LiveValue]]) -> None:
    """Have `source`, called in a request, make the values whose keys begin with `prefix` and a dot."""
    _sources.setdefault(prefix, []).append(source)


def of_rows(rows: Iterable[Row]) -> Iterator[LiveValue]:
    """Give the values of those rows of a table of facts that have a key."""
    for row in rows:
        if row.live:
            yield LiveValue(row.live, row.value, row.source, row.note, row.is_bad)


def values(keys: Iterable[str]) -> dict[str, LiveValue]:
    """Make the values asked for. A key that nobody knows, or no longer, is left out."""
    wanted = set(keys)
    found: dict[str, LiveValue] = {}
    for prefix in dict.fromkeys(key.partition(".")[0] for key in wanted):
        for source in _sources.get(prefix, ()):
            found.update((value.key, value) for value in source() if value.key in wanted)
    return found
