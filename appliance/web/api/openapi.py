"""The description of the API: OpenAPI 3.1, made of the routes and of the declared settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from appliance.settings import DECLARATIONS
from appliance.web.access import rule_of
from appliance.web.api.description import Operation, operation_of
from appliance.web.api.directives import SCHEMA as DIRECTIVES
from appliance.web.api.problem import MEDIA_TYPE
from appliance.web.api.schema import Schema, schema_of
from appliance.web.api.settings import schema_for
from appliance.web.context import context
from appliance.web.guard import REQUESTED_WITH as HEADER
from appliance.web.meter_fields import ALLOWED, FIELDS

if TYPE_CHECKING:
    from flask import Flask

ROOT = "/api/v1"
CHANGES = "SettingChanges"
"""Name of the schema of what is posted to the settings."""
METER_FIELDS = "MeterFields"
"""Name of the schema of what is posted to add or change a meter."""
FIRMWARE_ADDRESS = "FirmwareAddress"
"""Name of the schema of what is posted to have firmware fetched."""
FIRMWARE_CHOICE = "FirmwareChoice"
"""Name of the schema of what is posted to install firmware."""

_PROBLEM: Schema = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Every setting or field that was refused.",
            "items": {
                "type": "object",
                "required": ["field", "value", "reason", "allowed"],
                "properties": {
                    "field": {"type": "string"},
                    "value": {},
                    "reason": {"type": "string"},
                    "allowed": {"type": "string"},
                },
            },
        },
    },
}
_WORDS = {
    400: "The request is not written as it should be.",
    401: "No login, or not the right one.",
    403: "From another site, without the header, or the factory password is to be replaced first.",
    404: "There is no such meter, series or reading.",
    409: "Not possible as things are, or to be confirmed.",
    413: "Larger than http.max_bytes.",
    415: "Not JSON, or not the type of content that is wanted.",
    422: "A setting or a field cannot have its value; nothing was changed.",
    500: "The device failed; its log has more.",
}

_FILES: dict[str, Schema] = {
    "application/octet-stream": {},
    "multipart/form-data": {
        "type": "object",
        "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
    },
}
"""Bodies that are files (OpenAPI 3.1, 4.8.14.2 and 4.8.14.4)."""

_FIRMWARE: dict[str, Schema] = {
    FIRMWARE_ADDRESS: {
        "type": "object",
        "description": "Where firmware is.",
        "additionalProperties": False,
        "required": ["url"],
        "properties": {"url": {"type": "string", "description": "Of a file cme3000.romz, http:// or https://."}},
    },
    FIRMWARE_CHOICE: {
        "type": "object",
        "description": "The firmware to install.",
        "additionalProperties": False,
        "required": ["version"],
        "properties": {
            "version": {"type": "string", "description": "That of the bundle that is ready, as it was shown."},
            "confirm_downgrade": {"type": "boolean", "description": "Whether it may be older.", "default": False},
        },
    },
}


class Route(NamedTuple):
    """One route with what it says of itself."""

    method: str
    path: str
    operation: Operation


def operations(app: Flask) -> list[Route]:
    """List the routes of the API, those that read first."""
    found = []
    for rule in app.url_map.iter_rules():
        operation, access = operation_of(app, rule.endpoint), rule_of(app, rule.endpoint)
        if operation is not None and access is not None:
            path = _VARIABLE.sub(r"{\1}", rule.rule)
            found.append(Route("POST" if access.changes else "GET", path, operation))
    return sorted(found, key=lambda route: (route.method, route.path))


def document(app: Flask) -> dict[str, Any]:
    """Describe the API as `app` serves it."""
    components: dict[str, Schema] = {
        "Problem": _PROBLEM,
        "Directives": DIRECTIVES,
        CHANGES: _changes(),
        METER_FIELDS: _meter_fields(),
        **_FIRMWARE,
    }
    paths: dict[str, dict[str, Any]] = {}
    for route in operations(app):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, components)
    product = context().device.product
    return {
        "openapi": "3.1.0",
        "info": {
            "title": product.type,
            "version": product.version,
            "summary": "State, counters and settings of an M-Bus gateway",
        },
        "servers": [{"url": "/"}],
        "security": [{"basic": []}, {"digest": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "digest": {"type": "http", "scheme": "digest"},
            },
        },
    }


def _operation(route: Route, components: dict[str, Schema]) -> dict[str, Any]:
    said = route.operation
    parameters: list[dict[str, Any]] = [
        {"name": one.name, "in": "query", "description": one.description, "schema": one.schema}
        for one in said.parameters
    ]
    parameters += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer"}}
        for name in _NAME.findall(route.path)
    ]
    refusals = {401, *said.refusals}
    described: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{route.path.removeprefix(ROOT).strip('/').translate(_UNDERSCORES)}",
        "summary": said.summary,
    }
    if route.method == "POST":
        refusals |= {400, 403, 413, 415, 500}
        parameters.append(
            {"name": HEADER, "in": "header", "required": True, "description": "Any text.", "schema": {"type": "string"}}
        )
        body = {"$ref": f"#/components/schemas/{said.body}"} if said.body else {"type": "object"}
        content = {medium: {"schema": _FILES[medium]} for medium in said.media} or {
            "application/json": {"schema": body}
        }
        described["requestBody"] = {"required": True, "content": content}
    if parameters:
        described["parameters"] = parameters
    answer = {"application/json": {"schema": schema_of(said.answer, components)}}
    failure = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    described["responses"] = {
        str(said.status): {"description": said.summary, "content": answer},
        **{
            str(status): {"description": _WORDS[status], **({"content": failure} if status != 401 else {})}
            for status in sorted(refusals)
        },
    }
    return described


_UNDERSCORES = str.maketrans("/-.", "___", "{}")
_VARIABLE = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")
"""A part of a rule of Flask's that stands for a value."""
_NAME = re.compile(r"{(\w+)}")


def _changes() -> Schema:
    return {
        "type": "object",
        "description": "Settings by name. A text as in the forms of the pages is taken for each of them too.",
        "additionalProperties": False,
        "properties": {setting.name: schema_for(setting) for setting in DECLARATIONS},
    }


def _meter_fields() -> Schema:
    kinds: dict[str, Schema] = {"switch": {"type": "boolean"}, "number": {"type": ["integer", "null"]}}
    return {
        "type": "object",
        "description": "Fields of a meter. A text as in the form of the page is taken for each of them too.",
        "additionalProperties": False,
        "properties": {
            field.name: {
                **kinds.get(
                    field.kind, {"enum": [int(one) for one in field.options]} if field.options else {"type": "string"}
                ),
                "title": field.label,
                "description": f"{field.help} ({ALLOWED[field.name]})",
            }
            for field in FIELDS
        },
    }
