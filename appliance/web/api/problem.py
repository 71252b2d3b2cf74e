"""What the API says when it cannot do as asked: problem details (RFC 9457)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

from flask import Response

if TYPE_CHECKING:
    from appliance.errors import SettingError

PATH = "/api/"
MEDIA_TYPE = "application/problem+json"

INVALID_SETTINGS = "/api#invalid-settings"
INVALID_METER = "/api#invalid-meter"
NEW_PASSWORD_FIRST = "/api#new-password-first"  # noqa: S105 (the name of a problem)
NOT_CONFIRMED = "/api#not-confirmed"
REFUSED_FIRMWARE = "/api#refused-firmware"
UPDATE_BUSY = "/api#update-busy"
TYPES = (INVALID_SETTINGS, INVALID_METER, NEW_PASSWORD_FIRST, NOT_CONFIRMED, REFUSED_FIRMWARE, UPDATE_BUSY)
"""Kinds of problems that have a name (RFC 9457 section 3.1.1); any other says all by its status."""


class FieldError(TypedDict):
    """What is wrong with one setting."""

    field: str
    value: object
    """As it was sent; null for one that is secret or has no such setting."""
    reason: str
    allowed: str


def problem(
    status: int,
    title: str,
    detail: str = "",
    *,
    kind: str = "about:blank",
    errors: list[FieldError] | None = None,
) -> Response:
    """Make the answer, in English as all of the API is."""
    body: dict[str, object] = {"type": kind, "title": title, "status": status}
    if detail:
        body["detail"] = detail
    if errors is not None:
        body["errors"] = errors
    return Response(json.dumps(body), status, content_type=MEDIA_TYPE)


def field_error(error: SettingError) -> FieldError:
    """Write what is wrong with a setting."""
    return FieldError(field=error.name, value=error.value, reason=error.reason, allowed=error.allowed)
