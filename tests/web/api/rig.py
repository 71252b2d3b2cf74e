"""A program that talks to the API, and a check of what it gets against the description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.certificate import Certificate
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.supervision.ward import WardSnapshot
from tests.web.rig import Showing, Web

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

HEADERS = {"X-Requested-With": "test"}
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


def furnished(web: Web) -> Web:
    """Give the device something in every place, and a password of its own."""
    web.set_password()
    web.device.http = Showing(HttpSnapshot("On (running)", True, 80, 443, 3, 1, HttpCounters(rx_bytes=12)))
    web.device.wards = (WardSnapshot("tunnel", True, 2, "hangs", 1_700_000_000.0),)
    web.device.lines = ("a line", "<script>alert(1)</script>")
    web.device.state_folder.mkdir(exist_ok=True)
    certificate = Certificate(web.device.state_folder, lambda: ["cme3000"])
    certificate.context(makes_one=True)
    web.device.certificate = certificate
    return web


def post(web: Web, path: str, body: Any = None, **options: Any) -> TestResponse:
    headers = options.pop("headers", HEADERS)
    return web.client.post(
        path, json={} if body is None else body, headers=headers, environ_overrides=web.environ(), **options
    )


def check(value: Any, schema: dict[str, Any], document: dict[str, Any], place: str = "answer") -> None:
    """Compare a value with a schema, as far as our schemas go."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        check(value, document["components"]["schemas"][name], document, place)
        return
    if "anyOf" in schema:
        assert any(fits(value, one, document) for one in schema["anyOf"]), f"{place}: {value!r}"
        return
    if "enum" in schema:
        assert value in schema["enum"], place
    if "const" in schema:
        assert value == schema["const"], place
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds:
        assert any(is_of(value, kind) for kind in kinds), f"{place}: {value!r} is no {kinds}"
    if isinstance(value, dict):
        assert value.keys() >= set(schema.get("required", [])), place
        rest = schema.get("additionalProperties", "properties" not in schema)
        for name, member in value.items():
            if name in schema.get("properties", {}):
                check(member, schema["properties"][name], document, f"{place}.{name}")
            else:
                assert rest is not False, f"{place}.{name} is not described"
                check(member, rest if isinstance(rest, dict) else {}, document, f"{place}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, member in enumerate(value):
            check(member, schema["items"], document, f"{place}[{number}]")


def fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> bool:
    try:
        check(value, schema, document)
    except AssertionError:
        return False
    return True


def is_of(value: Any, kind: str) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
