"""The menu entry *M-Bus Serial* and its tabs."""

from __future__ import annotations

from appliance.web.languages import N_
from appliance.web.menu import Section, Tab

section = Section(
    "serial",
    __name__,
    label=N_("M-Bus Serial"),
    order=40,
    tabs=(
        Tab("statistics", N_("Statistics")),
        Tab("configuration", N_("Configuration")),
        Tab("monitor", N_("Monitor")),
    ),
)
