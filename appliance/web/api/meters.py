"""The meters that can be read: list, readings, series, and the search."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request

from appliance.errors import InvalidValue, UnknownMeter, quoted
from appliance.web.access import reads
from appliance.web.api import meter_shapes as shapes
from appliance.web.api.description import Operation, Parameter, described
from appliance.web.api.meter_objects import (
    meters_object,
    reading_object,
    search_object,
    series_object,
    state_object,
    value_object,
)
from appliance.web.api.openapi import ROOT
from appliance.web.api.problem import problem
from appliance.web.context import context
from appliance.web.period import asked_period

if TYPE_CHECKING:
    from appliance.meters.readings import StoredReading
    from appliance.meters.snapshot import MeterState
    from appliance.meters.view import MetersView

blueprint = Blueprint("api_meters", __name__)

METER = f"{ROOT}/meters/<int(max=9007199254740991):key>"
MOST_READINGS = 100
"""On one page; each is decoded."""
MOST_VALUES = 2000
USUAL_VALUES = 340
HEALTH_PARTS = 120
"""Parts of a period from each of which one readout is told."""
DAY = 86_400.0

_MOMENT = {"type": "string", "examples": ["2026-01-31T12:00:00Z"]}
SINCE = Parameter("since", "The first moment, ISO 8601.", _MOMENT)
UNTIL = Parameter("until", "The first moment that is too late, ISO 8601.", _MOMENT)
AFTER = Parameter("after", "Number of the last reading that is known already.", {"type": "integer", "default": 0})
LIMIT = Parameter(
    "limit", "Readings at most.", {"type": "integer", "minimum": 1, "maximum": MOST_READINGS, "default": MOST_READINGS}
)
MOST = Parameter(
    "most",
    "Values at most; more are thinned out evenly.",
    {"type": "integer", "minimum": 1, "maximum": MOST_VALUES, "default": USUAL_VALUES},
)


def _unknown(error: UnknownMeter) -> Response:
    return problem(404, "No such meter", str(error))


def _wrong(error: InvalidValue) -> Response:
    return problem(400, "Bad request", str(error))


blueprint.register_error_handler(UnknownMeter, _unknown)
blueprint.register_error_handler(InvalidValue, _wrong)


@blueprint.get(f"{ROOT}/meters")
@reads
@described(Operation("Every meter of the list and how it goes with it", shapes.Meters))
def all_meters() -> Response:
    """Give the list."""
    return jsonify(meters_object(context().device.meters.snapshot()))


@blueprint.get(METER)
@reads
@described(Operation("One meter and how it goes with it", shapes.MeterState, refusals=(404,)))
def one_meter(key: int) -> Response:
    """Give a meter."""
    return jsonify(state_object(state_of(context().device.meters, key)))


@blueprint.get(f"{METER}/reading")
@reads
@described(Operation("The newest reading of a meter, decoded", shapes.Reading, refusals=(404,)))
def latest(key: int) -> Response:
    """Give the newest reading."""
    meters = context().device.meters
    meters.find(key)
    reading = meters.latest(key)
    if reading is None:
        return problem(404, "No reading", f"meter {key} has not been read yet")
    return jsonify(reading_object(reading))


@blueprint.get(f"{METER}/readings")
@reads
@described(
    Operation(
        "Readings of a meter, decoded, in the order in which they were stored",
        shapes.Readings,
        parameters=(AFTER, LIMIT, SINCE, UNTIL),
        refusals=(400, 404),
    )
)
def readings(key: int) -> Response:
    """Give a page of readings."""
    meters, period = context().device.meters, asked_period()
    meters.find(key)
    limit = _number("limit", MOST_READINGS, 1, MOST_READINGS)
    after = _number("after", 0, 0, 2**53)
    found = meters.readings(key, after=after, since=period.since, until=period.until, limit=limit)
    return jsonify(readings=[reading_object(one) for one in found], next=found[-1].key if len(found) == limit else None)


@blueprint.get(f"{METER}/series")
@reads
@described(Operation("The records that a meter has told so far", shapes.AllSeries, refusals=(404,)))
def series(key: int) -> Response:
    """List the series."""
    meters = context().device.meters
    meters.find(key)
    return jsonify(series=[series_object(one) for one in meters.series(key)])


@blueprint.get(f"{METER}/series/<int(max=9007199254740991):series_key>")
@reads
@described(
    Operation(
        "Values of one series of a meter, the oldest first",
        shapes.SeriesValues,
        parameters=(SINCE, UNTIL, MOST),
        refusals=(400, 404),
    )
)
def history(key: int, series_key: int) -> Response:
    """Give values."""
    meters, period = context().device.meters, asked_period()
    meters.find(key)
    most = _number("most", USUAL_VALUES, 1, MOST_VALUES)
    wanted = next((one for one in meters.series(key) if one.key == series_key), None)
    if wanted is None:
        return problem(404, "No such series", f"meter {key} has no series {series_key}")
    values = meters.history(series_key, since=period.since, until=period.until, most=most)
    return jsonify(series=series_object(wanted), values=[value_object(one) for one in values])


@blueprint.get(f"{METER}/health")
@reads
@described(
    Operation(
        "How long the readouts of a meter took, one of each part of a period; without one, of the last day",
        shapes.Health,
        parameters=(SINCE, UNTIL),
        refusals=(400, 404),
    )
)
def health(key: int) -> Response:
    """Give how long readouts took."""
    meters, period = context().device.meters, asked_period()
    meters.find(key)
    until = period.until if period.until is not None else time.time()
    since = period.since or until - DAY
    # One readout of each part: the whole of a year would be thousands, with all their telegrams.
    step = (until - since) / HEALTH_PARTS
    found: list[StoredReading] = []
    for part in range(HEALTH_PARTS):
        begin = since + part * step
        found += meters.readings(key, since=begin, until=begin + step, limit=1)
    return jsonify(readouts=[{"at": one.at, "seconds": one.seconds} for one in found])


@blueprint.get(f"{ROOT}/meters/search")
@reads
@described(Operation("The search: how far it is, and what it found", shapes.Search))
def search() -> Response:
    """Give the state of the search."""
    return jsonify(search_object(context().device.meters.snapshot()))


def state_of(meters: MetersView, key: int) -> MeterState:
    """Find a meter with its state.

    :raises UnknownMeter: when there is none of that number.
    """
    for state in meters.snapshot().meters:
        if state.meter.key == key:
            return state
    raise UnknownMeter(f"there is no meter {key}")


def _number(name: str, usual: int, lowest: int, highest: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 18 and lowest <= int(text) <= highest):
        raise InvalidValue(f"{name}={quoted(text)} is not a whole number from {lowest} to {highest}")
    return int(text)
