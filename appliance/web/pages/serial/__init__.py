"""M-Bus Serial: the ports and what goes over the line, a module for each tab."""

from appliance.web.pages.serial import configuration, monitor, statistics
from appliance.web.pages.serial.section import section

__all__ = ["configuration", "monitor", "section", "statistics"]
