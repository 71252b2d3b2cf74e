"""Meters > one meter > configuration: its name, its addresses, and when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, request, url_for

from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.meter_fields import INTERVALS
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.meters.form import MeterForm
from appliance.web.pages.meters.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

CHANGED = N_("%(name)s is changed.")
PATH = "/meters/<int(max=9007199254740991):key>/configuration"


def _give_back(sentence: str) -> Response:
    key = (request.view_args or {})["key"]
    return _page(MeterForm.posted(context().device.meters.find(key), trouble=sentence))


@section.get(PATH)
@reads
def meter_configuration(key: int) -> Response:
    """Show the form."""
    return _page(MeterForm(context().device.meters.find(key)))


@section.post(PATH)
@changes(give_back=_give_back)
def change_meter(key: int) -> Response:
    """Change the meter."""
    form = MeterForm.posted(context().device.meters.find(key))
    meter = form.save()
    if meter is None:
        return _page(form)
    return redirect_with_notice(url_for("meters.details", key=meter.key), _(CHANGED) % {"name": meter.name})


def _page(form: MeterForm) -> Response:
    assert form.meter is not None  # noqa: S101 (found before)
    page = render_template(
        "meters/configuration.html",
        form=form,
        meter=form.meter,
        action=url_for("meters.change_meter", key=form.meter.key),
        intervals=INTERVALS,
    )
    return make_response(page, form.status)
