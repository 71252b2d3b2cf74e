"""Meters: the list, the search, one meter and its configuration, and exports, a module for each."""

from appliance.web.pages.meters import (
    adding,
    configuration,
    details,
    exports,
    listing,
    mqtt,
    primary,
    removal,
    search,
    settings,
)
from appliance.web.pages.meters.section import section

__all__ = [
    "adding",
    "configuration",
    "details",
    "exports",
    "listing",
    "mqtt",
    "primary",
    "removal",
    "search",
    "section",
    "settings",
]
