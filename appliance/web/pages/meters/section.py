"""The menu entry *Meters* and its tabs."""

from __future__ import annotations

from appliance.web.languages import N_
from appliance.web.menu import Section, Tab

section = Section(
    "meters",
    __name__,
    label=N_("Meters"),
    order=45,
    tabs=(
        Tab("listing", N_("List")),
        Tab("search", N_("Search")),
        Tab("add", N_("Add a meter")),
        # A page about meters that another module makes has its tab here.
        Tab("mqtt", N_("MQTT")),
        Tab("settings", N_("Configuration")),
    ),
)
