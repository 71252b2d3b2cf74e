"""The entry *HTTP* of the menu."""

from appliance.web.languages import N_
from appliance.web.menu import Section, Tab

INSTALL_PATH = "/http/certificate/install"
MOST_UPLOADED = 262_144
"""Bytes of a form with certificate and key. They may have a quarter of it, but whoever picked a wrong file is to be
told so by the page."""

section = Section(
    "http",
    __name__,
    label=N_("HTTP"),
    order=50,
    tabs=(
        Tab("statistics", N_("Statistics")),
        Tab("configuration", N_("Configuration")),
        Tab("authentication", N_("Authentication")),
        Tab("certificate", N_("Certificate")),
        Tab("log", N_("Log")),
    ),
    upload_limits={INSTALL_PATH: MOST_UPLOADED},
)
