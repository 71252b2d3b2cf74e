"""Meters > List: all meters with what they told last, and readouts on demand."""

from __future__ import annotations

import datetime as dt
import zlib
from typing import TYPE_CHECKING, NamedTuple

from flask import current_app, render_template, request, url_for

from appliance.errors import UnknownMeter
from appliance.meters.meter import MOST_METERS
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.error_pages import Refused, error_page
from appliance.web.languages import N_, _, ngettext
from appliance.web.live import LiveValue, register
from appliance.web.meter_refusals import refusal_text
from appliance.web.meter_values import MainValue, MainValues
from appliance.web.meter_words import words
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.meters.section import section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.blueprints import BlueprintSetupState
    from werkzeug.wrappers import Response

    from appliance.meters.meter import Meter
    from appliance.meters.snapshot import MetersSnapshot, MeterState

VALUES = "cme3000.main_values"
"""Where an app keeps the values of the last readings."""

GONE = N_("There is no such meter in the list; somebody may have removed it.")


class State(NamedTuple):
    """How it goes with a meter, in the visitor's language."""

    text: str
    kind: str = ""
    """`bad`, `warning` or nothing: how it looks."""


class ListRow(NamedTuple):
    """One meter in the list."""

    meter: Meter
    medium: str
    values: tuple[MainValue, ...]
    last_reading: str
    response_time: str
    error_rate: str
    tries: int
    has_errors: bool
    state: State
    is_waiting: bool


def _remember(state: BlueprintSetupState) -> None:
    state.app.extensions[VALUES] = MainValues()


def _unknown(_error: UnknownMeter) -> Response:
    return error_page(Refused(404, GONE))


section.record(_remember)
section.register_error_handler(UnknownMeter, _unknown)


@section.get("/meters")
@reads
def listing() -> str:
    """Show the list."""
    meters = context().device.meters
    snapshot = meters.snapshot()
    values: MainValues = current_app.extensions[VALUES]
    values.keep_only({state.meter.key for state in snapshot.meters})
    rows = [row_of(state, values.of(meters, state)) for state in snapshot.meters]
    return render_template(
        "meters/list.html",
        rows=rows,
        most=MOST_METERS,
        load=f"{snapshot.bus_load:.0%}",
        warnings=[refusal_text(warning) for warning in snapshot.warnings],
        problem=refusal_text(snapshot.problem),
        live={value.key: value.text for value in live_values()},
    )


@section.post("/meters/read")
@changes
def read_now() -> Response:
    """Ask for the readout of one meter or of all."""
    meters = context().device.meters
    if "all" in request.form:
        keys = [state.meter.key for state in meters.snapshot().meters]
    else:
        keys = [key_of(request.form.get("meter", ""))]
    meters.read_now(keys)
    text = ngettext(
        "%(num)d meter is read as soon as the bus is free.",
        "%(num)d meters are read as soon as the bus is free.",
        len(keys),
    ) % {"num": len(keys)}
    if "back" in request.form and len(keys) == 1:
        return redirect_with_notice(url_for("meters.details", key=keys[0]), text)
    return redirect_with_notice(url_for("meters.listing"), text)


def key_of(text: str) -> int:
    """Read the number of a meter from a form.

    :raises UnknownMeter: when it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 17):
        raise UnknownMeter(f"there is no meter {text[:20]!r}")
    return int(text)


def row_of(state: MeterState, values: tuple[MainValue, ...]) -> ListRow:
    """Put together what the list says of a meter."""
    return ListRow(
        state.meter,
        words(state.meter.medium) if state.meter.medium else "",
        values,
        time_text(state.last_reading),
        seconds_text(state.response_time),
        rate_text(state),
        state.tries,
        state.failures > 0,
        state_of(state),
        state.is_waiting,
    )


def state_of(state: MeterState) -> State:
    """Say how it goes with a meter."""
    if state.is_waiting:
        return State(_("waits for its readout"))
    if state.error:
        return State(refusal_text(state.error), "bad")
    if state.warning:
        return State(refusal_text(state.warning), "warning")
    return State(_("in order") if state.last_reading is not None else _("not read yet"))


def errors_text(state: MeterState) -> str:
    """Write how many of a meter's readouts failed."""
    if not state.tries:
        return ""
    return _("%(part)s of %(tries)d") % {"part": rate_text(state), "tries": state.tries}


def rate_text(state: MeterState) -> str:
    """Write the part of a meter's readouts that failed; empty before the first."""
    if not state.tries:
        return ""
    return f"{state.failures / state.tries:.1%}" if state.failures else "0%"


def seconds_text(seconds: float | None) -> str:
    """Write a short time; empty for one that is not known."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def time_text(at: float | None) -> str:
    """Write a moment, in universal time: the device may not know in which zone it stands. Empty for None."""
    if at is None:
        return ""
    try:
        moment = dt.datetime.fromtimestamp(at, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return _("%(time)s UTC") % {"time": moment.strftime("%Y-%m-%d %H:%M:%S")}


def live_values() -> Iterator[LiveValue]:
    """Give what moves on the pages of the list and of one meter."""
    snapshot = context().device.meters.snapshot()
    yield LiveValue("meters.activity", activity_text(snapshot))
    yield LiveValue("meters.load", f"{snapshot.bus_load:.0%}")
    yield LiveValue("meters.list_mark", list_mark(snapshot))


def activity_text(snapshot: MetersSnapshot) -> str:
    """Say what is done on the bus now."""
    if snapshot.activity:
        return refusal_text(snapshot.activity)
    return _("busy") if snapshot.is_busy else _("nothing")


def list_mark(snapshot: MetersSnapshot) -> str:
    """Give a short mark of what the list shows; another one is a reason for the script to fetch it anew."""
    told = (snapshot.meters, snapshot.warnings, snapshot.problem)
    return f"{zlib.crc32(repr(told).encode('utf-8', 'replace')):08x}"


register("meters", live_values)
