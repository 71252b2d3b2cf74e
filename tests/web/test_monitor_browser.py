"""Chromium: telegrams come by themselves, stop while paused, are not doubled, and begin anew with the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.line.line import Line as SerialLine
from appliance.mbus.frame import Control, ShortFrame
from appliance.monitor.line_monitor import LineMonitor
from tests.web.test_browser import browser
from tests.web.test_live_browser import visiting
from tests.web.test_monitor import PAGE, Line

if TYPE_CHECKING:
    from tests.web.rig import Web

__all__ = ["browser"]


def test_telegrams_come_by_themselves_until_paused(web: Web, browser: Any) -> None:
    web.set_password()
    line = Line(web)
    line.exchange()
    with visiting(web, browser, viewport={"width": 390, "height": 800}) as visit:
        visit.page.clock.install()
        visit.go(PAGE)
        rows = visit.page.locator(".telegrams li")
        assert rows.count() == 2
        line.exchange(bytes(ShortFrame(Control.REQ_UD2, 99)), b"")
        visit.page.locator(".telegrams li", has_text="primary address 99").wait_for()
        assert rows.count() == 3
        rows.nth(2).locator("summary").click()
        rows.nth(2).get_by_text("C field: REQ_UD2").wait_for()
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 390

        pause = visit.page.get_by_role("button", name="Pause")
        pause.click()
        assert pause.get_attribute("aria-pressed") == "true"
        visit.page.wait_for_load_state("networkidle")
        line.exchange(bytes(ShortFrame(Control.REQ_UD2, 98)), b"")
        asked = len(visit.requests)
        visit.page.clock.fast_forward(60_000)
        assert (rows.count(), len(visit.requests)) == (3, asked)
        pause.click()
        visit.page.locator(".telegrams li", has_text="primary address 98").wait_for()
        numbers = [row.get_attribute("data-number") for row in rows.all()]
        assert len(numbers) == len(set(numbers)) == 4

        # The device begins anew.
        web.device.monitor = LineMonitor(SerialLine(web.device.settings))
        Line(web).exchange(bytes(ShortFrame(Control.REQ_UD2, 97)), b"")
        visit.page.locator(".telegrams li", has_text="primary address 97").wait_for()
        assert rows.count() == 1
        assert not visit.complaints


def test_without_script_the_page_shows_all_and_offers_to_load_the_newest(web: Web, browser: Any) -> None:
    web.set_password()
    line = Line(web)
    line.exchange()
    with visiting(web, browser, java_script_enabled=False) as visit:
        visit.go(f"{PAGE}?address=5")
        assert visit.page.locator(".telegrams li").count() == 2
        assert not visit.page.locator("[data-pause]").is_visible()
        line.exchange()
        visit.page.get_by_text("Load the newest").click()
        assert visit.page.locator(".telegrams li").count() == 4
        assert visit.page.url.endswith("?address=5")
        visit.page.locator(".telegrams summary").last.click()
        visit.page.get_by_text("CI field").last.wait_for()
