"""The pages: a module for each entry of the menu, and for each page that is not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.web.api.changing import blueprint as api_changes
from appliance.web.api.routes import blueprint as api
from appliance.web.pages.http import section as http
from appliance.web.pages.language import blueprint as language_form
from appliance.web.pages.live import blueprint as live
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

SECTIONS: tuple[Section, ...] = (status, network, tunnel, serial, http, system)
"""What stands in the menu, if in another order."""
PAGES: tuple[Blueprint, ...] = (password_page, language_form, live, metrics, api, api_changes)
"""What does not."""
