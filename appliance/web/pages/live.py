"""What the scripts of the pages ask for: values that change, and the history of the counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, jsonify, request

from appliance.recorder import Span
from appliance.web import live
from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.frame import state_mark
from appliance.web.languages import _
from appliance.web.live import LiveValue, of_rows, register
from appliance.web.pages.http.configuration import configuration_rows
from appliance.web.pages.http.server_state import server
from appliance.web.pages.http.statistics import counter_rows as http_counter_rows
from appliance.web.pages.http.statistics import load_rows, log_size
from appliance.web.pages.network.interface import rows as interface_rows
from appliance.web.pages.network.link import ability_rows, outcome_rows
from appliance.web.pages.serial.configuration import baud_text
from appliance.web.pages.serial.statistics import counter_rows as serial_counter_rows
from appliance.web.pages.status import all_rows, panel_values
from appliance.web.pages.system.log import restart_rows, service_row
from appliance.web.pages.tunnel import counter_rows as tunnel_counter_rows
from appliance.web.pages.tunnel import state_rows
from appliance.web.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response

    from appliance.recorder import Recording

blueprint = Blueprint("live", __name__)

MOST_KEYS = 200
"""More than any page has."""


@blueprint.get("/live")
@reads
def live_values() -> Response:
    """Give the values whose keys `keys` names, separated by commas, and a mark of what the banners say."""
    keys = request.args.get("keys", "").split(",")
    if len(keys) > MOST_KEYS:
        abort(400)
    found = live.values(keys)
    return jsonify(values={key: value.as_json() for key, value in found.items()}, state=state_mark())


@blueprint.get("/live/history")
@reads
def history() -> Response:
    """Give the recording of `span`: an hour, a day or a week."""
    try:
        span = Span(request.args.get("span", Span.HOUR))
    except ValueError:
        abort(400)
    return jsonify(recording_json(context().device.history.read(span)))


def recording_json(recording: Recording) -> dict[str, object]:
    """Write a recording, to a thousandth."""
    return {
        "ends": [round(end) for end in recording.ends],
        "seconds": [round(seconds, 1) for seconds in recording.seconds],
        "rates": {
            name: [None if rate is None else round(rate, 3) for rate in rates]
            for name, rates in recording.rates.items()
        },
    }


def _network() -> Iterator[LiveValue]:
    for row in interface_rows():
        yield LiveValue(f"network.{row.name}", row.current)
    network = context().network()
    yield from of_rows([*outcome_rows(network), *ability_rows(network.link_modes)])


def _tunnel() -> Iterator[LiveValue]:
    snapshot = context().device.tunnel.snapshot()
    return of_rows([*tunnel_counter_rows(snapshot), *state_rows(snapshot)])


def _serial() -> Iterator[LiveValue]:
    line = context().device.line.snapshot()
    for _label, row in serial_counter_rows(list(line.branches)):
        for cell in row:
            yield LiveValue(cell.live, cell.value, is_bad=cell.is_bad)
    yield LiveValue("serial.baud_rate", baud_text(line))


def _http() -> Iterator[LiveValue]:
    snapshot = server()
    rows = [*http_counter_rows(snapshot), *load_rows(snapshot), *configuration_rows()]
    return of_rows([*rows, Row("", log_size(), live="http.log_size")])


def _system() -> Iterator[LiveValue]:
    device = context().device
    yield from of_rows(restart_rows())
    for row in map(service_row, device.services()):
        yield LiveValue(f"system.service_{row.name}_state", row.state, is_bad=row.is_bad)
        yield LiveValue(f"system.service_{row.name}_restarts", row.restarts)
    if device.panel is not None:
        is_flashing = device.panel.snapshot().is_identifying
        yield LiveValue("system.identify_state", _("flashing") if is_flashing else _("not flashing"))


register("network", _network)
register("tunnel", _tunnel)
register("serial", _serial)
register("http", _http)
register("status", lambda: of_rows(all_rows()))
register("system", _system)
register("panel", panel_values)
