"""Chromium: the list and the search follow the device, the list is filtered, plots are drawn; nothing needs it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from appliance.meters.snapshot import SearchPhase
from appliance.web.period import asked_period
from tests.console.meters_rig import found
from tests.web.meters_rig import OTHER, MetersWeb
from tests.web.test_browser import browser
from tests.web.test_live_browser import visiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["browser"]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[MetersWeb]:
    made = MetersWeb(tmp_path)
    yield made
    made.close()


def test_the_list_follows_and_keeps_its_filter(web: MetersWeb, browser: Any) -> None:
    meter = web.put()
    web.put("Attic", secondary=OTHER, primary="")
    with visiting(web, browser) as visit:
        visit.go("/meters")
        field, rows = visit.page.locator("#filter"), visit.page.locator("#meter-list tbody tr:visible")
        field.fill("ATTIC")
        assert rows.count() == 1
        field.press("Enter")
        assert visit.page.locator(".meters-filter [role=status]").inner_text() == "1 of 2"
        field.fill("cellar")
        field.blur()
        web.tell(meter)
        visit.page.get_by_text("123456.789 m³").wait_for()
        assert rows.count() == 1
        assert field.input_value() == "cellar"
        assert visit.complaints == []
    assert not any(state.is_waiting for state in web.meters.snapshot().meters)


def test_the_search_follows_and_keeps_what_was_ticked(web: MetersWeb, browser: Any) -> None:
    web.found(found(), phase=SearchPhase.RUNNING, progress=0.25)
    with visiting(web, browser) as visit:
        visit.go("/meters/search")
        bar, boxes = visit.page.locator("progress"), visit.page.locator("input[type=checkbox]")
        assert bar.evaluate("bar => bar.value") == 25
        boxes.first.check()
        web.found(found(), found(OTHER, 7), phase=SearchPhase.FINISHED, progress=1.0)
        visit.page.get_by_text("Begin a new search").wait_for()
        visit.wait_for_text("meters.search_percent", "100 %")
        boxes.nth(1).wait_for()
        assert [boxes.nth(place).is_checked() for place in range(2)] == [True, False]
        assert bar.evaluate("bar => bar.value") == 100
        assert visit.complaints == []


def test_plots_are_drawn_of_the_series_and_the_time_that_is_chosen(tmp_path: Path, browser: Any) -> None:
    with contextlib.closing(MetersWeb(tmp_path, time.time() - 200)) as web:
        plots_are_drawn(web, browser)


def plots_are_drawn(web: MetersWeb, browser: Any) -> None:
    meter = web.put()
    for number in range(5):
        web.tell(meter, f"0413 0{number}000000 042B 0{number}000000")
    with visiting(web, browser) as visit:
        visit.go(f"/meters/{meter.key}")
        canvas = visit.page.locator("[data-plot=values] canvas")
        canvas.wait_for()
        assert "volume (m³): mean 0.002, highest 0.004 m³" in canvas.get_attribute("aria-label")
        assert "highest 0.25 s" in visit.page.locator("[data-plot=health] canvas").get_attribute("aria-label")
        visit.page.locator("#series").select_option(label="power (W)")
        visit.page.locator('canvas[aria-label*="power (W): mean 2"]').wait_for()
        with visit.page.expect_response("**/series/2?*") as asked:
            visit.page.get_by_role("button", name="Year").click()
        period = dict(parse_qsl(urlsplit(asked.value.url).query))
        since, until = asked_period(period)
        assert until is not None
        assert until - since == pytest.approx(366 * 86_400, abs=1)
        assert visit.complaints == []


def test_without_script_everything_is_there(web: MetersWeb, browser: Any) -> None:
    meter = web.put()
    web.tell(meter)
    web.found(found(OTHER, 7), phase=SearchPhase.RUNNING)
    with visiting(web, browser, java_script_enabled=False) as visit:
        visit.go("/meters")
        assert not visit.page.locator("#filter").is_visible()
        visit.page.get_by_role("button", name="Read Cellar").click()
        visit.page.get_by_text("1 meter is read as soon as the bus is free.").wait_for()
        assert web.meters.orders.is_waiting(meter.key)
        visit.go("/meters/search")
        visit.page.get_by_role("button", name="Pause").click()
        visit.page.get_by_text("The search pauses after its present step.").wait_for()
        visit.go(f"/meters/{meter.key}")
        assert not visit.page.locator("#plots").is_visible()
        visit.page.get_by_text("identification 12345678").wait_for()
