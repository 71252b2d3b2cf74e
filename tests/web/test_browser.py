"""Chromium shows every page without a complaint, at every width, light and dark, in every language."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.conftest import need

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.rig import Web

CHROMIUM = Path("/usr/bin/chromium")


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (named by the base class)
        pass


@contextlib.contextmanager
def served(web: Web) -> Iterator[int]:
    def admitted(environ: Any, start_response: Any) -> Any:
        return web.app({**environ, **web.environ()}, start_response)

    server = make_server("127.0.0.1", 0, admitted, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def browser() -> Iterator[Any]:
    need(CHROMIUM.exists(), "there is no Chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # The name is mapped, for browsers trust localhost with more than a device in the plant.
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP cme3000.plant.example 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


def test_every_page_at_every_width(web: Web, browser: Any) -> None:
    web.device.faults = ("the board file is damaged",)
    web.device.settings.set({"tunnel.port": "10005"}, save=False)
    with served(web) as port:
        origin = f"http://cme3000.plant.example:{port}"
        for width, scheme, locale in ((1280, "light", "en"), (390, "dark", "fr"), (320, "light", "fr")):
            context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme, locale=locale)
            page = context.new_page()
            complaints: list[str] = []
            requests: list[str] = []
            page.on("console", lambda message, complaints=complaints: complaints.append(message.text))
            page.on("pageerror", lambda error, complaints=complaints: complaints.append(str(error)))
            page.on("request", lambda request, requests=requests: requests.append(request.url))
            for path in ("/", "/password"):
                assert page.goto(origin + path).status == 200
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path, width, locale)
                assert page.locator("html").get_attribute("lang") == locale
            assert complaints == []
            assert all(url.startswith(origin) for url in requests)
            context.close()


def test_the_password_and_the_language_are_set_without_a_script(web: Web, browser: Any) -> None:
    with served(web) as port:
        context = browser.new_context(java_script_enabled=False, locale="en")
        page = context.new_page()
        page.goto(f"http://cme3000.plant.example:{port}/")
        page.get_by_role("button", name="Français").click()
        page.get_by_role("link", name="Définir un nouveau mot de passe").click()
        page.get_by_label("Nouveau mot de passe", exact=True).fill("short")
        page.get_by_label("Nouveau mot de passe, à nouveau").fill("short")
        page.get_by_role("button", name="Définir le mot de passe").click()
        assert "8 à 128 caractères imprimables" in page.content()
        page.get_by_label("Nouveau mot de passe", exact=True).fill("trois compteurs d'eau")
        page.get_by_label("Nouveau mot de passe, à nouveau").fill("trois compteurs d'eau")
        page.get_by_role("button", name="Définir le mot de passe").click()
        page.get_by_text("Le nouveau mot de passe est défini.").wait_for()
        page.reload()
        assert page.get_by_text("Le nouveau mot de passe est défini.").count() == 0
        context.close()
