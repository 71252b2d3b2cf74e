"""HTTP: the web server itself, with a module for each page."""

from appliance.web.pages.http import authentication, certificate, configuration, log, statistics, users
from appliance.web.pages.http.section import section

__all__ = ["authentication", "certificate", "configuration", "log", "section", "statistics", "users"]
