"""A view says who may reach it; one that does not, does not answer; and changes come from our own pages alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from flask import request

from appliance.web.access import changes, reads, rule_of
from appliance.web.form_token import FIELD, HEADER, LIFETIME
from appliance.web.menu import Section, Tab
from appliance.web.pages import SECTIONS
from tests.web.rig import Web, text_of

if TYPE_CHECKING:
    from pathlib import Path


class Trial:
    """A section that counts what reaches it."""

    def __init__(self) -> None:
        self.reached = 0
        self.section = Section("trial", __name__, label="Trial", order=5, tabs=(Tab("show", "Trial"),))
        self.section.add_url_rule("/trial", "show", reads(self._note()))
        self.section.add_url_rule("/trial", "change", changes(self._note()), methods=["POST"])
        give_back = changes(give_back=lambda sentence: f"{sentence} {request.form['text']}")
        self.section.add_url_rule("/trial/kept", "kept", give_back(self._note()), methods=["POST"])
        self.section.add_url_rule("/trial/none", "none", self._note(), methods=["GET", "POST"])
        self.section.add_url_rule("/trial/loose", "loose", changes(self._note()), methods=["GET", "POST"])
        self.section.add_url_rule("/trial/odd", "odd", reads(self._note()), methods=["GET", "DELETE"])

    def _note(self) -> Any:
        def view() -> str:
            self.reached += 1
            return "reached"

        return view


@pytest.fixture
def trial() -> Trial:
    return Trial()


@pytest.fixture
def trying(tmp_path: Path, trial: Trial) -> Web:
    web = Web(tmp_path, sections=(*SECTIONS, trial.section))
    web.set_password()
    return web


def test_every_view_of_the_product_has_a_rule_that_fits_its_methods(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    routes = list(web.app.url_map.iter_rules())
    assert {route.rule for route in routes} >= {"/", "/password", "/language", "/static/<digest>/<name>"}
    for route in routes:
        rule = rule_of(web.app, route.endpoint)
        assert rule is not None, route
        assert (route.methods or set()) - {"OPTIONS"} <= rule.methods, route
    assert not caplog.records


def test_a_view_without_a_rule_does_not_answer_and_the_log_names_it(
    tmp_path: Path, trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        web = Web(tmp_path, sections=(*SECTIONS, trial.section))
    web.set_password()
    for name in ("trial.loose", "trial.none", "trial.odd"):
        assert f"({name})" in caplog.text
    assert len(caplog.records) == 3
    assert web.get("/trial/none").status_code == 404
    assert web.post("/trial/none").status_code == 404
    assert web.get("/trial/loose").status_code == 404
    assert web.client.delete("/trial/odd", environ_overrides=web.environ()).status_code == 404
    assert trial.reached == 0
    assert web.get("/trial/odd").status_code == 200


def test_who_was_not_admitted_gets_nothing(trying: Web, trial: Trial) -> None:
    for path in ("/", "/password", "/nix", "/trial", "/static/0/style.css"):
        for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "BREW"):
            answer = trying.client.open(path, method=method)
            assert answer.status_code == 403, (path, method)
            # Not even what device this is.
            assert "cme3000" not in answer.text
            assert "00000000a1b2c3d4" not in answer.text
            assert "/static/" not in answer.text
    assert trial.reached == 0


def test_methods(trying: Web, trial: Trial) -> None:
    assert trying.get("/trial").text == "reached"
    head = trying.client.head("/trial", environ_overrides=trying.environ())
    assert (head.status_code, head.data) == (200, b"")
    options = trying.client.options("/trial", environ_overrides=trying.environ())
    assert options.status_code == 200
    assert set(options.headers["Allow"].split(", ")) >= {"GET", "HEAD", "OPTIONS"}
    wrong = trying.client.put("/trial", environ_overrides=trying.environ())
    assert wrong.status_code == 405
    assert "POST" in wrong.headers["Allow"]
    assert trial.reached == 2


def test_a_page_has_one_spelling(trying: Web, trial: Trial) -> None:
    for path in ("/Trial", "/trial/", "/trial//", "//trial", "/./trial", "/trial.", "/trial/.", "trial", "/trial\0"):
        assert trying.get("/x", environ={"PATH_INFO": path}).status_code == 404, path
    assert trial.reached == 0


def post(web: Web, path: str, token: str | None, **headers: str) -> int:
    data = {} if token is None else {FIELD: token}
    return web.client.post(path, data=data, environ_overrides=web.environ(), headers=headers).status_code


def test_a_form_of_ours_is_taken(trying: Web, trial: Trial) -> None:
    assert post(trying, "/trial", trying.token()) == 200
    assert post(trying, "/trial", None, **{HEADER: trying.token()}) == 200
    assert trial.reached == 2


def test_a_token_that_is_none(trying: Web, trial: Trial) -> None:
    for token in (None, "", "1", "1.AAAA.forged", "x" * 9000, "1.\u00e4.\u20ac", "..", "\0"):
        assert post(trying, "/trial", token) == 403, token
    assert trial.reached == 0


def test_a_token_that_was_changed_or_is_of_another_run_or_user(trying: Web, trial: Trial, tmp_path: Path) -> None:
    token = trying.token()
    head, time, signature = token.split(".")
    assert post(trying, "/trial", f"{head}.{time}.{signature[::-1]}") == 403
    assert post(trying, "/trial", f"{head}.AAAA.{signature}") == 403
    assert post(trying, "/trial", Web(tmp_path / "other").token()) == 403
    trying.user = "mallory"
    assert post(trying, "/trial", token) == 403
    trying.user = ""
    assert post(trying, "/trial", token) == 403
    assert trial.reached == 0


def test_a_page_that_asks_nobody_s_name_has_tokens_too(trying: Web, trial: Trial) -> None:
    trying.user = ""
    assert post(trying, "/trial", None) == 403
    assert post(trying, "/trial", trying.token()) == 200
    assert trial.reached == 1


def test_a_form_that_was_open_for_too_long_comes_back_with_its_text(trying: Web, trial: Trial) -> None:
    token = trying.token()
    trying.now += LIFETIME
    assert post(trying, "/trial", token) == 200
    trying.now += 2
    assert post(trying, "/trial", token) == 403
    answer = trying.client.post("/trial/kept", data={FIELD: token, "text": "typed"}, environ_overrides=trying.environ())
    assert answer.status_code == 403
    assert "open for so long" in answer.text
    assert answer.text.endswith("typed")
    assert trial.reached == 1


ORIGINS: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"Origin": "http://localhost"}, True),
    ({"Origin": "http://localhost:80"}, True),
    ({"Origin": "http://LOCALHOST"}, True),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, True),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": "http://evil.example"}, False),
    ({"Origin": "https://localhost"}, False),
    ({"Origin": "http://localhost:8080"}, False),
    ({"Origin": "http://localhost.evil.example"}, False),
    ({"Origin": "http://localhost/"}, False),
    ({"Origin": "http://localhost@evil.example"}, False),
    ({"Origin": "http://[::1"}, False),
    ({"Origin": "http://localhost:99999"}, False),
    ({"Origin": "localhost"}, False),
    ({"Origin": "file://"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "Same-Origin"}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
]


def test_where_a_form_may_come_from(trying: Web, trial: Trial) -> None:
    token = trying.token()
    for headers, is_taken in ORIGINS:
        assert post(trying, "/trial", token, **headers) == (200 if is_taken else 403), headers
    assert trial.reached == sum(is_taken for _, is_taken in ORIGINS)


def test_origin_and_host_with_ports_addresses_and_tls(trying: Web, trial: Trial) -> None:
    for base in ("https://gateway.example", "http://192.168.1.5:8080", "http://[fe80::1]", "https://[fe80::1]:8443"):
        answer = trying.client.post(
            "/trial",
            base_url=base,
            data={FIELD: trying.token()},
            headers={"Origin": base},
            environ_overrides=trying.environ(),
        )
        assert answer.status_code == 200, base
    assert trial.reached == 4


def test_while_the_factory_password_is_in_force_a_change_leads_to_the_password_step(
    tmp_path: Path, trial: Trial
) -> None:
    web = Web(tmp_path, sections=(*SECTIONS, trial.section))
    assert web.get("/trial").status_code == 200
    answer = web.post("/trial")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/password")
    assert trial.reached == 1
    assert web.post("/language", {"language": "fr", "here": "/"}).headers["Location"] == "/"
    web.set_password()
    assert web.post("/trial").status_code == 200
    assert trial.reached == 2


def test_an_image_option_keeps_the_reference_s_behaviour(tmp_path: Path, trial: Trial) -> None:
    web = Web(tmp_path, sections=(*SECTIONS, trial.section), asks_new_password=False)
    assert web.post("/trial").status_code == 200
    assert "The factory password is still in use" in text_of(web.get("/").text)
    assert "Set a new one first" not in web.get("/").text


def test_a_body_may_have_max_bytes(trying: Web, trial: Trial) -> None:
    token = trying.token()
    for size, status in ((40_000, 200), (41_000, 413)):
        data = {FIELD: token, "x": "x" * size}
        assert trying.client.post("/trial", data=data, environ_overrides=trying.environ()).status_code == status
    trying.device.settings.set({"http.max_bytes": "50000"}, save=True)
    data = {FIELD: token, "x": "x" * 41_000}
    assert trying.client.post("/trial", data=data, environ_overrides=trying.environ()).status_code == 200
    assert trial.reached == 2


def test_a_form_of_too_many_parts_is_refused(trying: Web, trial: Trial) -> None:
    data = {FIELD: trying.token(), **{f"x{number}": "" for number in range(300)}}
    answer = trying.client.post(
        "/trial", data=data, content_type="multipart/form-data", environ_overrides=trying.environ()
    )
    assert answer.status_code in (400, 413)
    assert trial.reached == 0


def test_the_menu_has_the_sections_in_order(trying: Web) -> None:
    page = trying.get("/").text
    assert page.index(">Trial</a>") < page.index(">Status</a>")
    assert '<a href="/" aria-current="true">Status</a>' in page


def test_a_page_below_a_tab_belongs_to_it(web: Web) -> None:
    page = web.get("/http/authentication/add").text
    assert '<a href="/http/authentication" aria-current="page">' in page
    assert (
        '<a href="/network/interface/configuration" aria-current="page">'
        in web.get("/network/interface/configuration").text
    )
    assert page.count('aria-current="page"') == 1
