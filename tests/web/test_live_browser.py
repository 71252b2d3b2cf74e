"""Chromium: values follow, a lost device is told and comes back, an ended login ends it, plots are drawn."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest

from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led, LedSnapshot, PanelSnapshot
from appliance.recorder import History
from appliance.recorder.history import PERIOD
from appliance.tunnel.statistics import ClientSnapshot
from appliance.web.context import EXTENSION, Context
from tests.web.rig import Showing, Web, network, tunnel
from tests.web.test_browser import browser, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["browser"]

PATIENCE = 30_000
"""Milliseconds."""


class Visit:
    """A page that is open, and the device under it."""

    def __init__(self, web: Web, browser: Any, port: int, **options: Any) -> None:
        self.web = web
        self.origin = f"http://cme3000.plant.example:{port}"
        self.context = browser.new_context(locale="en", **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def go(self, path: str) -> None:
        self.page.goto(self.origin + path)

    def wait_for_text(self, key: str, text: str) -> None:
        # No function of the page's own: our policy forbids it to evaluate text.
        self.page.locator(f'[data-live="{key}"]', has_text=text).wait_for()

    def said(self, name: str) -> bool:
        return bool(self.page.locator(f"[data-said={name}]").is_visible())


@contextlib.contextmanager
def visiting(web: Web, browser: Any, **options: Any) -> Iterator[Visit]:
    with served(web) as port:
        visit = Visit(web, browser, port, **options)
        try:
            yield visit
        finally:
            visit.context.close()


def leds(rhythm: Rhythm, meaning: str) -> PanelSnapshot:
    return PanelSnapshot(
        tuple(LedSnapshot(led, rhythm, True, meaning) for led in Led), False, 0.0, "", False, True, False, ()
    )


def test_values_leds_sources_and_banners_follow(web: Web, browser: Any) -> None:
    with visiting(web, browser) as visit:
        visit.go("/")
        assert visit.page.locator(".lamp[data-look=steady]").count() == 2
        web.device.tunnel.value = tunnel("Connected 192.0.2.7:51512")
        web.device.panel = Showing(leds(Rhythm.SLOW, "lamp test"))
        web.device.network = network("169.254.7.7/16", gateway="")
        visit.wait_for_text("status.accept_mode", "Connected 192.0.2.7:51512")
        assert visit.page.locator(".lamp[data-look=slow]").count() == 4
        animation = "getComputedStyle(document.querySelector('.lamp')).animationName"
        assert visit.page.evaluate(animation) == "half"
        assert visit.page.locator(".leds li").first.inner_text().split("\n") == ["PWR blinking", "lamp test"]
        assert visit.page.locator("td", has_text="169.254.7.7/16").inner_text() == "169.254.7.7/16 (DHCP)"
        assert not visit.said("changed")
        web.device.faults = ("the disk is full",)
        visit.page.locator("[data-said=changed]").wait_for()
        visit.page.get_by_role("link", name="Load the page again").click()
        visit.page.get_by_text("Something is wrong with the device").wait_for()
        assert not visit.said("changed")
        assert visit.complaints == []
        assert all(url.startswith(visit.origin) for url in visit.requests)
        asked = [url for url in visit.requests if "/live?" in url]
        assert all("status.accept_mode" in url and "serial." not in url for url in asked)


def test_a_client_that_has_left_takes_its_row_along(web: Web, browser: Any) -> None:
    client = ClientSnapshot("192.0.2.7:51512", False, True, 3.0)
    web.device.tunnel.value = tunnel("Connected 192.0.2.7:51512", client)
    with visiting(web, browser) as visit:
        visit.go("/")
        row = visit.page.locator("tr", has=visit.page.locator('[data-live="status.client_1"]'))
        assert row.inner_text().split() == ["Client", "192.0.2.7:51512", "has", "the", "bus,", "0", "days", "00:00:03"]
        web.device.tunnel.value = tunnel("Waiting")
        row.wait_for(state="hidden")
        web.device.tunnel.value = tunnel("Connected 192.0.2.8:1", ClientSnapshot("192.0.2.8:1", True, False, 4.0))
        row.wait_for(state="visible")
        assert row.inner_text().split() == ["Client", "192.0.2.8:1", "TLS,", "0", "days", "00:00:04"]
        assert not visit.said("changed")


def test_who_wants_no_motion_gets_none(web: Web, browser: Any) -> None:
    web.device.panel = Showing(leds(Rhythm.FASTER, "lamp test"))
    with visiting(web, browser, reduced_motion="reduce") as visit:
        visit.go("/")
        animation = "getComputedStyle(document.querySelector('.lamp')).animationName"
        assert visit.page.evaluate(animation) == "steady"


def answering(visit: Visit, answer: Callable[[Any], None]) -> None:
    visit.page.route("**/live?*", answer)


def test_a_device_that_does_not_answer_is_told_and_comes_back(web: Web, browser: Any) -> None:
    with visiting(web, browser) as visit:
        answering(visit, lambda route: route.abort())
        visit.go("/")
        visit.page.locator("[data-said=lost]").wait_for()
        web.device.uptime = 4000.0
        visit.page.unroute("**/live?*")
        visit.page.evaluate("dispatchEvent(new Event('online'))")  # else it waits for some seconds
        visit.wait_for_text("status.uptime", "0 days 01:06:40")
        assert not visit.said("lost")


def test_a_login_that_has_ended_stops_it(web: Web, browser: Any) -> None:
    asked = threading.Semaphore(0)

    def refuse(route: Any) -> None:
        asked.release()
        route.fulfill(status=401)

    with visiting(web, browser) as visit:
        answering(visit, refuse)
        visit.go("/")
        visit.page.locator("[data-said=ended]").wait_for()
        assert asked.acquire(blocking=False)
        visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        visit.page.evaluate("new Promise((done) => setTimeout(done, 100))")
        assert not asked.acquire(blocking=False)
        assert not visit.said("lost")


def test_a_page_without_live_values_asks_nothing(web: Web, browser: Any) -> None:
    with visiting(web, browser) as visit:
        visit.go("/password")
        visit.page.evaluate("new Promise((done) => setTimeout(done, 2500))")
        assert not [url for url in visit.requests if url.startswith(f"{visit.origin}/live")]


def recorded() -> History:
    now, count = [0.0], [0]
    history = History(
        counters={
            name: lambda: count[0]
            for name in (
                "line_rx_bytes",
                "line_tx_bytes",
                "line_errors",
                "tunnel_accepts",
                "tunnel_dropped_accepts",
                "http_requests",
                "network_frames",
            )
        },
        gauges={},
        clock=lambda: now[0],
        wall=lambda: 1_700_000_000 + now[0],
    )
    for step in range(400):
        history.sample()
        now[0] += PERIOD
        count[0] += step % 50
    return history


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_plots(web: Web, browser: Any, width: int, scheme: str) -> None:
    web.device.history = recorded()
    size = {"width": width, "height": 800}
    with visiting(web, browser, viewport=size, color_scheme=scheme) as visit:
        visit.go("/traffic")
        visit.page.locator("canvas").nth(3).wait_for()
        assert visit.page.locator("canvas").count() == 4
        label = visit.page.locator("canvas").first.get_attribute("aria-label")
        assert label is not None
        assert label.startswith("Bytes on the M-Bus. from the meters: mean 1.")
        with visit.page.expect_response("**/live/history?span=day"):
            visit.page.get_by_role("button", name="Day").click()
        visit.page.locator("[data-span=day][aria-pressed=true]").wait_for()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert visit.complaints == []
        assert all(url.startswith(visit.origin) for url in visit.requests)


def test_without_a_script_there_are_the_values_and_the_table(web: Web, browser: Any) -> None:
    web.device.history = recorded()
    with visiting(web, browser, java_script_enabled=False) as visit:
        visit.go("/traffic")
        assert visit.page.locator("table.hours tbody tr").count() == 3
        assert not visit.page.locator("#plots").is_visible()


@pytest.mark.parametrize(("path", "most"), [("/", 60_000), ("/traffic", 100_000), ("/tunnel/statistics", 60_000)])
def test_the_first_load_is_light(web: Web, path: str, most: int) -> None:
    page = web.get(path)
    total = len(page.data)
    shared: Context = web.app.extensions[EXTENSION]
    for name in ("style.css", "live.js", "icon.svg", "panel.css", "uPlot.iife.min.js", "uPlot.min.css", "traffic.js"):
        url = shared.static_files.url(name)
        if url in page.text:
            total += len(web.get(url).data)
    assert total < most
    assert ("uPlot" in page.text) is (path == "/traffic")
