"""System > Configuration: all settings as a file, and on paper."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask import Response, render_template

from appliance.settings import SECTIONS
from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.languages import N_, _, option_text
from appliance.web.pages.status import product_rows
from appliance.web.pages.system.file_name import file_name
from appliance.web.pages.system.section import section
from appliance.web.row import Row

if TYPE_CHECKING:
    from appliance.settings import Setting

TITLES = {
    "network": N_("Network"),
    "link": N_("Link"),
    "tunnel": N_("M-Bus TCP/IP"),
    "line": N_("M-Bus Serial"),
    "panel": N_("Front panel"),
    "console": N_("Console"),
    "mqtt": N_("MQTT"),
    "update": N_("Firmware"),
    "http": N_("HTTP"),
}
"""Headings of the sections of the settings, as the menu has them where it does."""


@section.get("/system/configuration")
@reads
def configuration() -> str:
    """Offer export, import and print."""
    return render_template("system/configuration.html", trouble="", problems=(), more=0)


@section.get("/system/configuration/export")
@reads
def export() -> Response:
    """Give the configuration as a file."""
    answer = Response(context().device.settings.export(), content_type="application/toml; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name("", "toml")}"'
    return answer


@section.get("/system/configuration/print")
@reads
def printable() -> str:
    """Show every setting on one page, for the folder in the cabinet."""
    return render_template(
        "system/print.html",
        product=product_rows(),
        groups=[
            (_(TITLES.get(name, name)), [setting_row(setting) for setting in settings])
            for name, settings in SECTIONS.items()
        ],
        time=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M"),
    )


def setting_row(setting: Setting[Any]) -> Row:
    """Write a setting with its value and unit, and how that stands to the factory default. A secret is only *set*."""
    settings = context().device.settings
    value, default = settings.running[setting], settings.defaults[setting]
    if setting.is_secret and value:
        # Who may enter where is no secret, with which password is.
        return Row(_(setting.label), _("set"), _("default") if value == default else "", setting.describe(value))
    if value == default:
        return Row(_(setting.label), value_text(setting, value), source=_("default"))
    note = _("Factory default: %(value)s") % {"value": value_text(setting, default)}
    return Row(_(setting.label), value_text(setting, value), note=note)


def value_text(setting: Setting[Any], value: Any) -> str:
    """Write a value with its unit, for a person."""
    text = setting.describe(value)
    if not text:
        return _("none")
    shown = option_text(setting, text)
    return f"{shown} {_(setting.unit)}" if setting.unit and text[0].isdigit() else shown
