"""Firmware updates for programs: state, upload, and what people do on the page."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request

from appliance.errors import UpdateBusy, UpdateError, UpdateRefused
from appliance.settings.update import INDEX_URL
from appliance.web import bundle_upload
from appliance.web.access import changes, reads
from appliance.web.api.description import Operation, Parameter, described
from appliance.web.api.firmware_shapes import Firmware
from appliance.web.api.openapi import FIRMWARE_ADDRESS, FIRMWARE_CHOICE, ROOT
from appliance.web.api.problem import REFUSED_FIRMWARE, UPDATE_BUSY, FieldError, problem
from appliance.web.context import context

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from flask import Response

    from appliance.web.api.problem import FieldError as Error

blueprint = Blueprint("api_firmware", __name__)

FIRMWARE = f"{ROOT}/firmware"
ACCEPTED = 202
NAME = Parameter("name", "Name of the file, where its content is the body.", {"type": "string"})
ALLOWED = {
    "name": "cme3000.romz, signed by the maker and made for this device",
    "url": "the address of a file cme3000.romz, http:// or https://",
    "version": "that of the bundle that is ready",
    "confirm_downgrade": "true to install a version older than what runs",
}


class _Invalid(Exception):  # noqa: N818 (it is what happened)
    """A body that cannot be used; carries the answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


blueprint.register_error_handler(_Invalid, lambda invalid: invalid.answer)


@blueprint.get(FIRMWARE)
@reads
@described(Operation("Firmware: slots, the bundle at hand, how far an update is, and how the last one ended", Firmware))
def firmware() -> Response:
    """Give the state."""
    return jsonify(firmware_object())


@blueprint.post(f"{FIRMWARE}/upload")
@changes(api=True, media=bundle_upload.MEDIA)
@described(
    Operation(
        "Upload a bundle; it is checked in the background",
        Firmware,
        status=ACCEPTED,
        parameters=(NAME,),
        media=bundle_upload.MEDIA,
        refusals=(409, 422),
    )
)
def upload() -> Response:
    """Take a bundle."""
    found = bundle_upload.bundle()
    if found is None:
        return problem(400, "Bad request", "the form has no file")
    return _done(
        lambda: context().device.updater.receive(found.name, found.stream, found.size), field="name", value=found.name
    )


@blueprint.post(f"{FIRMWARE}/fetch")
@changes(api=True)
@described(
    Operation(
        "Fetch a bundle from a web address, in the background",
        Firmware,
        status=ACCEPTED,
        body=FIRMWARE_ADDRESS,
        refusals=(409, 422),
        example='{"url": "https://host/cme3000.romz"}',
    )
)
def fetch() -> Response:
    """Fetch a bundle."""
    url = _body(url=str)["url"]
    return _done(lambda: context().device.updater.fetch(url), field="url", value=url)


@blueprint.post(f"{FIRMWARE}/install")
@changes(api=True)
@described(
    Operation(
        "Install the bundle that is ready, and reboot into it",
        Firmware,
        status=ACCEPTED,
        body=FIRMWARE_CHOICE,
        refusals=(409, 422),
        example='{"version": "1.2.0", "confirm_downgrade": false}',
    )
)
def install() -> Response:
    """Install it."""
    body = _body({"confirm_downgrade": False}, version=str, confirm_downgrade=bool)
    version, confirms = body["version"], body["confirm_downgrade"]
    return _done(
        lambda: context().device.updater.install(version=version, confirms_downgrade=confirms),
        field="version",
        value=version,
    )


@blueprint.post(f"{FIRMWARE}/discard")
@changes(api=True)
@described(
    Operation(
        "Remove the bundle that is ready, forget a failure, or end a download",
        Firmware,
        status=ACCEPTED,
        refusals=(409,),
    )
)
def discard() -> Response:
    """Remove it."""
    return _done(context().device.updater.discard)


@blueprint.post(f"{FIRMWARE}/check")
@changes(api=True)
@described(Operation("Read the index of versions now", Firmware, status=ACCEPTED, refusals=(409, 422)))
def check() -> Response:
    """Look for a new version."""
    device = context().device
    index = device.settings.in_force[INDEX_URL]
    return _done(device.updater.look_for_offer, field=INDEX_URL.name, value=index)


def firmware_object() -> Firmware:
    """Write the state as the API has it."""
    device = context().device
    state = device.updater.snapshot()
    bundle, offer = state.bundle, state.offer
    ends = state.trial_ends
    return {
        "is_available": state.is_available,
        "why_not": state.why_not,
        "version": device.product.version,
        "build_date": _day(device.product.build_date),
        "stage": state.stage.value,
        "received": state.received,
        "size": state.size,
        "percent": state.percent,
        "message": state.message,
        "bundle": {**asdict(bundle), "build_date": _day(bundle.build_date)} if bundle is not None else None,  # type: ignore[typeddict-item]  # the same members
        "error": state.error,
        "slots": [
            {**asdict(slot), "installed_at": _day(slot.installed_at)}  # type: ignore[typeddict-item]  # likewise
            for slot in state.slots
        ],
        "on_trial": state.on_trial,
        "trial_seconds": round(max(ends - time.monotonic(), 0), 1) if state.on_trial and ends is not None else None,
        "last_update": state.last_update,
        "last_failed": state.last_failed,
        "offer": {**asdict(offer), "build_date": _day(offer.build_date)} if offer is not None else None,  # type: ignore[typeddict-item]  # likewise
        "checked_at": state.checked_at,
        "check_error": state.check_error,
    }


def _day(day: date | None) -> str | None:
    """Write a date, or a moment, as ISO 8601 has it."""
    return day.isoformat() if day is not None else None


def _done(action: Callable[[], None], *, field: str = "", value: object = None) -> Response:
    """Do it, and tell how things stand, or which field was refused."""
    try:
        action()
    except UpdateRefused as error:
        refused: list[Error] = []
        if field:
            refused = [
                FieldError(field=field, value=value, reason=str(error), allowed=ALLOWED.get(field, "an address"))
            ]
        return problem(422, "Refused", str(error), kind=REFUSED_FIRMWARE, errors=refused)
    except UpdateBusy as error:
        return problem(409, "Busy", str(error), kind=UPDATE_BUSY)
    except UpdateError as error:
        is_able = context().device.updater.snapshot().is_available
        return problem(500 if is_able else 409, "Not possible", str(error))
    answer = jsonify(firmware_object())
    answer.status_code = ACCEPTED
    return answer


def _body(missing: dict[str, Any] | None = None, /, **kinds: type) -> dict[str, Any]:
    """Give the members that were sent.

    :param missing: values of those that may be left out.
    :param kinds: what each must be.
    """
    try:
        body = json.loads(request.get_data() or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _Invalid(problem(400, "Bad request", "the body is a JSON object"))
    found = {**(missing or {}), **body}
    errors = [
        FieldError(field=name, value=body.get(name), reason=f"must be a {_KINDS[kind]}", allowed=ALLOWED[name])
        for name, kind in kinds.items()
        if not isinstance(found.get(name), kind)
    ]
    errors += [
        FieldError(field=name, value=value, reason="there is no such member", allowed=", ".join(kinds))
        for name, value in body.items()
        if name not in kinds
    ]
    if errors:
        raise _Invalid(problem(422, "Refused", "nothing was changed", kind=REFUSED_FIRMWARE, errors=errors))
    return found


_KINDS = {str: "text", bool: "switch, true or false"}
