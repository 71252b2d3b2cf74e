"""Meters > Configuration: what holds for all meters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, url_for

from appliance.settings import meters as declared
from appliance.web.access import changes, reads
from appliance.web.form import SettingsForm
from appliance.web.form_layout import Group
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.meters.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

WORK = (declared.ENABLED, declared.DEFAULT_INTERVAL, declared.BATTERY_INTERVAL)
STORE = (declared.KEEP_DAYS, declared.KEEP_SIZE)
SAVED = N_("The settings are saved.")


@section.get("/meters/configuration")
@reads
def settings() -> Response:
    """Show the form."""
    return _page(SettingsForm((*WORK, *STORE)))


@section.post("/meters/configuration")
@changes(give_back=lambda sentence: _page(SettingsForm.posted((*WORK, *STORE), trouble=sentence)))
def save_settings() -> Response:
    """Save the form."""
    form = SettingsForm.posted((*WORK, *STORE))
    if not form.save():
        return _page(form)
    return redirect_with_notice(url_for("meters.settings"), _(SAVED))


def _page(form: SettingsForm) -> Response:
    groups = (Group(_("Readouts"), WORK), Group(_("What is kept"), STORE))
    return make_response(render_template("meters/settings.html", form=form, groups=groups), form.status)
