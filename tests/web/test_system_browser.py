"""Chromium waits for a device that reboots and finds it again; the import works without a script."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from tests.web.rig import Showing, Web
from tests.web.test_browser import Quiet, browser, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["browser"]

HOST = "cme3000.plant.example"
WIDTHS = ((1280, "light", "en"), (390, "dark", "fr"), (320, "light", "fr"))
PAGES = (
    "/system/reboot",
    "/system/reboot/confirmation",
    "/system/defaults/dhcp",
    "/system/defaults/static",
    "/system/configuration",
    "/system/configuration/print",
    "/system/troubleshooting",
    "/system/log",
    "/system/identify",
)


class Machine:
    """The web server of a device that can be switched off and on, on a port that stays."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.port = 0
        self.on()

    def on(self) -> None:
        def admitted(environ: Any, start_response: Any) -> Any:
            return self.web.app({**environ, **self.web.environ()}, start_response)

        self.server = make_server("127.0.0.1", self.port, admitted, threaded=True, request_handler=Quiet)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def off(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def owned(web: Web) -> Web:
    web.set_password()
    return web


def asked_to_reboot(browser: Any, port: int, *, clock: bool = False) -> Any:
    page = browser.new_context(locale="en").new_page()
    if clock:
        page.clock.install()
    page.goto(f"http://{HOST}:{port}/system/reboot/confirmation")
    page.get_by_role("button", name="Reboot now").click()
    page.get_by_text("Back in ").wait_for()
    return page


def answer_at_once(page: Any) -> None:
    """Answer the page's questions whether the device is there, however slow this machine is."""
    page.route(f"http://{HOST}:*/", lambda route: route.fulfill(status=401, body=""))


def found_nobody(request: Any) -> bool:
    """Say whether the page asked for the device in vain; Chromium also calls an answer without a body failed."""
    return bool(request.method == "HEAD" and request.failure == "net::ERR_CONNECTION_REFUSED")


def pass_time(page: Any, seconds: int, until: Callable[[], bool]) -> None:
    """Let the browser's clock run, a second at a time."""
    for _ in range(seconds):
        if until():
            return
        page.clock.run_for(1000)
    assert until()


def test_the_page_comes_back_by_itself_when_the_device_does(owned: Web, browser: Any) -> None:
    machine = Machine(owned)
    try:
        page = asked_to_reboot(browser, machine.port)
        machine.off()
        for _ in range(2):
            page.wait_for_event("requestfailed", found_nobody, timeout=20_000)
        machine.on()
        page.wait_for_url(f"http://{HOST}:{machine.port}/", timeout=20_000)
        assert page.get_by_role("heading", name="Status", exact=True).is_visible()
        assert owned.device.reboots
        page.context.close()
    finally:
        machine.off()


def test_a_device_that_never_went_away_is_told(owned: Web, browser: Any) -> None:
    with served(owned) as port:
        page = asked_to_reboot(browser, port, clock=True)
        line = page.locator("#reboot")
        answer_at_once(page)
        pass_time(page, 60, lambda: "has answered all the time" in line.inner_text())
        assert page.url.endswith("/system/reboot/confirmation")
        page.context.close()


def test_a_device_that_does_not_come_back_is_told_with_what_to_look_at(owned: Web, browser: Any) -> None:
    machine = Machine(owned)
    try:
        page = asked_to_reboot(browser, machine.port, clock=True)
    finally:
        machine.off()
    line = page.locator("#reboot")
    pass_time(page, 30, lambda: "Waiting for the device" in line.inner_text())
    pass_time(page, 90, lambda: "does not answer at this address" in line.inner_text())
    page.context.close()


@pytest.mark.parametrize(("visitor", "follows"), [("192.168.1.200", True), ("192.0.2.1", False)])
def test_a_new_address_is_followed_where_that_is_possible(
    owned: Web, browser: Any, visitor: str, follows: bool
) -> None:
    owned.device.http = Showing(HttpSnapshot("On (running)", True, 80, None, 1, 1, HttpCounters()))
    owned.device.settings.set({"network.dhcp": "off", "network.address": "192.168.1.77/24"}, save=True)
    environ = owned.environ
    owned.environ = lambda **more: environ(REMOTE_ADDR=visitor, **more)  # type: ignore[method-assign]
    with served(owned) as port:
        page = browser.new_context(locale="en").new_page()
        page.clock.install()
        answer_at_once(page)
        page.route("http://192.168.1.77/**", lambda route: route.fulfill(body="here it is", content_type="text/plain"))
        page.route(
            "http://192.168.1.77:*/**", lambda route: route.fulfill(body="here it is", content_type="text/plain")
        )
        page.goto(f"http://{HOST}:{port}/system/reboot/confirmation")
        page.get_by_role("button", name="Reboot now").click()
        line = page.locator("#reboot")
        line.filter(has_text="Back in ").wait_for()
        if follows:
            pass_time(page, 40, lambda: "192.168.1.77" in page.url)
        else:
            pass_time(page, 40, lambda: "should be there by now" in line.inner_text())
            assert page.locator("#place").get_attribute("href") == f"http://192.168.1.77:{port}/"
        page.context.close()


def test_every_page_fits_and_complains_of_nothing(owned: Web, browser: Any) -> None:
    owned.device.lines = ("2026-01-01 12:00:00 INFO line: " + "x" * 300,)
    with served(owned) as port:
        for width, scheme, locale in WIDTHS:
            context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme, locale=locale)
            page = context.new_page()
            complaints: list[str] = []
            page.on("console", lambda message, complaints=complaints: complaints.append(message.text))
            page.on("pageerror", lambda error, complaints=complaints: complaints.append(str(error)))
            for path in PAGES:
                assert page.goto(f"http://{HOST}:{port}{path}").status == 200
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert complaints == []
            context.close()


def test_export_and_import_without_a_script(owned: Web, browser: Any, tmp_path: Path) -> None:
    with served(owned) as port:
        context = browser.new_context(java_script_enabled=False, locale="en")
        page = context.new_page()
        page.goto(f"http://{HOST}:{port}/system/configuration")
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Export", exact=True).click()
        file = tmp_path / "changed.toml"
        waiting.value.save_as(file)
        assert waiting.value.suggested_filename.startswith("cme3000-cme3000-")
        file.write_text(file.read_text().replace("port = 10001", "port = 10007"))
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Upload and compare").click()
        page.get_by_text("The file would change 1 setting.").wait_for()
        page.get_by_role("button", name="Apply and save").click()
        page.get_by_text("The configuration is applied and saved.").wait_for()
        assert "port = 10007" in owned.device.settings.export()
        context.close()
