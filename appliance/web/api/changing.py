"""What can be written and done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request

from appliance.errors import InvalidSettings, RebootError, SaveFailed
from appliance.httpd.authentication.ways_in import loses_last_way_in
from appliance.network.configuration import Method, method_of
from appliance.settings import find
from appliance.settings import http as http_settings
from appliance.settings.validation import read, rule_errors
from appliance.supervision.restart import Kind
from appliance.web.access import changes
from appliance.web.api import shapes
from appliance.web.api.description import Operation, Parameter, described
from appliance.web.api.openapi import CHANGES, ROOT
from appliance.web.api.problem import INVALID_SETTINGS, NOT_CONFIRMED, field_error, problem
from appliance.web.api.settings import texts_of, value_json
from appliance.web.context import context
from appliance.web.pages.http.server_state import serves_https

if TYPE_CHECKING:
    from flask import Response

    from appliance.settings import Directive, Values

blueprint = Blueprint("api_changes", __name__)

SWITCH = {"type": "boolean"}
SAVE = Parameter("save", "false: change what is running and write nothing to the disk.", {**SWITCH, "default": True})
CONFIRMED = Parameter(
    "confirmed", "true: go on although no login that works now would work afterwards.", {**SWITCH, "default": False}
)


@blueprint.post(f"{ROOT}/settings")
@changes(api=True)
@described(
    Operation(
        "Change settings: all that are sent, or none",
        shapes.Written,
        parameters=(SAVE, CONFIRMED),
        body=CHANGES,
        refusals=(409, 422),
        example='{"tunnel.port": 10002, "tunnel.policy": "shared"}',
    )
)
def write() -> Response:
    """Change settings."""
    body = _body()
    save, confirmed = _switch("save", is_on=True), _switch("confirmed", is_on=False)
    if body is None or save is None or confirmed is None:
        return problem(400, "Bad request", "the body is a JSON object; save and confirmed are true or false")
    settings = context().device.settings
    try:
        texts = texts_of(body)
        if not confirmed and (danger := _danger(texts)):
            return problem(409, "Not confirmed", danger, kind=NOT_CONFIRMED)
        settings.set(texts, save=save)
    except InvalidSettings as error:
        errors = [
            {**field_error(one), "value": body.get(one.name) if one.value is not None else None} for one in error.errors
        ]
        return problem(422, "Invalid settings", "nothing was changed", kind=INVALID_SETTINGS, errors=errors)  # type: ignore[arg-type]  # the same members
    except SaveFailed as error:
        return problem(500, "Not saved", str(error))
    return jsonify(
        changed={name: value_json(find(name), settings.running) for name in texts},
        is_saved=settings.is_saved,
        needs_reboot=[one.name for one in settings.running.changes_from(settings.in_force)],
    )


@blueprint.post(f"{ROOT}/actions/save")
@changes(api=True)
@described(Operation("Write the running settings to the disk", shapes.Done))
def save() -> Response:
    """Save the settings."""
    try:
        context().device.settings.save()
    except InvalidSettings as error:
        return problem(409, "Not saved", str(error))
    except SaveFailed as error:
        return problem(500, "Not saved", str(error))
    return jsonify(done="saved")


@blueprint.post(f"{ROOT}/actions/identify")
@changes(api=True, before_new_password=True)  # it changes nothing
@described(Operation("Let all LEDs flash for 30 seconds", shapes.Done, refusals=(409,)))
def identify() -> Response:
    """Flash."""
    device = context().device
    if device.panel is None:
        return problem(409, "No LEDs", "this device has none")
    device.identify()
    return jsonify(done="flashing")


@blueprint.post(f"{ROOT}/actions/renew")
@changes(api=True)
@described(Operation("Ask the DHCP server to renew the lease", shapes.Done, refusals=(409,)))
def renew() -> Response:
    """Renew."""
    here = context()
    if not here.network().is_managed:
        return problem(409, "Not renewed", "the network of this machine is left alone")
    if method_of(here.device.settings.in_force) is not Method.DHCP:
        return problem(409, "Not renewed", "the DHCP client is off")
    here.device.renew()
    return jsonify(done="asked")


@blueprint.post(f"{ROOT}/actions/reboot")
@changes(api=True)
@described(Operation("Reboot the device", shapes.Done, status=202))
def reboot() -> Response:
    """Reboot; this answer still goes out."""
    user = request.environ.get("REMOTE_USER") or "somebody"
    try:
        context().device.reboot(Kind.REBOOT, f"asked for by {user} through the API")
    except RebootError as error:
        return problem(500, "No reboot", str(error))
    answer = jsonify(done="rebooting")
    answer.status_code = 202
    return answer


def _body() -> dict[str, Any] | None:
    try:
        body = json.loads(request.get_data() or b"{}")
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _switch(name: str, *, is_on: bool) -> bool | None:
    return {"true": True, "false": False}.get(request.args.get(name, str(is_on).lower()))


def _danger(texts: dict[str, str]) -> str:
    """Say what a change does to those who can log in now; empty for nothing, or when it will be refused anyway."""
    settings = context().device.settings
    found, errors = read(texts, settings.defaults, settings.running)
    before, after = settings.running, settings.running.with_changes(found)
    if errors or rule_errors(after, found):
        return ""
    if before[http_settings.ENABLED] and not after[http_settings.ENABLED]:
        return "The web server would be switched off, and this API with it."
    return _lockout(before, after)


def _lockout(before: Values, after: Values) -> str:
    of_before: tuple[Directive, ...] = before[http_settings.AUTHENTICATION]
    of_after: tuple[Directive, ...] = after[http_settings.AUTHENTICATION]
    sentence = loses_last_way_in(
        of_before,
        of_after,
        https_before=serves_https(before),
        https_after=serves_https(after),
    )
    return sentence or ""
