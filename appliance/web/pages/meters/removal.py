"""Meters > one meter > remove, after the visitor has read what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, url_for

from appliance.errors import SaveFailed
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.meters.listing import time_text
from appliance.web.pages.meters.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

REMOVED = N_("%(name)s is removed, with all its readings.")
PATH = "/meters/<int(max=9007199254740991):key>/remove"


@section.get(PATH)
@reads
def ask_removal(key: int) -> Response:
    """Ask."""
    return _page(key)


@section.post(PATH)
@changes
def remove(key: int) -> Response:
    """Remove the meter."""
    meters = context().device.meters
    meter = meters.find(key)
    try:
        meters.remove(key)
    except SaveFailed as error:
        return _page(key, trouble=str(error), status=500)
    return redirect_with_notice(url_for("meters.listing"), _(REMOVED) % {"name": meter.name})


def _page(key: int, *, trouble: str = "", status: int = 200) -> Response:
    meters = context().device.meters
    meter = meters.find(key)
    first = meters.readings(key, limit=1)
    page = render_template(
        "meters/remove.html", meter=meter, since=time_text(first[0].at) if first else "", trouble=trouble
    )
    return make_response(page, status)
