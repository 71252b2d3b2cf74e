"""The menu entry *System* and its tabs."""

from __future__ import annotations

from appliance.settings.document import LARGEST
from appliance.web.api.openapi import ROOT
from appliance.web.bundle_upload import MOST
from appliance.web.languages import N_
from appliance.web.menu import Section, Tab

IMPORT = "/system/configuration/import"
UPLOAD = "/system/firmware/upload"
API_UPLOAD = f"{ROOT}/firmware/upload"

section = Section(
    "system",
    __name__,
    label=N_("System"),
    order=60,
    tabs=(
        Tab("overview", N_("Reboot and defaults")),
        Tab("configuration", N_("Configuration")),
        Tab("firmware", N_("Firmware")),
        Tab("troubleshooting", N_("Troubleshooting")),
        Tab("log", N_("Log")),
        Tab("identify", N_("Identify")),
    ),
    # A settings file, and what a form has around it; a bundle, as page and program send it.
    upload_limits={IMPORT: LARGEST + 8192, UPLOAD: MOST, API_UPLOAD: MOST},
)
