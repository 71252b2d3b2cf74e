"""System > Identify: which of the boxes in the cabinet is this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template, url_for

from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.system.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

FLASHING = N_("All four LEDs of this device flash together for 30 seconds. Look for it.")
NO_PANEL = N_("This device has no LEDs, so none can flash.")


@section.get("/system/identify")
@reads
def identify() -> str:
    """Offer it, and say where to look."""
    device = context().device
    panel = device.panel.snapshot() if device.panel is not None else None
    return render_template("system/identify.html", panel=panel, mac=context().network().mac)


@section.post("/system/identify")
@changes(before_new_password=True)  # it changes nothing, and helps to find the device whose password is to be set
def flash() -> Response:
    """Let the LEDs flash."""
    device = context().device
    device.identify()
    text = FLASHING if device.panel is not None else NO_PANEL
    return redirect_with_notice(url_for("system.identify"), _(text))
