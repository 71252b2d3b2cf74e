"""Meters > Search: what is on the bus, found by the device itself."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from flask import make_response, render_template, request, url_for

from appliance.errors import InvalidMeter, SaveFailed
from appliance.meters.addition import counterpart, drafted
from appliance.meters.snapshot import SearchPhase
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.frame import duration
from appliance.web.languages import N_, _, ngettext
from appliance.web.live import LiveValue, register
from appliance.web.meter_refusals import refusal_text
from appliance.web.meter_words import words
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.meters.section import section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Response

    from appliance.meters.meter import Meter
    from appliance.meters.snapshot import SearchState

SPEEDS = (("2400", N_("2400 bit/s")), ("300", N_("300 bit/s")), ("both", N_("300 and 2400 bit/s")))
BAUDS = {"2400": (2400,), "300": (300,), "both": (2400, 300)}
WAYS = (
    ("both", N_("by primary and secondary address")),
    ("secondary", N_("by secondary address")),
    ("primary", N_("by primary address")),
)
PHASES = {
    SearchPhase.NONE: N_("There was no search yet."),
    SearchPhase.RUNNING: N_("The search is running."),
    SearchPhase.WAITING: N_("The search waits: a TCP client has the bus. It goes on by itself."),
    SearchPhase.PAUSED: N_("The search is paused."),
    SearchPhase.FINISHED: N_("The search is finished."),
    SearchPhase.CANCELLED: N_("The search was cancelled."),
    SearchPhase.FAILED: N_("The search was cut off; it can be resumed."),
}
UNDER_WAY = frozenset({SearchPhase.RUNNING, SearchPhase.WAITING})
RESUMABLE = frozenset({SearchPhase.PAUSED, SearchPhase.CANCELLED, SearchPhase.FAILED})
STARTABLE = frozenset({SearchPhase.NONE, SearchPhase.FINISHED, SearchPhase.CANCELLED, SearchPhase.FAILED})

NONE = "\u2013"
NOTHING_CHOSEN = N_("Choose at least one meter first.")
NOTHING_NEW = N_("Nothing of this was found, so nothing was added.")


class FoundRow(NamedTuple):
    """A meter that was found."""

    meter: Meter
    address: str
    medium: str
    known: str
    """Its name in the list; empty where it is not there yet."""
    known_key: int


@section.get("/meters/search")
@reads
def search() -> Response:
    """Show the form, or how the search goes, and what it found."""
    return _page()


@section.post("/meters/search")
@changes(give_back=lambda sentence: _page(trouble=sentence))
def begin() -> Response:
    """Begin a search."""
    speeds, ways = request.form.get("speeds", ""), request.form.get("ways", "")
    try:
        context().device.meters.search(
            BAUDS.get(speeds, ()), primary=ways in ("both", "primary"), secondary=ways in ("both", "secondary")
        )
    except InvalidMeter as error:
        return _page(trouble=" ".join(map(refusal_text, error.errors.values())), status=400)
    except SaveFailed as error:
        return _page(trouble=str(error), status=500)
    return redirect_with_notice(url_for("meters.search"), _("The search has begun."))


@section.post("/meters/search/pause")
@changes
def pause() -> Response:
    """Let it rest."""
    context().device.meters.pause_search()
    return redirect_with_notice(url_for("meters.search"), _("The search pauses after its present step."))


@section.post("/meters/search/resume")
@changes
def resume() -> Response:
    """Go on."""
    context().device.meters.resume_search()
    return redirect_with_notice(url_for("meters.search"), _("The search goes on."))


@section.post("/meters/search/cancel")
@changes
def cancel() -> Response:
    """End it."""
    context().device.meters.cancel_search()
    return redirect_with_notice(
        url_for("meters.search"), _("The search is cancelled. What it found can still be added.")
    )


@section.post("/meters/search/add")
@changes(give_back=lambda sentence: _page(trouble=sentence))
def add_found() -> Response:
    """Put what was found into the list."""
    addresses = None if "all" in request.form else request.form.getlist("address")
    if addresses is not None and not addresses:
        return _page(trouble=_(NOTHING_CHOSEN), status=400)
    try:
        added = context().device.meters.add_found(addresses)
    except InvalidMeter as error:
        return _page(trouble=" ".join(map(refusal_text, error.errors.values())), status=400)
    except SaveFailed as error:
        return _page(trouble=str(error), status=500)
    if not added:
        return _page(trouble=_(NOTHING_NEW), status=400)
    text = ngettext("%(num)d meter is in the list.", "%(num)d meters are in the list.", len(added)) % {
        "num": len(added)
    }
    return redirect_with_notice(url_for("meters.listing"), text)


def _page(*, trouble: str = "", status: int = 200) -> Response:
    snapshot = context().device.meters.snapshot()
    state = snapshot.search
    page = render_template(
        "meters/search.html",
        state=state,
        is_under_way=state.phase in UNDER_WAY,
        can_resume=state.phase in RESUMABLE,
        can_begin=state.phase in STARTABLE,
        was_none=state.phase is SearchPhase.NONE,
        rows=found_rows(state, [one.meter for one in snapshot.meters]),
        diagnoses=[refusal_text(text) for text in state.diagnoses],
        failure=refusal_text(state.error),
        live={value.key: value.text for value in live_values()},
        percent=percent_of(state),
        speeds=SPEEDS,
        ways=WAYS,
        chosen={"speeds": request.form.get("speeds", "2400"), "ways": request.form.get("ways", "both")},
        trouble=trouble,
        problem=refusal_text(snapshot.problem),
    )
    return make_response(page, status)


def found_rows(state: SearchState, known: list[Meter]) -> list[FoundRow]:
    """Put together what the page says of the meters that were found."""
    rows = []
    for found in state.found:
        meter = drafted(found, interval=0, battery_interval=0)
        same = counterpart(meter, known)
        medium = words(meter.medium) if meter.medium else ""
        rows.append(FoundRow(meter, meter.address_text, medium, same.name if same else "", same.key if same else 0))
    return rows


def percent_of(state: SearchState) -> int:
    """Give how much is done; whole only when all is."""
    return 100 if state.phase is SearchPhase.FINISHED else min(int(state.progress * 100), 99)


def remaining_text(state: SearchState) -> str:
    """Write how long the search will still take."""
    if state.phase in STARTABLE:
        return NONE
    return _("not known yet") if state.remaining is None else duration(state.remaining)


def live_values() -> Iterator[LiveValue]:
    """Give what moves on the page of the search."""
    state = context().device.meters.snapshot().search
    yield LiveValue("meters.search_phase", _(PHASES[state.phase]))
    yield LiveValue("meters.search_percent", f"{percent_of(state)} %")
    yield LiveValue("meters.search_elapsed", duration(state.elapsed))
    yield LiveValue("meters.search_remaining", remaining_text(state))
    yield LiveValue("meters.search_stage", refusal_text(state.stage) if state.stage else NONE)
    yield LiveValue("meters.search_found", str(len(state.found)))
    told = (state.phase, state.diagnoses, state.error, [one.key for one in state.found])
    yield LiveValue("meters.search_mark", f"{zlib.crc32(repr(told).encode('utf-8', 'replace')):08x}")


register("meters", live_values)
