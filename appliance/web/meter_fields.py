"""The fields of a meter, as forms show and the API describes them; what is right is for the meters' room to say."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.web.languages import N_

INTERVALS = (
    ("0", N_("on demand only")),
    ("300", N_("every 5 minutes")),
    ("900", N_("every 15 minutes")),
    ("3600", N_("every hour")),
    ("21600", N_("every 6 hours")),
    ("86400", N_("every day")),
    ("604800", N_("every week")),
)
"""Seconds, and how people say it."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A field of a meter, as the macros of forms.html know a setting."""

    name: str
    """As `MetersView.add` calls it."""
    label: str
    help: str
    hint: str = ""
    kind: str = "text"
    options: tuple[str, ...] = ()
    unit: str = ""
    needs_reboot: bool = False
    type: None = None


NAME = Declared(
    "name", N_("Name"), N_("What you call the meter; the place where it hangs, say."), N_("1 to 64 characters")
)
BAUD = Declared(
    "baud",
    N_("Speed"),
    N_("The speed at which the meter answers. The line goes back to its own speed after each readout."),
    kind="choice",
    options=("300", "2400"),
    unit=N_("bit/s"),
)
PRIMARY = Declared(
    "primary",
    N_("Primary address"),
    N_("A number that is set in the meter. A meter from the factory has 0, as many others on the same bus may have."),
    N_("0 to 250, or blank where it is not known"),
    kind="number",
)
SECONDARY = Declared(
    "secondary",
    N_("Secondary address"),
    N_(
        "Identification number (8 digits), manufacturer (4), version (2) and medium (2), as the search finds them. "
        "No two meters have the same one."
    ),
    N_("16 digits, or the 8 of the identification number, or blank"),
)
FABRICATION = Declared(
    "fabrication",
    N_("Fabrication number"),
    N_("Tells two meters apart that have the same secondary address. Needed then alone."),
    N_("8 digits, or blank"),
)
BY_PRIMARY = Declared(
    "reads_by_primary",
    N_("Read at the primary address"),
    N_(
        "The secondary address is the safer one: it stays when somebody changes the other. The primary one saves the "
        "selection, some 0.2 seconds at 2400 bit/s."
    ),
    kind="switch",
)
HIGH_FIRST = Declared(
    "high_first",
    N_("Selection high byte first"),
    N_("For old meters that send their highest byte first (mode 2) and understand a selection only so."),
    kind="switch",
)
INTERVAL = Declared(
    "interval",
    N_("Readout"),
    N_("How often the schedule reads the meter. One whose turn is missed, for a TCP client had the bus, is read next."),
    N_("60 to 2678400 seconds, or 0 for on demand only"),
    kind="number",
)
ON_BATTERY = Declared(
    "on_battery",
    N_("Battery"),
    N_("A battery feeds the meter. Every answer shortens its life, so short intervals are warned of."),
    kind="switch",
)

FIELDS = (NAME, BAUD, PRIMARY, SECONDARY, FABRICATION, BY_PRIMARY, HIGH_FIRST, INTERVAL, ON_BATTERY)
ALLOWED = {field.name: field.hint or " or ".join(field.options) or "on or off" for field in FIELDS}
"""What each may be, in English."""
