"""Network: how the device is reached, a module for each page."""

from appliance.web.pages.network import interface, interface_configuration, link
from appliance.web.pages.network.section import section

__all__ = ["interface", "interface_configuration", "link", "section"]
