"""The firmware through the API: the state as described, uploads of both kinds, refusals that name the field."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import UpdateBusy, UpdateError, UpdateRefused
from appliance.update.rules import NAME
from appliance.update.snapshot import Stage
from appliance.web.bundle_upload import MOST
from appliance.web.pages.system.section import API_UPLOAD, UPLOAD, section
from tests.web.api.rig import HEADERS, check, furnished, post
from tests.web.firmware_rig import CONTENT, form_body, offer, slot

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.web.rig import Web

ROOT = "/api/v1/firmware"
FORM = "multipart/form-data; boundary=Xy"
RAW = "application/octet-stream"
BODIES: dict[str, dict[str, Any]] = {
    "fetch": {"url": "https://h.example/cme3000.romz"},
    "install": {"version": "1.2.0", "confirm_downgrade": True},
    "discard": {},
    "check": {},
}


@pytest.fixture
def full(web: Web) -> Web:
    web.device.updater.be()
    return furnished(web)


def upload(web: Web, content: bytes = CONTENT, kind: str = RAW, **options: Any) -> TestResponse:
    path, headers = options.pop("path", f"{ROOT}/upload?name={NAME}"), options.pop("headers", HEADERS)
    environ = web.environ()
    return web.client.post(path, data=content, content_type=kind, headers=headers, environ_overrides=environ)


@pytest.mark.parametrize("stage", Stage)
def test_the_state_is_as_described(full: Web, stage: Stage) -> None:
    full.device.updater.be(stage, on_trial=True, trial_ends=time.monotonic() + 9, offer=offer(), checked_at=1.0)
    found = full.get(ROOT).get_json()
    document = full.get("/api/v1/openapi.json").get_json()
    schema = document["paths"][ROOT]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    check(found, schema, document)
    assert set(found) == set(document["components"]["schemas"]["Firmware"]["properties"])
    assert (found["stage"], found["version"], found["build_date"]) == (stage.value, "0.1.0", "2026-01-31")
    assert 8 <= found["trial_seconds"] <= 9
    assert found["slots"][0]["installed_at"] == "2026-02-03T04:05:00+00:00"
    assert found["offer"]["build_date"] == "2026-04-01"
    if found["bundle"] is not None:
        assert (found["bundle"]["version"], found["bundle"]["build_date"]) == ("1.2.0", "2026-03-01")


@pytest.mark.parametrize(
    ("body", "kind", "path", "size"),
    [
        (CONTENT, RAW, f"{ROOT}/upload?name={NAME}", len(CONTENT)),
        (form_body("", NAME, CONTENT), FORM, f"{ROOT}/upload", None),
    ],
)
def test_an_upload_reaches_the_updater(full: Web, body: bytes, kind: str, path: str, size: int | None) -> None:
    answer = upload(full, body, kind, path=path)
    assert (answer.status_code, answer.get_json()["stage"]) == (202, "idle")
    assert full.device.updater.done == [("receive", NAME, size)]
    assert full.device.updater.content == CONTENT


def test_the_name_may_stand_in_a_header(full: Web) -> None:
    upload(full, path=f"{ROOT}/upload", headers={**HEADERS, "X-File-Name": "a.bin"})
    assert full.device.updater.done == [("receive", "a.bin", len(CONTENT))]


def test_an_upload_that_is_none(full: Web) -> None:
    assert upload(full, b"{}", "application/json").status_code == 415
    assert upload(full, b"a=b", "application/x-www-form-urlencoded").status_code == 415
    assert upload(full, form_body("", "", b""), FORM).get_json()["detail"] == "the form has no file"
    assert upload(full, b"x", FORM).status_code == 400
    assert full.device.updater.done == []


def test_another_site_can_upload_nothing(full: Web) -> None:
    for kind in (RAW, FORM):
        assert upload(full, form_body("", NAME, b"x"), kind, headers={}).status_code == 403
        assert (
            upload(full, form_body("", NAME, b"x"), kind, headers={**HEADERS, "Origin": "http://a.example"}).status_code
            == 403
        )
    for action, body in BODIES.items():
        assert post(full, f"{ROOT}/{action}", body, headers={}).status_code == 403
    assert full.device.updater.done == []


def test_what_is_asked_for_is_done(full: Web) -> None:
    for action, body in BODIES.items():
        assert post(full, f"{ROOT}/{action}", body).status_code == 202
    assert post(full, f"{ROOT}/install", {"version": "1.2.0"}).status_code == 202
    assert full.device.updater.done == [
        ("fetch", "https://h.example/cme3000.romz"),
        ("install", "1.2.0", True),
        ("discard",),
        ("check",),
        ("install", "1.2.0", False),
    ]


@pytest.mark.parametrize(
    ("action", "body", "fields"),
    [
        ("fetch", {}, ["url"]),
        ("fetch", {"url": 5}, ["url"]),
        ("fetch", {"url": None, "name": "x"}, ["url", "name"]),
        ("install", {}, ["version"]),
        ("install", {"version": 1.2}, ["version"]),
        ("install", {"version": "1.2.0", "confirm_downgrade": "yes"}, ["confirm_downgrade"]),
        ("install", {"version": "1.2.0", "confirms_downgrade": True}, ["confirms_downgrade"]),
    ],
)
def test_what_is_wrong_with_the_body_is_named(full: Web, action: str, body: dict[str, Any], fields: list[str]) -> None:
    answer = post(full, f"{ROOT}/{action}", body)
    assert answer.status_code == 422
    found = answer.get_json()
    assert found["type"] == "/api#refused-firmware"
    assert [(error["field"], error["value"]) for error in found["errors"]] == [
        (name, body.get(name)) for name in fields
    ]
    assert full.device.updater.done == []
    nothing: list[object] = [[], "x", 3]
    for wrong in nothing:
        assert post(full, f"{ROOT}/{action}", wrong).status_code == 400


@pytest.mark.parametrize(
    ("trouble", "status", "kind"),
    [
        (UpdateRefused("No."), 422, "/api#refused-firmware"),
        (UpdateBusy("Not now."), 409, "/api#update-busy"),
        (UpdateError("The disk fails."), 500, "about:blank"),
    ],
)
def test_a_refusal_says_why(full: Web, trouble: Exception, status: int, kind: str) -> None:
    full.device.updater.trouble = trouble
    values = {"upload": ("name", NAME), "fetch": ("url", BODIES["fetch"]["url"]), "install": ("version", "1.2.0")}
    for action in ("upload", *BODIES):
        answer = upload(full) if action == "upload" else post(full, f"{ROOT}/{action}", BODIES[action])
        found = answer.get_json()
        assert (answer.status_code, found["type"], found["detail"]) == (status, kind, str(trouble))
        if status == 422 and action in values:
            assert [(error["field"], error["value"], error["reason"]) for error in found["errors"]] == [
                (*values[action], "No.")
            ]


def test_a_device_that_cannot_be_updated_says_so(full: Web) -> None:
    full.device.updater.state = replace(full.device.updater.state, is_available=False, why_not="No slots.")
    full.device.updater.trouble = UpdateError("No slots.")
    answer = upload(full)
    assert (answer.status_code, answer.get_json()["detail"]) == (409, "No slots.")


def test_both_uploads_may_be_large_and_nothing_else(full: Web) -> None:
    assert section.upload_limits[UPLOAD] == section.upload_limits[API_UPLOAD] == MOST
    assert MOST >= 400_000_000
    assert post(full, f"{ROOT}/fetch", {"url": "x" * 50_000}).status_code == 413


def test_the_description_says_what_an_upload_is(full: Web) -> None:
    operation = full.get("/api/v1/openapi.json").get_json()["paths"][f"{ROOT}/upload"]["post"]
    assert set(operation["requestBody"]["content"]) == {RAW, "multipart/form-data"}
    assert "name" in {parameter["name"] for parameter in operation["parameters"]}


def test_prometheus_is_told_of_slots_trial_and_failure(full: Web) -> None:
    full.device.updater.be(
        Stage.INSTALLING, on_trial=True, last_failed=True, offer=offer(),
        slots=(slot("A", is_running=True, is_good=None), slot("B", is_good=False, version="1.2.0")),
    )  # fmt: skip
    text = full.get("/metrics").text
    for line in (
        'cme3000_firmware_slot_running{slot="A"} 1.0', 'cme3000_firmware_slot_running{slot="B"} 0.0',
        'cme3000_firmware_slot_good{slot="B"} 0.0', 'cme3000_firmware_slot_info{slot="B",version="1.2.0"} 1.0',
        "cme3000_firmware_on_trial 1.0", "cme3000_firmware_last_update_failed 1.0", "cme3000_firmware_installing 1.0",
        "cme3000_firmware_newer_offered 1.0",
    ):  # fmt: skip
        assert f"\n{line}\n" in text
    assert 'cme3000_firmware_slot_good{slot="A"}' not in text
    full.device.updater.change(is_available=False)
    assert "cme3000_firmware" not in full.get("/metrics").text
