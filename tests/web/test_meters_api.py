"""The meters for programs: every answer is as described, every refusal names field and value, and what is done, is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import SaveFailed
from appliance.mbus.telegram import decode
from appliance.mbus.telegram_object import as_object
from appliance.meters.snapshot import SearchPhase
from tests.console.meters_rig import found
from tests.web.api.rig import check
from tests.web.meters_rig import BEGINNING, HEADERS, NUMBERS, OTHER, SECONDARY, MetersWeb
from tests.web.rig import Web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

ROOT = "/api/v1/meters"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[MetersWeb]:
    made = MetersWeb(tmp_path)
    yield made
    made.close()


def is_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    told: dict[str, Any] = answer.get_json()
    assert told["status"] == status
    return told


def errors_of(answer: TestResponse) -> dict[str, Any]:
    told = is_problem(answer, 422)
    assert told["type"] == "/api#invalid-meter"
    assert all(error["reason"] and error["allowed"] for error in told["errors"])
    return {error["field"]: error["value"] for error in told["errors"]}


def as_described(web: MetersWeb, document: dict[str, Any], path: str, key: int = 1, series: int = 1) -> Any:
    template = f"{ROOT}{path}"
    answer = web.get(template.format(key=key, series_key=series))
    assert answer.status_code == 200, template
    described = document["paths"][template]["get"]
    names = [one["name"] for one in described.get("parameters", []) if one["in"] == "path"]
    assert names == [name for name in ("key", "series_key") if f"{{{name}}}" in template]
    check(answer.get_json(), described["responses"]["200"]["content"]["application/json"]["schema"], document, path)
    return answer.get_json()


def test_every_answer_is_as_described(web: MetersWeb) -> None:
    meter = web.put()
    web.tell(meter)
    web.found(found(SECONDARY), found(None, 7, by_primary=True))
    document = web.get("/api/v1/openapi.json").get_json()
    paths = {
        path.removeprefix(ROOT)
        for path, methods in document["paths"].items()
        if path.startswith(ROOT) and "get" in methods
    }
    assert paths == {
        "", "/{key}", "/{key}/reading", "/{key}/readings", "/{key}/series", "/{key}/series/{series_key}",
        "/{key}/health", "/search",
    }  # fmt: skip
    answers = {path: as_described(web, document, path) for path in paths}
    assert answers[""]["meters"][0]["meter"]["name"] == "Cellar"
    assert answers["/{key}"] == answers[""]["meters"][0]
    assert [one["known"] for one in answers["/search"]["found"]] == [meter.key, None]
    assert [one["address"] for one in answers["/search"]["found"]] == [SECONDARY, "7"]


def test_the_newest_reading_is_told_as_the_command_decodes_it(web: MetersWeb) -> None:
    meter = web.put()
    assert "has not been read yet" in is_problem(web.ask(f"/{meter.key}/reading"), 404)["detail"]
    web.tell(meter, "0413 01000000")
    web.tell(meter, NUMBERS)
    reading = web.meters.latest(meter.key)
    assert reading is not None
    told = web.ask(f"/{meter.key}/reading").get_json()
    expected = as_object(decode(reading.telegrams[0]))
    assert (told["header"], told["records"]) == (expected["header"], expected["records"])
    assert told["records"][0]["value"] == "123456.789"
    assert told["telegrams"] == [reading.telegrams[0].hex()]


def test_readings_come_in_pages(web: MetersWeb) -> None:
    meter = web.put()
    keys = [web.tell(meter, "0413 01000000") for _ in range(7)]
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = web.ask(f"/{meter.key}/readings?after={after}&limit=3").get_json()
        seen += [one["key"] for one in page["readings"]]
        after = page["next"]
    assert seen == keys
    some = web.ask(f"/{meter.key}/readings?since=2026-09-21T14:15:03Z&until=2026-09-21T14:15:05Z").get_json()
    assert [one["at"] for one in some["readings"]] == [BEGINNING + 103, BEGINNING + 104]


def test_series_and_their_values(web: MetersWeb) -> None:
    meter = web.put()
    for number in range(5):
        web.tell(meter, f"0413 0{number}000000 0C78 78563412")
    series = web.ask(f"/{meter.key}/series").get_json()["series"]
    assert [(one["quantity"], one["is_number"]) for one in series] == [("volume", True), ("fabrication number", False)]
    told = web.ask(f"/{meter.key}/series/{series[0]['key']}").get_json()
    assert [one["value"] for one in told["values"]] == ["0.000", "0.001", "0.002", "0.003", "0.004"]
    assert len(web.ask(f"/{meter.key}/series/{series[0]['key']}?most=2").get_json()["values"]) == 2
    other = web.put("Attic", secondary=OTHER, primary="")
    is_problem(web.ask(f"/{other.key}/series/{series[0]['key']}"), 404)


def test_how_long_readouts_took(web: MetersWeb) -> None:
    meter = web.put()
    for _ in range(5):
        web.tell(meter, "0413 01000000")
    told = web.ask(f"/{meter.key}/health?since=2026-09-21T14:15:00Z&until=2026-09-21T14:15:10Z").get_json()
    assert [one["seconds"] for one in told["readouts"]] == [0.25] * 5
    day = web.ask(f"/{meter.key}/health?since=2026-09-01&until=2027-09-01").get_json()
    assert len(day["readouts"]) == 1  # one of each part


def test_parameters_that_are_none(web: MetersWeb) -> None:
    web.tell(web.put())
    for query in ("limit=0", "limit=101", "limit=x", "after=-1", "after=" + "9" * 30, "since=x", "until=2026-99-01"):
        told = is_problem(web.ask(f"/1/readings?{query}"), 400)
        assert query.partition("=")[0] in told["detail"]
    for query in ("most=0", "most=5000", "since=2026-02-01&until=2026-01-01"):
        is_problem(web.ask(f"/1/series/1?{query}"), 400)


def test_a_meter_goes_in_is_changed_and_goes(web: MetersWeb) -> None:
    body = {"name": "Flat 3", "secondary": OTHER, "primary": 7, "baud": 300, "interval": 900, "on_battery": True}
    answer = web.api("", body)
    assert answer.status_code == 201
    state = answer.get_json()
    check(state, {"$ref": "#/components/schemas/MeterState"}, web.get("/api/v1/openapi.json").get_json())
    key = state["meter"]["key"]
    assert {name: state["meter"][name] for name in body} == body
    changed = web.api(f"/{key}", {"primary": None, "on_battery": "off", "interval": "60"}).get_json()["meter"]
    assert (changed["primary"], changed["on_battery"], changed["interval"]) == (None, False, 60)
    assert web.ask(f"/{key}").get_json()["meter"] == changed
    assert web.api(f"/{key}/remove").get_json() == {"done": "removed"}
    is_problem(web.ask(f"/{key}"), 404)
    assert web.meters.meters == {}


def test_every_refusal_names_field_and_value(web: MetersWeb) -> None:
    meter = web.put()
    bad = {"name": "", "primary": 300, "baud": 9600, "interval": 5, "on_battery": "perhaps", "nix": 1}
    assert errors_of(web.api("", bad)) == bad
    assert errors_of(web.api(f"/{meter.key}", bad)) == bad
    for value in (1.5, [1], {"a": 1}, 10**40):
        assert errors_of(web.api(f"/{meter.key}", {"primary": value})) == {"primary": value}
    assert errors_of(web.api("", {"name": "Twin", "secondary": SECONDARY, "baud": 2400})) == {"secondary": SECONDARY}
    assert web.meters.meters == {meter.key: meter}
    document = web.get("/api/v1/openapi.json").get_json()
    check(web.api("", bad).get_json(), document["components"]["schemas"]["Problem"], document)


def test_a_body_that_is_no_object(web: MetersWeb) -> None:
    web.put()
    for path in ("", "/1", "/read", "/1/primary", "/search", "/search/add"):
        for body in ("[]", "1", "{", "[" * 30_000, b"\xff"):
            answer = web.client.post(
                f"{ROOT}{path}",
                data=body,
                content_type="application/json",
                headers=HEADERS,
                environ_overrides=web.environ(),
            )
            is_problem(answer, 400)


def test_readouts(web: MetersWeb) -> None:
    one, two = web.put(), web.put("Attic", secondary=OTHER, primary="")
    waiting = web.meters.orders.is_waiting
    assert web.api(f"/{two.key}/read").status_code == 202
    assert (waiting(one.key), waiting(two.key)) == (False, True)
    for body in ({"meters": [one.key, 99]}, {"meters": [99]}):
        is_problem(web.api("/read", body), 404)
    for keys in ("all", [True], ["1"], 1):
        assert errors_of(web.api("/read", {"meters": keys})) == {"meters": keys}
    assert errors_of(web.api("/read", {"meter": 1})) == {"meter": 1}
    assert not waiting(one.key)
    assert web.api("/read").status_code == 202
    assert waiting(one.key)


def test_the_primary_address(web: MetersWeb) -> None:
    meter = web.put()
    web.put("Attic", secondary=OTHER, primary="9")
    for value in (251, -1, 9, "9", None, True, 1.0):
        assert errors_of(web.api(f"/{meter.key}/primary", {"primary": value})) == {"primary": value}
    assert errors_of(web.api(f"/{meter.key}/primary", {})) == {"primary": None}
    assert not web.meters.orders.is_waiting(meter.key)
    assert web.api(f"/{meter.key}/primary", {"primary": 10}).status_code == 202
    assert web.meters.orders.is_waiting(meter.key)


def test_the_search_goes_through_its_phases(web: MetersWeb) -> None:
    assert web.ask("/search").get_json()["phase"] == "none"
    assert errors_of(web.api("/search", {"bauds": [9600]})) == {"bauds": [9600]}
    assert errors_of(web.api("/search", {"bauds": 2400})) == {"bauds": 2400}
    assert errors_of(web.api("/search", {"primary": "yes"})) == {"primary": "yes"}
    assert "ways" in errors_of(web.api("/search", {"primary": False, "secondary": False}))
    assert web.api("/search", {"bauds": [2400, 300], "primary": False}).status_code == 202
    for name, phase in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert web.api(f"/search/{name}").status_code == 202
        assert web.ask("/search").get_json()["phase"] == phase
    assert errors_of(web.api("/search/add", {"addresses": ["nobody"]})) == {"addresses": ["nobody"]}
    assert errors_of(web.api("/search/add", {"addresses": SECONDARY})) == {"addresses": SECONDARY}
    assert web.api("/search/add").get_json() == {"meters": []}


def test_nobody_is_there(web: MetersWeb) -> None:
    for path in ("/9", "/9/reading", "/9/readings", "/9/series", "/9/series/1", "/9/health"):
        is_problem(web.ask(path), 404)
    for path in ("/9", "/9/remove", "/9/read"):
        is_problem(web.api(path), 404)
    is_problem(web.api("/9/primary", {"primary": 1}), 404)
    is_problem(web.ask("/x"), 404)
    is_problem(web.ask("/" + "9" * 30), 404)


def test_a_disk_that_fails_is_told(web: MetersWeb) -> None:
    meter = web.put()

    def fail(*_: object) -> Any:
        raise SaveFailed("no space left")

    web.replace(add=fail, change=fail, remove=fail, add_found=fail)
    for path in ("", f"/{meter.key}", f"/{meter.key}/remove", "/search/add"):
        assert is_problem(web.api(path, {}), 500)["detail"] == "no space left"


def test_other_sites_and_the_factory_password_are_kept_out(web: MetersWeb, tmp_path: Path) -> None:
    web.put()
    document = web.get("/api/v1/openapi.json").get_json()
    paths = [path for path, methods in document["paths"].items() if path.startswith(ROOT) and "post" in methods]
    assert len(paths) == 11
    fresh = Web(tmp_path / "fresh")
    for path in paths:
        target = path.format(key=1)
        for headers, kind, status in ((HEADERS, "text/plain", 415), ({}, "application/json", 403)):
            answer = web.client.post(
                target, data="{}", content_type=kind, headers=headers, environ_overrides=web.environ()
            )
            is_problem(answer, status)
        answer = fresh.client.post(target, json={}, headers=HEADERS, environ_overrides=fresh.environ())
        assert is_problem(answer, 403)["type"] == "/api#new-password-first"
    assert list(web.meters.meters) == [1]
    assert web.meters.snapshot().search.phase is SearchPhase.NONE


def test_hostile_text_is_json(web: MetersWeb) -> None:
    name = "</script><script>alert(1)</script>"
    web.put(name)
    answer = web.ask()
    assert answer.mimetype == "application/json"
    assert json.loads(answer.data)["meters"][0]["meter"]["name"] == name
