"""The pages of HTTP in Chromium: they fit a phone, and what must be confirmed is, without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.httpd.exchange import Exchange
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.settings import http
from tests.web.rig import Showing
from tests.web.test_browser import browser, served

if TYPE_CHECKING:
    from tests.web.rig import Web

__all__ = ["browser"]

PATHS = (
    *("statistics", "configuration", "authentication", "authentication/add", "authentication/directive/"),
    *("certificate", "certificate/remove", "log"),
)


def test_the_pages_fit_and_confirm(web: Web, browser: Any) -> None:
    web.set_password()
    web.device.http = Showing(HttpSnapshot("On (running)", True, 80, 443, 0, 0, HttpCounters()))
    web.device.certificate.generate(["a" * 63 + ".example"])
    web.device.certificate.request(["x"])
    agent = {"User-Agent": "x" * 100, "Referer": "http://" + "y" * 100}
    web.device.access_log.add(Exchange("192.0.2.1", 80, "GET", "/" + "z" * 300, "HTTP/1.1", agent, "admin", 200, 5))
    with served(web) as port:
        origin = f"http://cme3000.plant.example:{port}"
        for width, locale in ((390, "en"), (320, "fr")):
            visitor = browser.new_context(
                viewport={"width": width, "height": 700}, locale=locale, java_script_enabled=False
            )
            page = visitor.new_page()
            complaints: list[str] = []
            page.on("console", lambda message, complaints=complaints: complaints.append(message.text))
            for path in PATHS:
                assert page.goto(f"{origin}/http/{path}").status == 200
                page.locator("details.user").evaluate_all("found => found.forEach(one => one.open = true)")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert complaints == []
            visitor.close()
        visitor = browser.new_context(java_script_enabled=False, locale="en")
        page = visitor.new_page()
        page.goto(f"{origin}/http/configuration")
        page.fill("#http-port", "8080")
        for _ in range(2):  # the Enter key asks, and asks again
            page.press("#http-port", "Enter")
            assert page.get_by_role("link", name="http://cme3000.plant.example:8080/http/configuration").is_visible()
            assert web.device.settings[http.PORT] == 80
        page.get_by_role("button", name="Change it all the same").click()
        page.get_by_role("heading", name="This page has moved").wait_for()
        assert web.device.settings[http.PORT] == 8080
        visitor.close()
