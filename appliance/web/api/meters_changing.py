"""What can be done with meters: the list, readouts, the search, the primary address."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from appliance.errors import InvalidMeter, InvalidValue, SaveFailed, UnknownMeter
from appliance.web.access import changes
from appliance.web.api import meter_shapes as shapes
from appliance.web.api.description import Operation, described
from appliance.web.api.meter_objects import meter_object, state_object
from appliance.web.api.meters import METER, state_of
from appliance.web.api.openapi import METER_FIELDS, ROOT
from appliance.web.api.problem import INVALID_METER, problem
from appliance.web.api.shapes import Done
from appliance.web.context import context
from appliance.web.meter_fields import ALLOWED

blueprint = Blueprint("api_meters_changing", __name__)

SEARCH = f"{ROOT}/meters/search"
NEW_METER = '{"name": "Flat 3", "secondary": "12345678A7320407", "baud": 2400, "interval": 900}'
ACCEPTED = 202


class _Refused(Exception):  # noqa: N818 (it is what happened)
    """A request whose body cannot be used; carries the answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


def _invalid(error: InvalidMeter) -> Response:
    """Name every field with what was sent."""
    body = _sent()
    errors = [
        {"field": field, "value": body.get(field), "reason": words, "allowed": ALLOWED.get(field, words)}
        for field, words in error.errors.items()
    ]
    return problem(422, "Invalid meter", "nothing was changed", kind=INVALID_METER, errors=errors)  # type: ignore[arg-type]  # the same members


def _unknown(error: UnknownMeter) -> Response:
    return problem(404, "No such meter", str(error))


def _not_saved(error: SaveFailed) -> Response:
    return problem(500, "Not saved", str(error))


blueprint.register_error_handler(InvalidMeter, _invalid)
blueprint.register_error_handler(UnknownMeter, _unknown)
blueprint.register_error_handler(SaveFailed, _not_saved)
blueprint.register_error_handler(_Refused, lambda refused: refused.answer)


@blueprint.post(f"{ROOT}/meters")
@changes(api=True)
@described(
    Operation(
        "Put a meter into the list",
        shapes.MeterState,
        status=201,
        body=METER_FIELDS,
        refusals=(422,),
        example=NEW_METER,
    )
)
def add() -> Response:
    """Add a meter."""
    meters = context().device.meters
    meter = meters.add(_texts(_body()))
    return _answer(state_object(state_of(meters, meter.key)), 201)


@blueprint.post(METER)
@changes(api=True)
@described(
    Operation(
        "Change fields of a meter: all that are sent, or none",
        shapes.MeterState,
        body=METER_FIELDS,
        refusals=(404, 422),
        example='{"interval": 3600}',
    )
)
def change(key: int) -> Response:
    """Change a meter."""
    meters = context().device.meters
    meters.find(key)
    meters.change(key, _texts(_body()))
    return jsonify(state_object(state_of(meters, key)))


@blueprint.post(f"{METER}/remove")
@changes(api=True)
@described(Operation("Take a meter from the list, with all its readings", Done, refusals=(404,)))
def remove(key: int) -> Response:
    """Remove a meter."""
    context().device.meters.remove(key)
    return jsonify(done="removed")


@blueprint.post(f"{METER}/read")
@changes(api=True)
@described(Operation("Read a meter as soon as the bus is free", Done, status=ACCEPTED, refusals=(404,)))
def read_one(key: int) -> Response:
    """Ask for a readout."""
    context().device.meters.read_now([key])
    return _answer({"done": "asked"}, ACCEPTED)


@blueprint.post(f"{ROOT}/meters/read")
@changes(api=True)
@described(
    Operation(
        "Read all meters, or those named, as soon as the bus is free",
        Done,
        status=ACCEPTED,
        refusals=(404, 422),
        example='{"meters": [1, 2]}',
    )
)
def read_some() -> Response:
    """Ask for readouts."""
    meters, body = context().device.meters, _body("meters")
    keys = body.get("meters")
    if keys is None:
        keys = [state.meter.key for state in meters.snapshot().meters]
    if not _is_list_of(keys, int):
        raise InvalidMeter({"meters": "a list of the numbers of meters, or nothing for all"})
    meters.read_now(keys)
    return _answer({"done": "asked"}, ACCEPTED)


@blueprint.post(f"{METER}/primary")
@changes(api=True)
@described(
    Operation(
        "Give a meter another primary address; how it ended is told by its `error` and `primary`",
        Done,
        status=ACCEPTED,
        refusals=(404, 422),
        example='{"primary": 5}',
    )
)
def set_primary(key: int) -> Response:
    """Have the address set."""
    meters, body = context().device.meters, _body("primary")
    wanted = body.get("primary")
    meters.find(key)
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise InvalidMeter({"primary": "a whole number from 0 to 250"})
    meters.set_primary(key, wanted)
    return _answer({"done": "asked"}, ACCEPTED)


@blueprint.post(SEARCH)
@changes(api=True)
@described(
    Operation(
        "Begin a search; what the last one found is forgotten",
        Done,
        status=ACCEPTED,
        refusals=(422,),
        example='{"bauds": [2400], "primary": true, "secondary": true}',
    )
)
def search() -> Response:
    """Begin a search."""
    body = _body("bauds", "primary", "secondary")
    bauds = body.get("bauds", [2400])
    errors = {} if _is_list_of(bauds, int) else {"bauds": "a list of 300, 2400 or both"}
    errors |= {name: "true or false" for name in ("primary", "secondary") if not isinstance(body.get(name, True), bool)}
    if errors:
        raise InvalidMeter(errors)
    context().device.meters.search(bauds, primary=body.get("primary", True), secondary=body.get("secondary", True))
    return _answer({"done": "begun"}, ACCEPTED)


@blueprint.post(f"{SEARCH}/pause")
@changes(api=True)
@described(Operation("Let the search rest", Done, status=ACCEPTED))
def pause() -> Response:
    """Pause."""
    context().device.meters.pause_search()
    return _answer({"done": "asked"}, ACCEPTED)


@blueprint.post(f"{SEARCH}/resume")
@changes(api=True)
@described(Operation("Go on with the search", Done, status=ACCEPTED))
def resume() -> Response:
    """Resume."""
    context().device.meters.resume_search()
    return _answer({"done": "asked"}, ACCEPTED)


@blueprint.post(f"{SEARCH}/cancel")
@changes(api=True)
@described(Operation("End the search; what it found can still be added", Done, status=ACCEPTED))
def cancel() -> Response:
    """Cancel."""
    context().device.meters.cancel_search()
    return _answer({"done": "asked"}, ACCEPTED)


@blueprint.post(f"{SEARCH}/add")
@changes(api=True)
@described(
    Operation(
        "Put what the search found into the list, all or those with these addresses",
        shapes.Added,
        refusals=(422,),
        example='{"addresses": ["12345678A7320407"]}',
    )
)
def add_found() -> Response:
    """Add what was found."""
    addresses = _body("addresses").get("addresses")
    if addresses is not None and not _is_list_of(addresses, str):
        raise InvalidMeter({"addresses": "a list of texts, or nothing for all"})
    added = context().device.meters.add_found(addresses)
    return jsonify(meters=[meter_object(meter) for meter in added])


def _answer(body: Any, status: int) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer


def _sent() -> dict[str, Any]:
    try:
        body = json.loads(request.get_data() or b"{}")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _body(*names: str) -> dict[str, Any]:
    """Give the object that was sent.

    :param names: the members that it may have; any, if none is named.
    """
    try:
        body = json.loads(request.get_data() or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _Refused(problem(400, "Bad request", "the body is a JSON object"))
    strange = [name for name in body if names and name not in names]
    if strange:
        raise InvalidMeter(dict.fromkeys(strange, f"there is no such member; there are {', '.join(names)}"))
    return body


def _texts(body: dict[str, Any]) -> dict[str, str]:
    """Write JSON values as the texts of a form.

    :raises InvalidMeter: for values that are neither text, whole number, true or false, nor null.
    """
    texts, errors = {}, {}
    for name, value in body.items():
        try:
            texts[name] = _text(value)
        except InvalidValue as error:
            errors[name] = str(error)
    if errors:
        raise InvalidMeter(errors)
    return texts


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int) and abs(value) < 10**30:
        return str(value)
    if isinstance(value, str):
        return value
    raise InvalidValue("a value is a text as in the forms, a whole number, true or false, or null for none")


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) and not isinstance(one, bool) for one in value)
