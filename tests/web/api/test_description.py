"""The description is whole, every answer is as it says, and nothing secret is in any."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from appliance.settings import DECLARATIONS, http
from appliance.web.access import rule_of
from appliance.web.api.description import operation_of
from appliance.web.api.problem import TYPES
from appliance.web.api.schema import schema_of
from tests.web.api.rig import check, fits, furnished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.rig import Web

ROOT = "/api/v1/"

# Programs rely on these names; one that goes is a new version of the API.
PINNED = {
    "/api/v1/tunnel": {
        "state", "connect_state", "port", "tls_port", "clients", "counters", "accept_connection_seconds",
        "connect_connection_seconds",
    },
    "/api/v1/line": {"baud", "is_up", "branches"},
    "/api/v1/http": {"server", "log_size", "certificate"},
    "/api/v1/status": {"product", "uptime", "is_saved", "faults", "last_restart", "leds"},
    "/api/v1/network": {
        "interface", "mac", "is_managed", "link", "current", "after_reboot", "lease_ends_at", "troubles",
    },
    "/api/v1/system": {"services"},
    "/api/v1/settings": {"settings"},
    "/api/v1/log": {"lines"},
    "/api/v1/access-log": {"lines"},
    "/api/v1/history": {"ends", "seconds", "rates"},
    "/api/v1/monitor": {"telegrams", "oldest", "next"},
}  # fmt: skip


@pytest.fixture
def full(web: Web) -> Web:
    return furnished(web)


def description(web: Web) -> dict[str, Any]:
    answer = web.get(f"{ROOT}openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def readable(web: Web) -> Iterator[str]:
    for path, methods in description(web)["paths"].items():
        if "get" in methods and "{" not in path:  # those of one meter have tests of their own
            yield path


def test_every_route_of_the_api_is_described(full: Web) -> None:
    routes = [route for route in full.app.url_map.iter_rules() if route.rule.startswith(ROOT)]
    assert len(routes) >= 36
    paths = description(full)["paths"]
    for route in routes:
        rule = rule_of(full.app, route.endpoint)
        assert rule is not None
        assert operation_of(full.app, route.endpoint) is not None, route.rule
        method = "post" if rule.changes else "get"
        path = re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", route.rule)
        assert method in paths[path]
        assert rule.api is rule.changes
    assert sum(len(methods) for methods in paths.values()) == len(routes)


def test_the_structure_is_that_of_openapi(full: Web) -> None:
    found = description(full)
    assert found["openapi"].startswith("3.1.")
    assert {"title", "version"} <= found["info"].keys()
    names = set()
    for path, methods in found["paths"].items():
        assert path.startswith("/")
        for method, operation in methods.items():
            assert method in ("get", "post")
            names.add(operation["operationId"])
            assert operation["summary"]
            assert any(status.startswith("2") for status in operation["responses"])
            for status, response in operation["responses"].items():
                assert status.isdecimal()
                assert response["description"]
            for parameter in operation.get("parameters", []):
                assert {"name", "in", "schema"} <= parameter.keys()
                assert parameter["in"] in ("query", "header", "path")
            assert ("requestBody" in operation) is (method == "post")
    assert len(names) == sum(len(methods) for methods in found["paths"].values())
    schemas = found["components"]["schemas"]
    for name in references(found):
        assert name in schemas
    for name, schema in schemas.items():
        assert set(schema.get("required", [])) <= set(schema.get("properties", [])), name


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].removeprefix("#/components/schemas/")
        for member in part.values():
            yield from references(member)
    elif isinstance(part, list):
        for member in part:
            yield from references(member)


def test_every_answer_is_as_described(full: Web) -> None:
    document = description(full)
    paths = list(readable(full))
    assert set(PINNED) < set(paths)
    for path in paths:
        answer = full.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "application/json"), path
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        check(answer.get_json(), schema, document, path)
        assert set(answer.get_json()) == PINNED.get(path, set(answer.get_json())), path


def test_the_check_itself_finds_faults(full: Web) -> None:
    document = description(full)
    schema = {"$ref": "#/components/schemas/TunnelSnapshot"}
    good = full.get("/api/v1/tunnel").get_json()
    assert fits(good, schema, document)
    bad: list[dict[str, Any]] = [
        {"port": "10001"},
        {"state": None},
        {"clients": [{}]},
        {"clients": None},
        {"counters": {}},
    ]
    for changes in bad:
        assert not fits({**good, **changes}, schema, document), changes
    assert not fits({}, schema, document)


def test_a_device_without_panel_server_and_certificate(web: Web) -> None:
    web.device.panel = None
    document = description(web)
    for path in readable(web):
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        check(web.get(path).get_json(), schema, document, path)
    assert web.get("/api/v1/status").get_json()["leds"] is None
    assert web.get("/api/v1/http").get_json()["server"] is None


def test_every_setting_is_described_and_may_have_its_default(full: Web) -> None:
    document = description(full)
    changes = document["components"]["schemas"]["SettingChanges"]
    listed = full.get("/api/v1/settings").get_json()["settings"]
    assert set(changes["properties"]) == set(listed) == {setting.name for setting in DECLARATIONS}
    for setting in DECLARATIONS:
        shown = listed[setting.name]
        assert (shown["label"], shown["unit"]) == (setting.label, setting.unit)
        assert shown["needs_reboot"] is setting.needs_reboot
        for value in (shown["value"], shown["default"], shown["saved"], shown["in_force"]):
            check(value, changes["properties"][setting.name], document, setting.name)
    assert listed["tunnel.port"]["value"] == 10001
    assert listed["tunnel.accept_mode"]["options"] == ["always", "disabled"]
    assert listed["network.address"]["value"] is None


def test_no_password_and_no_hash_is_ever_told(full: Web) -> None:
    user = full.device.settings[http.AUTHENTICATION][0].users[0]
    for path in (*readable(full), "/metrics", "/api"):
        text = full.get(path).text
        assert user.md5 not in text, path
        assert user.sha256 not in text, path
        assert "PRIVATE KEY" not in text, path
    shown = full.get("/api/v1/settings").get_json()["settings"]["http.authentication"]
    assert shown["value"] == [{"uri": "/", "realm": "config", "type": "digest", "users": [{"name": "admin"}]}]
    assert shown["is_secret"] is True


def test_a_type_that_has_no_schema_is_refused() -> None:
    with pytest.raises(TypeError, match="no schema"):
        schema_of(bytes, {})


def test_hostile_text_is_text(full: Web) -> None:
    answer = full.get("/api/v1/log")
    assert answer.mimetype == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(answer.text)["lines"][1] == "<script>alert(1)</script>"


def test_the_page_for_people_lists_every_route_and_explains_every_kind_of_problem(full: Web) -> None:
    for language in ("en", "fr"):
        page = full.get("/api", headers={"Accept-Language": language}).text
        for path in description(full)["paths"]:
            assert f">{path}<" in page, path
        for kind in TYPES:
            assert f'id="{kind.removeprefix("/api#")}"' in page


def test_who_was_not_admitted_gets_nothing(full: Web) -> None:
    for path in (*readable(full), "/metrics", "/api", "/api/v1/nix"):
        answer = full.client.get(path)
        assert answer.status_code == 403, path
        assert "192.168.1.5" not in answer.text
