"""A row of a table of facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from appliance.network.facts import NONE

if TYPE_CHECKING:
    from appliance.network.facts import Fact


@dataclass(frozen=True, slots=True)
class Row:
    """A label, a value, and where the value came from."""

    label: str
    value: str
    source: str = ""
    """`DHCP`, shown in brackets behind the value."""
    note: str = ""
    """Anything else worth knowing, in smaller print."""
    is_bad: bool = False
    """Whether the value is a fault."""
    live: str = ""
    """The key under which the value is served afresh; empty for one that stays as it is."""

    @classmethod
    def of(cls, label: str, fact: Fact, *, live: str = "") -> Self:
        """Make a row of a fact; one without a value reads `<None>`."""
        if not fact.value:
            return cls(label, NONE, live=live)
        return cls(label, fact.value, fact.source or "", live=live)
