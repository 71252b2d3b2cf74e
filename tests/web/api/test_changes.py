"""What programs change: all or nothing, by the rules of the settings, and from no other site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import RebootError
from appliance.settings import http, network, tunnel
from appliance.supervision.restart import Kind
from tests.web.api.rig import HEADERS, check, furnished, post
from tests.web.rig import HOSTILE, Web
from tests.web.rig import network as network_state

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

SETTINGS = "/api/v1/settings"
ACTIONS = ("save", "identify", "renew", "reboot")
GOOD_PASSWORD = "trois compteurs d'eau"  # noqa: S105 (a test's)


@pytest.fixture
def full(web: Web) -> Web:
    return furnished(web)


def is_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    found: dict[str, Any] = answer.get_json()
    assert found["status"] == status
    assert found["title"]
    assert found["type"]
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"tunnel.port": 10002}, {"tunnel.port": 10002}),
        ({"tunnel.port": "10002"}, {"tunnel.port": 10002}),
        ({"tunnel.port": ""}, {"tunnel.port": 10001}),
        ({"http.logging": False}, {"http.logging": False}),
        ({"http.logging": "off"}, {"http.logging": False}),
        ({"tunnel.policy": "shared", "line.baud_rate": 300}, {"tunnel.policy": "shared", "line.baud_rate": 300}),
        ({"network.address": "10.0.0.5/24"}, {"network.address": "10.0.0.5/24"}),
        ({"network.address": None}, {"network.address": None}),
        ({}, {}),
    ],
)
def test_good_values(full: Web, body: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = post(full, SETTINGS, body)
    assert answer.status_code == 200
    assert answer.get_json()["changed"] == expected
    assert full.device.settings.is_saved
    shown = full.get(SETTINGS).get_json()["settings"]
    assert {name: shown[name]["value"] for name in expected} == expected
    assert {name: shown[name]["saved"] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tunnel.port", 0),
        ("tunnel.port", 65536),
        ("tunnel.port", -1),
        ("tunnel.port", 10**40),
        ("tunnel.port", 10001.0),
        ("tunnel.port", True),
        ("tunnel.port", None),
        ("tunnel.port", [10001]),
        ("tunnel.port", {"a": 1}),
        ("tunnel.port", HOSTILE),
        ("http.logging", 2),
        ("http.logging", "perhaps"),
        ("line.baud_rate", 9600),
        ("network.hostname", "-x"),
        ("network.hostname", "x\r\nSet-Cookie: a=b"),
        ("network.hostname", ""),
        ("tunnel.nix", 1),
        ("", 1),
        ("<script>", "<script>"),
        ("http.authentication", "[]"),
        ("http.authentication", []),
        ("http.authentication", None),
        ("http.authentication", [1]),
        ("http.authentication", [{"uri": "/", "realm": "config", "type": "digest", "users": 1}]),
        ("http.authentication", [{"uri": "/", "realm": "config", "type": "digest", "users": [1]}]),
        ("http.authentication", [{"uri": "/", "realm": "config", "type": "nix", "users": [{"name": "admin"}]}]),
    ],
)
def test_bad_values_change_nothing(full: Web, name: str, value: object) -> None:
    before = full.device.settings.running
    answer = post(full, SETTINGS, {"http.max_timeout": 20, name: value})
    found = is_problem(answer, 422)
    assert found["type"] == "/api#invalid-settings"
    assert [error["field"] for error in found["errors"]] == [name]
    assert found["errors"][0]["reason"]
    assert full.device.settings.running == before
    assert "Set-Cookie" not in answer.headers


def test_all_errors_come_at_once_with_what_was_sent(full: Web) -> None:
    body = {"tunnel.port": 70000, "line.baud_rate": "x", "http.port": 70001, "tunnel.nix": 5}
    found = is_problem(post(full, SETTINGS, body), 422)
    told = {error["field"]: error for error in found["errors"]}
    # A name that there is not keeps the others from being looked at: it may be meant for one of them.
    assert told["tunnel.nix"]["value"] is None
    del body["tunnel.nix"]
    found = is_problem(post(full, SETTINGS, body), 422)
    assert {error["field"]: error["value"] for error in found["errors"]} == body
    document = full.get("/api/v1/openapi.json").get_json()
    check(found, document["components"]["schemas"]["Problem"], document)


def test_rules_between_settings_hold(full: Web) -> None:
    found = is_problem(post(full, SETTINGS, {"http.port": 10001}), 422)
    assert found["errors"]
    assert full.device.settings[http.PORT] == 80


def test_only_running(full: Web) -> None:
    answer = post(full, f"{SETTINGS}?save=false", {"tunnel.port": 10007}).get_json()
    assert answer == {"changed": {"tunnel.port": 10007}, "is_saved": False, "needs_reboot": []}
    settings = full.device.settings
    assert (settings[tunnel.PORT], settings.saved[tunnel.PORT]) == (10007, 10001)
    assert post(full, "/api/v1/actions/save").get_json() == {"done": "saved"}
    assert settings.saved[tunnel.PORT] == 10007


def test_what_waits_for_a_reboot_is_told(full: Web) -> None:
    answer = post(full, SETTINGS, {"network.dhcp": False, "network.address": "10.0.0.5/24"}).get_json()
    assert set(answer["needs_reboot"]) == {"network.dhcp", "network.address"}
    assert full.device.settings[network.DHCP] is True


@pytest.mark.parametrize(
    "body", ["", "[]", "1", "null", '"x"', "{", "{'a': 1}", "[" * 30_000, '{"a": NaN', b"\xff\xfe"]
)
def test_a_body_that_is_no_object(full: Web, body: str | bytes) -> None:
    answer = full.client.post(
        SETTINGS, data=body, content_type="application/json", headers=HEADERS, environ_overrides=full.environ()
    )
    if body == "":
        assert answer.status_code == 200  # nothing to change
    else:
        is_problem(answer, 400)


def test_parameters_that_are_none(full: Web) -> None:
    for query in ("save=perhaps", "save=", "save=FALSE", "confirmed=1"):
        is_problem(post(full, f"{SETTINGS}?{query}", {"tunnel.port": 10009}), 400)
    assert full.device.settings[tunnel.PORT] == 10001


def test_a_body_that_is_too_large(full: Web) -> None:
    is_problem(post(full, SETTINGS, {"network.hostname": "x" * 50_000}), 413)


@pytest.mark.parametrize("path", [SETTINGS, *(f"/api/v1/actions/{name}" for name in ACTIONS)])
def test_other_sites_are_kept_out(full: Web, path: str) -> None:
    def ask(content_type: str | None, **headers: str) -> TestResponse:
        return full.client.post(
            path, data="{}", content_type=content_type, headers=headers, environ_overrides=full.environ()
        )

    good = {"X-Requested-With": "x"}
    # What a form or a simple request of another page can send (Fetch standard, CORS-safelisted request header).
    for content_type in (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        is_problem(ask(content_type, **good), 415)
    is_problem(ask("application/json"), 403)
    is_problem(ask("application/json", **{"X-Requested-With": ""}), 403)
    for name, value in (
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ):
        is_problem(ask("application/json", **good, **{name: value}), 403)
    assert full.device.reboots == []
    assert full.device.identifications == full.device.renewals == 0
    # Nor does the question that a browser asks first get leave (Fetch standard, CORS-preflight fetch).
    preflight = full.client.options(
        path,
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
        environ_overrides=full.environ(),
    )
    assert not [name for name, _ in preflight.headers if name.lower().startswith("access-control")]


def test_a_form_s_token_does_not_open_the_api_and_the_api_s_header_opens_no_form(full: Web) -> None:
    data = {"form_token": full.token(), "tunnel.port": "10009"}
    is_problem(full.client.post(SETTINGS, data=data, environ_overrides=full.environ()), 415)
    assert post(full, "/tunnel/accept", {"tunnel.port": "10009"}).status_code == 403
    assert full.device.settings[tunnel.PORT] == 10001


def test_the_factory_password_comes_first(web: Web) -> None:
    for path in (SETTINGS, "/api/v1/actions/reboot", "/api/v1/actions/renew", "/api/v1/actions/save"):
        found = is_problem(post(web, path, {}), 403)
        assert found["type"] == "/api#new-password-first"
    assert post(web, "/api/v1/actions/identify").status_code == 200
    assert web.device.reboots == []
    assert web.get(SETTINGS).status_code == 200


def test_an_image_option_keeps_the_reference_s_behaviour(tmp_path: Path) -> None:
    web = Web(tmp_path, asks_new_password=False)
    assert post(web, SETTINGS, {"tunnel.port": 10009}).status_code == 200


def directives(*users: dict[str, str], realm: str = "config", kind: str = "digest") -> dict[str, Any]:
    return {"http.authentication": [{"uri": "/", "realm": realm, "type": kind, "users": list(users)}]}


def test_passwords_are_written_by_their_rules(full: Web) -> None:
    admin = {"name": "admin"}
    for password in ("short", "12345678", "admin1234", "iloveyou", "x" * 200, "with\nline end", "\ud800" * 9):
        found = is_problem(post(full, SETTINGS, directives(admin, {"name": "eve", "password": password})), 422)
        assert found["errors"][0]["value"] is None
        assert password not in str(found)
    hashes = {"name": "eve", "md5": "0" * 32, "sha256": "0" * 64}
    is_problem(post(full, SETTINGS, directives(admin, hashes)), 422)
    is_problem(post(full, SETTINGS, directives(admin, {"name": "eve"})), 422)
    is_problem(post(full, SETTINGS, directives(admin, {"name": "a:b", "password": GOOD_PASSWORD})), 422)
    answer = post(full, SETTINGS, directives(admin, {"name": "eve", "password": GOOD_PASSWORD}))
    assert answer.status_code == 200
    assert GOOD_PASSWORD not in answer.text
    assert answer.get_json()["changed"] == directives(admin, {"name": "eve"})
    users = {user.name: user for user in full.device.settings[http.AUTHENTICATION][0].users}
    assert users["eve"].has_password("config", GOOD_PASSWORD)
    assert users["admin"].has_password("config", "correct horse battery")  # kept


def test_the_last_way_in_is_confirmed(full: Web) -> None:
    eve = directives({"name": "eve", "password": GOOD_PASSWORD})
    for body in (eve, {"http.enabled": False}):
        found = is_problem(post(full, SETTINGS, body), 409)
        assert found["type"] == "/api#not-confirmed"
    assert [user.name for user in full.device.settings[http.AUTHENTICATION][0].users] == ["admin"]
    assert post(full, f"{SETTINGS}?confirmed=true", eve).status_code == 200
    assert [user.name for user in full.device.settings[http.AUTHENTICATION][0].users] == ["eve"]
    # Another realm voids every password.
    is_problem(post(full, SETTINGS, directives({"name": "eve"}, realm="plant")), 422)


def test_identify_and_renew(full: Web) -> None:
    assert post(full, "/api/v1/actions/identify").get_json() == {"done": "flashing"}
    assert post(full, "/api/v1/actions/renew").get_json() == {"done": "asked"}
    assert (full.device.identifications, full.device.renewals) == (1, 1)
    full.device.panel = None
    full.device.network = network_state(is_managed=False)
    is_problem(post(full, "/api/v1/actions/identify"), 409)
    is_problem(post(full, "/api/v1/actions/renew"), 409)
    assert (full.device.identifications, full.device.renewals) == (1, 1)


def test_reboot(full: Web) -> None:
    answer = post(full, "/api/v1/actions/reboot")
    assert (answer.status_code, answer.get_json()) == (202, {"done": "rebooting"})
    assert full.device.reboots == [(Kind.REBOOT, "asked for by admin through the API")]
    full.device.trouble = RebootError("no")
    is_problem(post(full, "/api/v1/actions/reboot"), 500)


def test_errors_below_the_api_are_problems(full: Web) -> None:
    is_problem(full.get("/api/v1/nix"), 404)
    found = full.client.put(SETTINGS, environ_overrides=full.environ())
    is_problem(found, 405)
    assert "POST" in found.headers["Allow"]
    is_problem(full.get("/api/v1/history?span=year"), 400)
    is_problem(full.client.get("/api/v1/status"), 403)
    assert full.get("/apix").mimetype == "text/html"
