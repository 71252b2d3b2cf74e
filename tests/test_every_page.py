"""Every page of a whole device, as Chromium finds them by following the links."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from gallery.crawl import paths

from appliance.settings import http
from appliance.settings.password import replace_password
from tests.appliance_rig import Appliance, running
from tests.chromium import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "three water meters"  # noqa: S105 (of a device that lives for a test)
FIRST_LOAD = 100_000
"""Bytes that a first visit may take, compressed or not."""
SERIOUS = ("serious", "critical")

LEAST = {
    *("/", "/network/interface", "/network/interface/configuration", "/network/link", "/network/link/configuration"),
    *("/tunnel/statistics", "/tunnel/accept", "/tunnel/disconnect", "/serial/statistics", "/serial/configuration"),
    *("/serial/monitor", "/meters", "/meters/search", "/meters/add", "/meters/configuration", "/meters/mqtt"),
    *("/http/statistics", "/http/configuration", "/http/authentication", "/http/certificate", "/http/log"),
    *(
        "/system/reboot",
        "/system/configuration",
        "/system/firmware",
        "/system/firmware/settings",
        "/system/troubleshooting",
        "/system/log",
        "/system/identify",
    ),
}
"""Pages that there must be, so that a link that is lost is noticed."""


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    with running(tmp_path) as appliance:
        directives = replace_password(appliance.settings[http.AUTHENTICATION], "admin", PASSWORD)
        appliance.settings.set({"http.authentication": http.AUTHENTICATION.type.format(directives)}, save=True)
        appliance.exchange(appliance.client())
        yield appliance


class Visit:
    """A browser of one size and language, and all that it complained of."""

    def __init__(self, browser: Any, appliance: Appliance, width: int, scheme: str, language: str) -> None:
        web = appliance.device.http
        assert web is not None
        self.origin = f"http://127.0.0.1:{web.snapshot().http_port}"
        self.width, self.language = width, language
        self.context = browser.new_context(
            http_credentials={"username": "admin", "password": PASSWORD},
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            locale=language,
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._note)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _note(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin and parts.scheme != "data":
            self.complaints.append(f"{self.page.url} asks for {request.url}")

    def look(self) -> list[str]:
        """Visit every page; gives them."""
        found = paths(self.page, self.origin)
        for path in found:
            answer = self.page.goto(self.origin + path)
            self.page.wait_for_load_state("load")
            assert answer.status == 200, path
            assert self.page.locator("html").get_attribute("lang") == self.language, path
            assert self.page.locator("h1").count() == 1, path
            assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width, path
            for violation in Axe().run(self.page).response["violations"]:
                if violation["impact"] in SERIOUS:
                    where = [node["target"] for node in violation["nodes"]]
                    self.complaints.append(f"{path}: {violation['id']} ({violation['help']}) at {where}")
        return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("width", "scheme", "language"), [(1280, "light", "en"), (390, "dark", "fr")])
def test_every_page_can_be_used_by_everybody(appliance: Appliance, width: int, scheme: str, language: str) -> None:
    with chromium() as browser:
        visit = Visit(browser, appliance, width, scheme, language)
        found = visit.look()
        assert {urlsplit(path).path for path in found} >= LEAST
        assert visit.complaints == []
        visit.context.close()


def test_the_first_visit_is_light(appliance: Appliance) -> None:
    with chromium() as browser:
        visit = Visit(browser, appliance, 1280, "light", "en")
        sizes: dict[str, int] = {}
        visit.page.on("requestfinished", lambda request: sizes.__setitem__(request.url, len(request.response().body())))
        visit.page.goto(visit.origin)
        visit.page.wait_for_load_state("networkidle")
        assert len(sizes) > 1
        assert sum(sizes.values()) < FIRST_LOAD, sizes


def test_a_page_without_its_login_shows_nothing(appliance: Appliance) -> None:
    """What Chromium finds with a password, it does not find with another."""
    with chromium() as browser:
        visit = Visit(browser, appliance, 1280, "light", "en")
        found = paths(visit.page, visit.origin)
        wrong = base64.b64encode(b"admin:admin").decode()
        for path in found:
            answer = visit.context.request.get(visit.origin + path, headers={"Authorization": f"Basic {wrong}"})
            assert answer.status in (401, 429), path
            assert "CMe3000" not in answer.text()
