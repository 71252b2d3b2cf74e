"""Every answer carries the same protection; errors are pages; static files are kept; all is small and quick."""

from __future__ import annotations

import re
import statistics
import time
from typing import TYPE_CHECKING

import pytest
from jinja2 import DictLoader

from appliance.web.access import changes, reads
from appliance.web.headers import POLICY
from appliance.web.menu import Section, Tab
from appliance.web.pages import SECTIONS
from tests.web.rig import Web

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse


def check_headers(answer: TestResponse, *, is_secure: bool = False) -> None:
    headers = answer.headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert ("Cross-Origin-Opener-Policy" in headers) is is_secure
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert len({name.lower() for name, _ in headers}) == len(list(headers))


def test_the_policy_allows_nothing_but_this_device() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules.pop("default-src") == rules.pop("frame-ancestors") == rules.pop("base-uri") == "'none'"
    assert rules.pop("img-src") == "'self' data:"
    assert set(rules) == {"script-src", "style-src", "connect-src", "font-src", "manifest-src", "form-action"}
    assert set(rules.values()) == {"'self'"}


@pytest.fixture
def broken(tmp_path: Path) -> Web:
    section = Section("broken", __name__, label="Broken", order=90, tabs=(Tab("show", "Broken"),))

    def fail() -> str:
        raise RuntimeError("secret detail")

    section.add_url_rule("/broken", "show", reads(fail))
    section.add_url_rule("/broken", "change", changes(lambda: "done"), methods=["POST"])
    return Web(tmp_path, sections=(*SECTIONS, section))


def test_headers_of_every_kind_of_answer(broken: Web, caplog: pytest.LogCaptureFixture) -> None:
    admitted = broken.environ()
    answers = {
        "page": (broken.get("/"), 200),
        "other user": (broken.client.get("/"), 403),
        "no page": (broken.get("/nix"), 404),
        "method": (broken.client.post("/", environ_overrides=admitted), 405),
        "forged": (broken.client.post("/broken", environ_overrides=admitted), 403),
        "redirect": (broken.post("/broken"), 303),
        "options": (broken.client.options("/", environ_overrides=admitted), 200),
        "head": (broken.client.head("/", environ_overrides=admitted), 200),
        "fault": (broken.get("/broken"), 500),
        "misdirected": (broken.get("/", environ={"cme3000.refused": 421}), 421),
        "too large": (broken.client.post("/broken", data={"a": "x" * 50_000}, environ_overrides=admitted), 413),
    }
    for name, (answer, status) in answers.items():
        assert answer.status_code == status, name
        check_headers(answer)
        assert answer.headers["Cache-Control"] == "no-store", name
        if status >= 400:
            assert answer.mimetype == "text/html", name
            assert str(status) in answer.text, name
            assert '<html lang="en">' in answer.text, name
            assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text
    check_headers(broken.client.get("/", base_url="https://localhost", environ_overrides=admitted), is_secure=True)


def test_an_error_page_has_the_menu_for_one_who_is_in(web: Web) -> None:
    page = web.get("/nix").text
    assert "No such page" in page
    assert '<ul class="menu">' in page


def test_nothing_inline_and_nothing_from_elsewhere(web: Web) -> None:
    for path in ("/", "/password", "/nix"):
        page = web.get(path).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]* src=)", page)
        links = re.findall(r'(?:href|src|action)="([^"]*)"', page)
        assert links
        assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in links)
        assert "://" not in page
    for link in set(re.findall(r'"(/static/[^"]*)"', web.get("/").text)):
        content = web.get(link).text.replace("http://www.w3.org/2000/svg", "")
        assert "://" not in content
        assert "@import" not in content


def test_static_files_are_kept_for_a_year_under_a_name_that_their_content_makes(web: Web) -> None:
    links = set(re.findall(r'"(/static/[^"]*)"', web.get("/").text))
    assert len(links) >= 4
    for link in links:
        answer = web.get(link)
        assert answer.status_code == 200
        check_headers(answer)
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert web.client.get(link).status_code == 403
        parts = link.split("/")
        assert web.get(f"/static/{'0' * 16}/{parts[3]}").status_code == 404
        assert web.get(f"/static/{parts[2]}/other.css").status_code == 404
        assert web.get(f"/static/{parts[2]}/..%2f..%2fapp.py").status_code == 404
        assert web.get(link, headers={"Range": "bytes=5-1"}).status_code in (200, 416)


def test_the_first_load_is_small(web: Web) -> None:
    page = web.get("/")
    links = set(re.findall(r'"(/static/[^"]*)"', page.text))
    sizes = {link: len(web.get(link).data) for link in links}
    assert len(page.data) + sum(sizes.values()) < 100_000
    assert next(size for link, size in sizes.items() if link.endswith("style.css")) < 15_000


def test_a_page_takes_a_few_milliseconds(web: Web) -> None:
    taken = []
    for _ in range(30):
        began = time.perf_counter()
        web.get("/")
        taken.append(time.perf_counter() - began)
    assert statistics.median(taken) < 0.020


def test_pages_are_whole_documents(web: Web) -> None:
    for path in ("/", "/password", "/nix"):
        page = web.get(path).text
        assert page.startswith("<!doctype html>")
        for element in ("html", "head", "body", "main", "header", "footer", "form", "table", "ul", "div", "section"):
            assert len(re.findall(rf"<{element}[ >]", page)) == page.count(f"</{element}>"), (path, element)
        ids = re.findall(r' id="([^"]*)"', page)
        assert len(ids) == len(set(ids))
        assert page.count("<h1>") == 1


def test_a_device_that_cannot_tell_how_it_goes_still_gets_a_page(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("secret detail")

    monkeypatch.setattr(web.device, "network_snapshot", fail)
    for path in ("/", "/nix"):
        answer = web.get(path)
        assert answer.status_code == 500
        check_headers(answer)
        assert "Fault in the device" in answer.text
        assert "secret detail" not in answer.text


def test_every_template_is_escaped_whatever_its_name_ends_in(web: Web) -> None:
    for name in ("a.html", "a.txt", "a.svg", "a", None):
        assert web.app.select_jinja_autoescape(name) is True
    for name in ("a.txt", "a.svg"):
        template = web.app.jinja_env.overlay(loader=DictLoader({name: "{{ text }}"})).get_template(name)
        assert template.render(text="<b>") == "&lt;b&gt;"
