"""The names of topics, made of names that anybody may have chosen (MQTT 5.0, clause 4.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 64
"""Characters of one level."""

_OTHER = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)


def level_of(text: str) -> str:
    """Make one level of a topic: letters, digits, `_`, `-` and `.`; every run of anything else becomes one `_`."""
    return _OTHER.sub("_", text)[:LONGEST] or "_"


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of one device."""

    prefix: str
    device: str
    """Its serial number, or else its name."""

    @property
    def base(self) -> str:
        """What all of them begin with."""
        return f"{self.prefix}/{level_of(self.device)}"

    @property
    def availability(self) -> str:
        """Says `online`, or `offline`; retained, and the last will."""
        return f"{self.base}/availability"

    def reading(self, place: str) -> str:
        """Where the readings of a meter go, each with all its values."""
        return f"{self.base}/meter/{level_of(place)}/reading"
