"""The resources that can be read."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from appliance.line.line import LineSnapshot
from appliance.recorder import Span
from appliance.tunnel.statistics import TunnelSnapshot
from appliance.web.access import reads
from appliance.web.api import readings, shapes
from appliance.web.api.description import Operation, Parameter, described
from appliance.web.api.openapi import ROOT, document, operations
from appliance.web.api.problem import problem
from appliance.web.api.settings import all_settings
from appliance.web.context import context
from appliance.web.pages.live import recording_json

blueprint = Blueprint("api", __name__)

SPAN = Parameter("span", "How far back.", {"enum": [str(span) for span in Span], "default": str(Span.HOUR)})


@blueprint.get(f"{ROOT}/status")
@reads
@described(Operation("What the device is and how it goes", shapes.Status))
def status() -> Response:
    """Give the status."""
    return jsonify(readings.status())


@blueprint.get(f"{ROOT}/network")
@reads
@described(Operation("Interface, link and addresses, now and after a reboot", shapes.Network))
def network() -> Response:
    """Give the network."""
    return jsonify(readings.network())


@blueprint.get(f"{ROOT}/tunnel")
@reads
@described(Operation("The M-Bus over TCP: state, clients and counters", TunnelSnapshot))
def tunnel() -> Response:
    """Give the tunnel."""
    return jsonify(context().device.tunnel.snapshot())


@blueprint.get(f"{ROOT}/line")
@reads
@described(Operation("The serial line and the counters of its ports", LineSnapshot))
def line() -> Response:
    """Give the line."""
    return jsonify(context().device.line.snapshot())


@blueprint.get(f"{ROOT}/http")
@reads
@described(Operation("The web server: ports, counters and certificate", shapes.Http))
def http() -> Response:
    """Give the web server."""
    return jsonify(readings.http())


@blueprint.get(f"{ROOT}/system")
@reads
@described(Operation("The parts of the program under supervision", shapes.System))
def system() -> Response:
    """Give the services."""
    return jsonify(services=context().device.services())


@blueprint.get(f"{ROOT}/settings")
@reads
@described(Operation("Every setting with its description and its values", shapes.Settings))
def settings() -> Response:
    """Give the settings."""
    return jsonify(all_settings())


@blueprint.get(f"{ROOT}/log")
@reads
@described(Operation("The last lines of the program's log", shapes.Lines))
def log() -> Response:
    """Give the log."""
    return jsonify(lines=context().device.log_lines())


@blueprint.get(f"{ROOT}/access-log")
@reads
@described(Operation("The last requests to the web server", shapes.Lines))
def access_log() -> Response:
    """Give the log of requests."""
    return jsonify(lines=context().device.access_log.lines())


@blueprint.get(f"{ROOT}/history")
@reads
@described(Operation("Traffic and errors over time", shapes.History, parameters=(SPAN,), refusals=(400,)))
def history() -> Response:
    """Give the recording of a span."""
    try:
        span = Span(request.args.get("span", Span.HOUR))
    except ValueError:
        return problem(400, "No such span", f"span is one of {', '.join(Span)}")
    return jsonify(recording_json(context().device.history.read(span)))


@blueprint.get(f"{ROOT}/openapi.json")
@reads
@described(Operation("This description, for machines (OpenAPI 3.1)", dict[str, Any]))
def openapi() -> Response:
    """Give the description."""
    return jsonify(document(current_app))


@blueprint.get("/api")
@reads
def page() -> str:
    """List the routes for a person."""
    return render_template("api.html", operations=operations(current_app))
