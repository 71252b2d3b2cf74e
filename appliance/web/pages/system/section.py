"""The menu entry *System* and its tabs."""

from __future__ import annotations

from appliance.settings.document import LARGEST
from appliance.web.languages import N_
from appliance.web.menu import Section, Tab

IMPORT = "/system/configuration/import"

section = Section(
    "system",
    __name__,
    label=N_("System"),
    order=60,
    tabs=(
        Tab("overview", N_("Reboot and defaults")),
        Tab("configuration", N_("Configuration")),
        Tab("troubleshooting", N_("Troubleshooting")),
        Tab("log", N_("Log")),
        Tab("identify", N_("Identify")),
    ),
    # A settings file, and what a form has around it.
    upload_limits={IMPORT: LARGEST + 8192},
)
