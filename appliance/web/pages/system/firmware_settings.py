"""System > Firmware: the settings of updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import make_response, render_template, url_for

from appliance.settings import update as declared
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.form import SettingsForm
from appliance.web.form_layout import Beside, Group
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.system.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.settings import Setting

VERSIONS = (declared.CHECK, declared.INDEX_URL)
TRIAL = (declared.TRIAL,)
HAWKBIT = (
    declared.HAWKBIT_ENABLED,
    declared.HAWKBIT_URL,
    declared.HAWKBIT_TENANT,
    declared.HAWKBIT_DEVICE,
    declared.HAWKBIT_TOKEN,
)
FIELDS = (*VERSIONS, *TRIAL, *HAWKBIT)

SAVED = N_("The settings are saved and in force.")
IN_THE_CLEAR = N_("The token is sent without encryption.")


@section.get("/system/firmware/settings")
@reads
def firmware_settings() -> Response:
    """Show the form."""
    return _page(SettingsForm(FIELDS))


@section.post("/system/firmware/settings")
@changes(give_back=lambda sentence: _page(SettingsForm.posted(FIELDS, trouble=sentence)))
def save_firmware_settings() -> Response:
    """Save the form."""
    form = SettingsForm.posted(FIELDS)
    if not form.save():
        return _page(form)
    return redirect_with_notice(url_for("system.firmware_settings"), _(SAVED))


def _page(form: SettingsForm) -> Response:
    device = context().device
    in_force = device.settings.in_force
    serial = device.product.serial_number
    beside: dict[Setting[Any], Beside] = {
        declared.HAWKBIT_TOKEN: Beside(current=_("set") if in_force[declared.HAWKBIT_TOKEN] else _("none")),
    }
    if not in_force[declared.HAWKBIT_DEVICE] and serial:
        beside[declared.HAWKBIT_DEVICE] = Beside(current=serial)
    if in_force[declared.HAWKBIT_TOKEN] and in_force[declared.HAWKBIT_URL].lower().startswith("http:"):
        beside[declared.HAWKBIT_URL] = Beside(note=_(IN_THE_CLEAR))
    page = render_template(
        "system/firmware_settings.html",
        form=form,
        groups=(Group(_("New versions"), VERSIONS), Group(_("After an update"), TRIAL), Group("hawkBit", HAWKBIT)),
        beside=beside,
    )
    return make_response(page, form.status)
