"""The resource of the line monitor: the last telegrams, page by page."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, TypedDict

from flask import Blueprint, Response, jsonify, request

from appliance.monitor.meaning import meaning
from appliance.web.access import reads
from appliance.web.api.description import Operation, Parameter, described
from appliance.web.api.openapi import ROOT
from appliance.web.api.problem import problem
from appliance.web.context import context

if TYPE_CHECKING:
    from appliance.monitor.line_telegram import LineTelegram

blueprint = Blueprint("api_monitor", __name__)

USUAL_LIMIT, HIGHEST_LIMIT = 100, 500
LARGEST_NUMBER = 2**63 - 1


class MonitorTelegram(TypedDict):
    """A telegram that went over the line, or bytes that are none."""

    number: Annotated[int, "That of its first byte, counted from 1 over all that went over the line: it only grows."]
    at: Annotated[float, "When its first byte was seen, seconds since 1970."]
    direction: Annotated[str, "to_meters or from_meters."]
    party: Annotated[str, "The client that sent it or had asked; `the device itself`; empty for nobody."]
    branch: Annotated[str, "two-wire or optical; empty for what goes to the meters, on every port."]
    octets: Annotated[str, "In hexadecimal digits."]
    is_frame: bool
    address: Annotated[int | None, "The primary address that it calls or answers from."]
    delay: Annotated[float | None, "Seconds from the end of the request to the first byte of its answer."]
    meaning: Annotated[str, "In a line; for bytes that are no frame, why."]
    notes: list[str]


class Monitor(TypedDict):
    """Telegrams, the oldest first."""

    telegrams: list[MonitorTelegram]
    oldest: Annotated[int, "What has a smaller number is forgotten, if there was any."]
    next: Annotated[int, "What to give as `after` for those that follow."]


AFTER = Parameter(
    "after",
    "Those with a greater number, the oldest first; without it the last ones.",
    {"type": "integer", "minimum": 0},
)
LIMIT = Parameter(
    "limit",
    "How many at most.",
    {"type": "integer", "minimum": 1, "maximum": HIGHEST_LIMIT, "default": USUAL_LIMIT},
)


@blueprint.get(f"{ROOT}/monitor")
@reads
@described(Operation("The last telegrams on the line", Monitor, parameters=(AFTER, LIMIT), refusals=(400,)))
def monitor() -> Response:
    """Give a page of telegrams."""
    try:
        limit = _number("limit", 1, HIGHEST_LIMIT)
        after = _number("after", 0, LARGEST_NUMBER)
    except ValueError as error:
        return problem(400, "No such page", str(error))
    recording = context().device.monitor
    limit = USUAL_LIMIT if limit is None else limit
    before = recording.settled
    if after is None:
        found = list(islice(recording.latest(), limit))[::-1]
    else:
        found = list(islice(recording.after(after), limit))
    body: Monitor = {
        "telegrams": [telegram_shape(telegram) for telegram in found],
        "oldest": recording.oldest,
        "next": found[-1].number if found else max(after or 0, before),
    }
    return jsonify(body)


def telegram_shape(telegram: LineTelegram) -> MonitorTelegram:
    """Write a telegram."""
    return {
        "number": telegram.number,
        "at": round(telegram.at, 6),
        "direction": "to_meters" if telegram.to_meters else "from_meters",
        "party": telegram.party,
        "branch": telegram.branch,
        "octets": telegram.octets.hex(),
        "is_frame": telegram.frame is not None,
        "address": telegram.address,
        "delay": round(telegram.delay, 6) if telegram.delay is not None else None,
        "meaning": meaning(telegram),
        "notes": [str(note) for note in telegram.notes],
    }


def _number(name: str, lowest: int, highest: int) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and lowest <= int(text) <= highest):
        raise ValueError(f"{name} is a number from {lowest} to {highest}")
    return int(text)
