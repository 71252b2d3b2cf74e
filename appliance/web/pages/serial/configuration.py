"""M-Bus Serial > Configuration: how the serial ports are driven, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import make_response, render_template, url_for

from appliance.settings import line as declared
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.form import SettingsForm
from appliance.web.form_layout import Beside, Group
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.serial.section import section
from appliance.web.pages.serial.statistics import key_of, setting_of, state_text

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.line.line import LineSnapshot
    from appliance.settings import Setting

LINE = (declared.BAUD_RATE,)
PORTS = (declared.TWO_WIRE, declared.OPTICAL)

SAVED = N_("The settings are saved. A new baud rate is taken after the frame that is on the wire.")


@section.get("/serial/configuration")
@reads
def configuration() -> Response:
    """Show the form."""
    return _page(SettingsForm((*LINE, *PORTS)))


@section.post("/serial/configuration")
@changes(give_back=lambda sentence: _page(SettingsForm.posted((*LINE, *PORTS), trouble=sentence)))
def change() -> Response:
    """Save the form."""
    form = SettingsForm.posted((*LINE, *PORTS))
    if not form.save():
        return _page(form)
    return redirect_with_notice(url_for("serial.configuration"), _(SAVED))


def baud_text(line: LineSnapshot) -> str:
    """Write the speed at which the line runs."""
    return f"{line.baud} {_(declared.BAUD_RATE.unit)}"


def _page(form: SettingsForm) -> Response:
    line = context().device.line.snapshot()
    beside: dict[Setting[Any], Beside] = {
        setting_of(port): Beside(current=state_text(port), live=f"serial.{key_of(port)}_state")
        for port in line.branches
        if port.url
    }
    beside[declared.BAUD_RATE] = Beside(current=baud_text(line), live="serial.baud_rate")
    page = render_template(
        "serial/configuration.html",
        form=form,
        groups=(Group("", LINE), Group(_("Serial ports"), PORTS)),
        beside=beside,
    )
    return make_response(page, form.status)
