"""How meters and the fields of one are called on the console. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.meters.addition import counterpart, drafted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.meters.meter import Meter
    from appliance.meters.snapshot import MeterState
    from appliance.readout.discovery.found import FoundMeter

SWITCH = ("on", "off")
SPEEDS = ("300", "2400")
"""Speeds of the meters' answers that M-Bus masters search at, in bit/s (EN 13757-2)."""


@dataclass(frozen=True)
class Field:
    """A field of a meter that people change."""

    name: str
    """As `MetersView` and its errors have it."""
    label: str
    help: str
    choices: tuple[str, ...] = ()
    nothing: str | None = None
    """The text that empties it or switches it off; None where there is no such value."""
    is_rest: bool = False
    """Whether its value may have blanks."""

    @property
    def word(self) -> str:
        """How it is typed."""
        return self.name.replace("_", "-")


FIELDS = (
    Field("name", "Name", "What you call the meter.", is_rest=True),
    Field("baud", "Speed", "The speed at which the meter answers, in bit/s.", SPEEDS),
    Field("primary", "Primary address", "Its primary address, 0 to 250. The meter itself is not told.", nothing=""),
    Field("secondary", "Secondary address", "Its secondary address, 8 or 16 digits.", nothing=""),
    Field("fabrication", "Fabrication number", "Tells it from meters with the same secondary address.", nothing=""),
    Field(
        "reads_by_primary", "Read by primary address", "Use the primary address though both are known.", SWITCH, "off"
    ),
    Field(
        "high_first",
        "Selection of mode 2",
        "Whether it understands no other, with the highest byte first.",
        SWITCH,
        "off",
    ),
    Field(
        "interval", "Interval", "Seconds between two readouts of the schedule; 0 reads on demand alone.", nothing="0"
    ),
    Field(
        "on_battery",
        "On battery",
        "Whether a battery feeds it, which every answer shortens the life of.",
        SWITCH,
        "off",
    ),
)
"""In the order in which they are shown."""

LABELS = {field.name: field.label for field in FIELDS}


def complaint_of(field: str, words: str) -> str:
    """Say what is wrong with a field, as is said of settings: label, name, reason; of all the rest the reason alone."""
    return f"{LABELS[field]} ({field}): {words}" if field in LABELS else words


def title_of(meter: Meter) -> str:
    """Name a meter: its number, and what its owner calls it, or else its address. Not yet made safe for a terminal."""
    return f"{meter.key} ({meter.name or meter.address_text or 'no name'})"


def address_of(found: FoundMeter) -> str:
    """Give the address of what a search found, as the list will have it."""
    return _drafted(found).address_text


def number_of(found: FoundMeter, states: Sequence[MeterState]) -> int | None:
    """Give the number in the list of what a search found, if it is there."""
    meter = counterpart(_drafted(found), [state.meter for state in states])
    return None if meter is None else meter.key


def _drafted(found: FoundMeter) -> Meter:
    return drafted(found, interval=0, battery_interval=0)
