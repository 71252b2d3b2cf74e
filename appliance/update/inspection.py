"""What RAUC says of a bundle, taken apart."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_NOTES = 20_000
"""Characters of release notes that are kept."""

_MINIMUM = re.compile(r"\s*^Minimum version:[ \t]*(\S+)\s*\Z", re.MULTILINE | re.IGNORECASE)
_SECTION = "cme3000"


@dataclass(frozen=True, slots=True)
class Inspection:
    """The manifest of a bundle, as far as it concerns this device."""

    compatible: str
    version: str
    build_date: dt.date | None = None
    minimum_version: str = ""
    notes: str = ""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Inspection:
        """Read what `InspectBundle` gives, RAUC 1.9 or later: sections of the manifest, the own ones under `meta`.

        Where `[meta.cme3000]` does not tell the minimum version, the last line of the description may.
        """
        update = _table(manifest.get("update"))
        own = _table(_table(manifest.get("meta")).get(_SECTION))
        notes = _text(update.get("description"))[:LONGEST_NOTES]
        found = _MINIMUM.search(notes)
        if found is not None:
            notes = notes[: found.start()]
        return cls(
            compatible=_text(update.get("compatible")),
            version=_text(update.get("version")),
            build_date=_date(_text(update.get("build"))),
            minimum_version=_text(own.get("minimum-version")) or (found[1] if found is not None else ""),
            notes=notes.strip(),
        )


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Give a text without what cannot be shown; line ends stay."""
    if not isinstance(value, str):
        return ""
    return "".join(character for character in value if character.isprintable() or character == "\n")


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None
