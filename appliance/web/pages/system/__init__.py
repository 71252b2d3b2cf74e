"""System: what is done with the device as a whole, a module for each tab."""

from appliance.web.pages.system import (
    configuration,
    firmware,
    firmware_settings,
    identify,
    importing,
    log,
    reboot,
    troubleshooting,
)
from appliance.web.pages.system.section import section

__all__ = [
    "configuration",
    "firmware",
    "firmware_settings",
    "identify",
    "importing",
    "log",
    "reboot",
    "section",
    "troubleshooting",
]
