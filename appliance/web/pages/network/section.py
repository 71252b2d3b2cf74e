"""The menu entry *Network* and its tabs."""

from __future__ import annotations

from appliance.web.languages import N_
from appliance.web.menu import Section, Tab

section = Section(
    "network",
    __name__,
    label=N_("Network"),
    order=20,
    tabs=(
        Tab("interface_status", N_("Status"), N_("Interface")),
        Tab("interface_configuration", N_("Configuration"), N_("Interface")),
        Tab("link_status", N_("Status"), N_("Link")),
        Tab("link_configuration", N_("Configuration"), N_("Link")),
    ),
)
