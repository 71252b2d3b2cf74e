"""Meters > one meter > its primary address: the one thing that is written into a meter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, request, url_for

from appliance.errors import InvalidMeter
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.meter_refusals import refusal_text
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.meters.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

HIGHEST = 250
"""Of the primary addresses that a meter may have (EN 13757-2)."""
NO_ADDRESS = N_("Not possible. Allowed: %(allowed)s.")
ALLOWED = N_("a number from 0 to 250")
ASKED = N_("%(name)s is given the primary address %(primary)d as soon as the bus is free.")
PATH = "/meters/<int(max=9007199254740991):key>/primary"


def _give_back(sentence: str) -> Response:
    return _page((request.view_args or {})["key"], request.form.get("primary", ""), trouble=sentence)


@section.get(PATH)
@reads
def primary(key: int) -> Response:
    """Show the form."""
    return _page(key)


@section.post(PATH)
@changes(give_back=_give_back)
def set_primary(key: int) -> Response:
    """Ask, and when that was confirmed have it done."""
    meters = context().device.meters
    meter = meters.find(key)
    text = request.form.get("primary", "").strip()
    wanted = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if not 0 <= wanted <= HIGHEST:
        return _page(key, text, error=_(NO_ADDRESS) % {"allowed": _(ALLOWED)})
    if "confirmed" not in request.form:
        others = [
            state.meter
            for state in meters.snapshot().meters
            if state.meter.key != key and state.meter.primary == wanted and state.meter.baud == meter.baud
        ]
        if others and wanted:  # 0 is that of every meter from the factory
            taken = {"value": wanted, "name": others[0].name, "number": others[0].key}
            return _page(key, text, error=_("%(value)s is the address of %(name)s, number %(number)s") % taken)
        clients = context().device.tunnel.snapshot().clients
        page = render_template(
            "meters/ask_primary.html", meter=meter, wanted=wanted, others=others, clients=[one.peer for one in clients]
        )
        return make_response(page)
    try:
        meters.set_primary(key, wanted)
    except InvalidMeter as error:
        return _page(key, text, error=" ".join(map(refusal_text, error.errors.values())))
    return redirect_with_notice(url_for("meters.details", key=key), _(ASKED) % {"name": meter.name, "primary": wanted})


def _page(key: int, text: str = "", *, error: str = "", trouble: str = "") -> Response:
    page = render_template(
        "meters/primary.html", meter=context().device.meters.find(key), text=text, error=error, trouble=trouble
    )
    return make_response(page, 400 if error else 200)
