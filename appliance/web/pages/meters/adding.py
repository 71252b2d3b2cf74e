"""Meters > Add a meter: one that is known without a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, url_for

from appliance.web.access import changes, reads
from appliance.web.languages import N_, _
from appliance.web.meter_fields import INTERVALS
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.meters.form import MeterForm
from appliance.web.pages.meters.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

ADDED = N_("%(name)s is in the list.")


@section.get("/meters/add")
@reads
def add() -> Response:
    """Show the empty form."""
    return _page(MeterForm())


@section.post("/meters/add")
@changes(give_back=lambda sentence: _page(MeterForm.posted(trouble=sentence)))
def put() -> Response:
    """Add the meter."""
    form = MeterForm.posted()
    meter = form.save()
    if meter is None:
        return _page(form)
    return redirect_with_notice(url_for("meters.details", key=meter.key), _(ADDED) % {"name": meter.name})


def _page(form: MeterForm) -> Response:
    page = render_template("meters/add.html", form=form, action="/meters/add", intervals=INTERVALS)
    return make_response(page, form.status)
