"""The pages: a module for each entry of the menu, and for each page that is not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.web.api.changing import blueprint as api_changes
from appliance.web.api.firmware import blueprint as api_firmware
from appliance.web.api.line_monitor import blueprint as api_monitor
from appliance.web.api.meters import blueprint as api_meters
from appliance.web.api.meters_changing import blueprint as api_meters_changing
from appliance.web.api.routes import blueprint as api
from appliance.web.pages.http import section as http
from appliance.web.pages.language import blueprint as language_form
from appliance.web.pages.live import blueprint as live
from appliance.web.pages.meters import section as meters
from appliance.web.pages.metrics import blueprint as metrics
from appliance.web.pages.network import section as network
from appliance.web.pages.password import blueprint as password_page
from appliance.web.pages.serial import section as serial
from appliance.web.pages.system import section as system
from appliance.web.pages.traffic import section as status
from appliance.web.pages.tunnel import section as tunnel

if TYPE_CHECKING:
    from flask import Blueprint

    from appliance.web.menu import Section

SECTIONS: tuple[Section, ...] = (status, network, tunnel, serial, meters, http, system)
"""What stands in the menu, if in another order."""
API: tuple[Blueprint, ...] = (api, api_changes, api_meters, api_meters_changing, api_monitor, api_firmware)
PAGES: tuple[Blueprint, ...] = (password_page, language_form, live, metrics, *API)
"""What does not."""
