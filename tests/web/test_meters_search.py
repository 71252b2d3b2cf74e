"""The page of the search: its form, how far it is, what it found, and what each button asks for."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import InvalidMeter, SaveFailed
from appliance.meters.snapshot import SearchPhase, SearchState
from appliance.web.pages.meters.search import PHASES
from tests.console.meters_rig import found
from tests.web.meters_rig import OTHER, SECONDARY, MetersWeb
from tests.web.rig import banners, cells

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.meters.meter import Meter

SEARCH = "/meters/search"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[MetersWeb]:
    made = MetersWeb(tmp_path)
    yield made
    made.close()


def buttons(page: str) -> set[str]:
    """Give what the forms of the page lead to."""
    return {action for action in re.findall(r'<form method="post" action="([^"]+)"', page) if "/meters" in action}


def test_the_form_begins_a_search(web: MetersWeb) -> None:
    page = web.get(SEARCH).text
    assert buttons(page) == {SEARCH}
    asked: list[Any] = []
    web.replace(search=lambda bauds, **ways: asked.append((tuple(bauds), ways)))
    for speeds, bauds in (("2400", (2400,)), ("300", (300,)), ("both", (2400, 300))):
        for ways, primary, secondary in (
            ("both", True, True),
            ("primary", True, False),
            ("secondary", False, True),
        ):
            answer = web.post(SEARCH, {"speeds": speeds, "ways": ways})
            assert (answer.status_code, answer.headers["Location"]) == (303, SEARCH)
            assert asked.pop() == (bauds, {"primary": primary, "secondary": secondary})
    assert asked == []


def test_a_form_of_somebody_else_begins_none(web: MetersWeb) -> None:
    for texts in ({}, {"speeds": "9600", "ways": "both"}, {"speeds": "2400", "ways": "<i>"}):
        answer = web.post(SEARCH, texts)
        assert answer.status_code == 400
        assert banners(answer.text)
        assert "<i>" not in answer.text
    assert web.meters.snapshot().search.phase is SearchPhase.NONE


def test_each_button_does_what_it_says(web: MetersWeb) -> None:
    web.post(SEARCH, {"speeds": "2400", "ways": "both"})
    for name, phase in (
        ("pause", SearchPhase.PAUSED),
        ("resume", SearchPhase.RUNNING),
        ("cancel", SearchPhase.CANCELLED),
        ("resume", SearchPhase.RUNNING),
    ):
        answer = web.post(f"{SEARCH}/{name}")
        assert (answer.status_code, answer.headers["Location"]) == (303, SEARCH)
        assert web.meters.snapshot().search.phase is phase
    assert web.get(f"{SEARCH}/pause").status_code == 405


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_phase_shows_the_buttons_that_make_sense(web: MetersWeb, language: str) -> None:
    go_on, stop, pause, begin, add = (f"{SEARCH}{rest}" for rest in ("/resume", "/cancel", "/pause", "", "/add"))
    expected = {
        SearchPhase.NONE: {begin},
        SearchPhase.RUNNING: {pause, stop, add},
        SearchPhase.WAITING: {pause, stop, add},
        SearchPhase.PAUSED: {go_on, stop, add},
        SearchPhase.FINISHED: {begin, add},
        SearchPhase.CANCELLED: {begin, go_on, add},
        SearchPhase.FAILED: {begin, go_on, add},
    }
    assert set(expected) == set(SearchPhase)
    for phase, wanted in expected.items():
        web.found(*([] if phase is SearchPhase.NONE else [found()]), phase=phase)
        page = web.get(SEARCH, headers={"Accept-Language": language}).text
        assert buttons(page) == wanted, phase
        assert ('http-equiv="refresh"' in page) is (phase in (SearchPhase.RUNNING, SearchPhase.WAITING))
        assert (PHASES[phase] in page) is (language == "en")


def test_how_far_it_is(web: MetersWeb) -> None:
    web.found(
        found(),
        phase=SearchPhase.RUNNING,
        progress=0.4567,
        remaining=83.2,
        elapsed=61.0,
        stage="secondary addresses at 2400 bit/s",
        diagnoses=("primary address 4: two meters or more answer", "a <b>strange</b> thing"),
    )
    page = web.get(SEARCH).text
    assert '<progress max="100" value="45"' in page
    assert dict(list(cells(page))[:5]) == {
        "Done": "45 %",
        "Remaining time": "0 days 00:01:23",
        "Time on the bus": "0 days 00:01:01",
        "Now": "secondary addresses at 2400 bit/s",
        "Meters found": "1",
    }
    assert "primary address 4: two meters or more answer" in banners(page)
    assert "<b>strange" not in page
    french = web.get(SEARCH, headers={"Accept-Language": "fr"}).text
    assert "adresse primaire 4 : deux compteurs ou plus répondent" in banners(french)
    assert "adresses secondaires à 2400 bit/s" in french


def test_a_search_that_is_not_over_never_says_100_percent(web: MetersWeb) -> None:
    for phase, percent in ((SearchPhase.RUNNING, 99), (SearchPhase.PAUSED, 99), (SearchPhase.FINISHED, 100)):
        web.found(phase=phase, progress=1.0)
        assert f'value="{percent}"' in web.get(SEARCH).text


def test_why_it_failed_is_told(web: MetersWeb) -> None:
    web.found(phase=SearchPhase.FAILED, error="the line was lost: no such device")
    assert "the line was lost: no such device" in banners(web.get(SEARCH).text)
    assert "la ligne a été perdue : no such device" in banners(web.get(SEARCH, headers={"Accept-Language": "fr"}).text)


def test_what_was_found_is_shown_and_put_into_the_list(web: MetersWeb) -> None:
    web.put("Known")
    offered = [found(SECONDARY), found(OTHER, 7), found(None, 9, by_primary=True)]
    web.found(*offered)
    web.meters.job._search = None
    page = web.get(SEARCH).text
    boxes = re.findall(r'<input type="checkbox" name="address" value="([^"]*)">', page)
    assert boxes == [SECONDARY, OTHER, "9"]
    assert page.count("Known") == 1
    added: list[Any] = []

    def add(addresses: Any = None) -> tuple[Meter, ...]:
        added.append(addresses)
        return (web.meters.find(1),)

    web.replace(add_found=add)
    answer = web.post(f"{SEARCH}/add", {"address": OTHER})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/meters")
    web.post(f"{SEARCH}/add", {"all": "yes"})
    assert added == [[OTHER], None]
    assert "1 meter is in the list." in banners(web.get("/meters").text)


def test_nothing_to_add_is_told(web: MetersWeb) -> None:
    web.found(found())
    assert "Choose at least one meter first." in banners(web.post(f"{SEARCH}/add").text)
    web.replace(add_found=lambda _addresses=None: ())
    assert "so nothing was added" in banners(web.post(f"{SEARCH}/add", {"address": OTHER}).text)
    for error, status in (
        (InvalidMeter({"meters": "1 more do not fit: the list has 256 meters and room for 256"}), 400),
        (InvalidMeter({"addresses": "the search found nobody at <i>"}), 400),
        (SaveFailed("no space left"), 500),
    ):

        def refuse(_addresses: object = None, error: Exception = error) -> Any:
            raise error

        web.replace(add_found=refuse)
        answer = web.post(f"{SEARCH}/add", {"all": "yes"}, headers={"Accept-Language": "fr"})
        assert answer.status_code == status
        assert banners(answer.text)
        assert "<i>" not in answer.text
    assert web.meters.meters == {}


def test_a_disk_that_fails_is_told(web: MetersWeb) -> None:
    web.put()
    troubled = replace(web.meters.snapshot(), problem="meters and readings cannot be stored: no space left")
    web.replace(snapshot=lambda: replace(troubled, search=SearchState()))
    assert "no space left" in html.unescape(banners(web.get(SEARCH).text))
