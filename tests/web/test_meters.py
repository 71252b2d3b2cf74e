"""The list of the meters and the page of one: what they told, exactly, whatever they are called."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appliance.errors import UnknownMeter
from appliance.mbus.telegram import decode
from appliance.meters.meter import MOST_METERS
from appliance.meters.readings import StoredReading
from appliance.web.live import values as live_values
from appliance.web.meter_values import main_values
from appliance.web.pages.meters.listing import seconds_text
from tests.console.meters_rig import telegram
from tests.web.meters_rig import NUMBERS, OTHER, SECONDARY, MetersWeb
from tests.web.rig import banners, cells, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NONE = "\u2013"
LARGEST = 400_000
"""Bytes of the longest list."""
FRENCH = {"Accept-Language": "fr"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[MetersWeb]:
    found = MetersWeb(tmp_path)
    yield found
    found.close()


STANDING: tuple[tuple[str, list[tuple[str, str]]], ...] = (
    (NUMBERS, [("volume", "123456.789 m³"), ("power", "42 W")]),
    (
        "0223 0500 0413 01000000 045B 01000000",
        [("volume", "0.001 m³"), ("flow temperature", "1 °C"), ("on time", "5 d")],
    ),
    ("4413 01000000", [("volume", "0.001 m³")]),  # only of a storage: better than nothing
    ("426C 5F2C", [("date", "2018-12-31")]),
    (
        "0413 01000000 0413 02000000 042B 01000000 043B 01000000",
        [("volume", "0.001 m³"), ("power", "1 W"), ("volume flow", "0.001 m³/h")],
    ),
    ("0C13 FFFFFFFF", []),
    ("", []),
)


def rows(page: str) -> list[list[str]]:
    """Give the rows of the list as a person reads them."""
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    return [
        [text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def test_an_empty_list_leads_to_the_search(web: MetersWeb) -> None:
    page = web.get("/meters").text
    assert "There is no meter in the list yet." in page
    assert '<a class="button" href="/meters/search">' in page
    assert "<table" not in page


def test_the_menu_has_the_meters_and_their_tabs(web: MetersWeb) -> None:
    page = web.get("/meters").text
    labels = re.findall(r'<li><a href="[^"]*"[^>]*>(.*?)</a></li>', page)
    assert labels.index("M-Bus Serial") < labels.index("Meters") < labels.index("System")
    assert {"List", "Search", "Add a meter", "Configuration"} <= set(labels)


def test_the_list_says_what_each_meter_told_last(web: MetersWeb) -> None:
    meter = web.put()
    web.tell(meter)
    web.meters.note_failure(meter.key, "meter 12345678A7320407: no answer")
    web.put("Attic", secondary=OTHER, primary="")
    first, second = rows(web.get("/meters").text)
    assert first[0] == "CellarLUG · water"
    assert first[1] == f"{SECONDARY}2400 bit/s"
    assert first[2] == "123456.789 m³42 W"
    assert first[3] == "2026-09-21 14:15:01 UTCmeter 12345678A7320407: no answer"
    assert first[4:6] == ["50 ms", "50.0%of 2"]
    assert second[2:6] == [NONE, f"{NONE}not read yet", NONE, NONE]


def test_the_list_in_french(web: MetersWeb) -> None:
    web.tell(web.put())
    web.meters.note_failure(1, "meter 12345678A7320407: no answer")
    page = web.get("/meters", headers=FRENCH).text
    assert "compteur 12345678A7320407 : pas de réponse" in page
    assert rows(page)[0][0] == "CellarLUG · eau"


def test_a_new_reading_shows_and_each_is_decoded_once(web: MetersWeb) -> None:
    meter = web.put()
    web.tell(meter)
    assert "123456.789" in web.get("/meters").text
    asked: list[int] = []
    latest = web.meters.latest

    def ask(key: int) -> StoredReading | None:
        asked.append(key)
        return latest(key)

    web.replace(latest=ask)
    assert "123456.789" in web.get("/meters").text
    assert asked == []
    web.tell(meter, "0413 01000000")
    assert "0.001 m³" in web.get("/meters").text
    assert asked == [meter.key]
    web.meters.remove(meter.key)
    assert web.get("/meters").status_code == 200


def test_256_meters_make_a_page_of_bounded_size(web: MetersWeb) -> None:
    meter = web.put()
    web.tell(meter)
    reading, health = web.meters.latest(meter.key), web.meters.health(meter.key)
    web.meters._meters = {
        key: replace(meter, key=key, name="n" * 60 + str(key), secondary=f"{key:08}A7320407")
        for key in range(1, MOST_METERS + 1)
    }
    web.meters._health = dict.fromkeys(web.meters._meters, replace(health, error="e" * 100, failures=1))
    web.replace(latest=lambda _key: reading)
    page = web.get("/meters")
    assert len(rows(page.text)) == MOST_METERS
    assert page.text.count("123456.789") == MOST_METERS
    assert len(page.data) < LARGEST


def test_the_values_that_stand_for_a_reading() -> None:
    for records, expected in STANDING:
        reading = StoredReading(1, 1, 0.0, 0.1, (telegram(records),))
        assert [(one.quantity, one.value) for one in main_values(reading)] == expected, records


def test_bytes_that_are_no_frame_do_no_harm(web: MetersWeb) -> None:
    meter = web.put()
    web.tell(meter)
    reading = web.meters.latest(meter.key)
    assert reading is not None
    spoiled = replace(reading, telegrams=(b"\x68\x03", *reading.telegrams))
    web.replace(latest=lambda _key: spoiled)
    for path in ("/meters", f"/meters/{meter.key}"):
        answer = web.get(path)
        assert answer.status_code == 200
        assert "123456.789" in answer.text
    assert web.ask(f"/{meter.key}/reading").get_json()["errors"]


def test_one_meter_shows_every_record_and_every_byte(web: MetersWeb) -> None:
    meter = web.put()
    web.tell(meter, NUMBERS + "|0F 3031", notes=["the answer has the primary address 7"], status=4)
    reading = web.meters.latest(meter.key)
    assert reading is not None
    page = web.get(f"/meters/{meter.key}").text
    shown = [text_of(one) for one in re.findall(r'<span class="number">(.*?)</span>', page)]
    telegrams = [decode(octets) for octets in reading.telegrams]
    records = [record for telegram in telegrams for record in telegram.records]
    assert shown == [record.text for record in records]
    assert dict(cells(page))["Status"] == "low power (04)"
    assert "the answer has the primary address 7" in page
    parts = [part for telegram in telegrams for part in telegram.parts]
    table = re.findall(r'<tr><td>(\d+)</td><td><code>(.*?)</code></td><td lang="en">(.*?)</td></tr>', page)
    assert [(int(at), octets, html.unescape(words)) for at, octets, words in table] == [
        (part.offset, part.octets.hex(" ").upper(), part.meaning) for part in parts
    ]
    for octets in reading.telegrams:
        assert f"<code>{octets.hex(' ').upper()}</code>" in page
    assert '<option value="1" data-unit="m³">volume (m³)</option>' in page
    assert "storage 1" in page


def test_one_meter_before_its_first_reading_and_in_french(web: MetersWeb) -> None:
    meter = web.put()
    assert "The meter has not been read yet." in web.get(f"/meters/{meter.key}").text
    web.tell(meter)
    page = web.get(f"/meters/{meter.key}", headers=FRENCH).text
    facts = dict(cells(page))
    assert facts["Fluide"] == "eau"
    assert facts["Lecture"] == "toutes les heures"
    assert "valeur instantanée" in page


def test_read_now_asks_for_one_or_for_all(web: MetersWeb) -> None:
    one, two = web.put(), web.put("Attic", secondary=OTHER, primary="")
    answer = web.post("/meters/read", {"meter": str(two.key)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/meters")
    assert [state.is_waiting for state in web.meters.snapshot().meters] == [False, True]
    page = web.get("/meters").text
    assert "1 meter is read as soon as the bus is free." in banners(page)
    assert rows(page)[1][3] == f"{NONE}waits for its readout"
    assert web.post("/meters/read", {"meter": str(one.key), "back": "yes"}).headers["Location"] == f"/meters/{one.key}"
    web.post("/meters/read", {"all": "yes"})
    assert all(state.is_waiting for state in web.meters.snapshot().meters)


def test_nobody_is_read_who_is_not_there(web: MetersWeb) -> None:
    web.put()
    for text in ("", "0", "99", "-1", "x", "1e3", "9" * 40, "\u0661", "1 "):
        assert web.post("/meters/read", {"meter": text}).status_code == 404, text
    assert not any(state.is_waiting for state in web.meters.snapshot().meters)


def test_a_meter_that_there_is_not(web: MetersWeb) -> None:
    below = (
        "9",
        "0",
        "9/configuration",
        "9/remove",
        "9/primary",
        "x",
        "-1",
        "9" * 20,
        "9/values.csv",
        "9/readings.json",
    )
    for path in below:
        answer = web.get(f"/meters/{path}")
        assert answer.status_code == 404, path
        assert "<h1" in answer.text


def test_warnings_and_troubles_stand_above_the_list(web: MetersWeb) -> None:
    web.put()
    web.device.settings.set({"meters.enabled": "off"}, save=True)
    page = web.get("/meters").text
    assert "own work on the bus is switched off" in html.unescape(banners(page))
    troubled = replace(web.meters.snapshot(), problem="meters and readings cannot be stored: no space left")
    web.replace(snapshot=lambda: troubled)
    page = web.get("/meters", headers=FRENCH).text
    assert "compteurs et lectures ne peuvent pas être enregistrés : no space left" in banners(page)
    assert "travail de l'appareil sur le bus est désactivé" in html.unescape(banners(page))


def test_a_hostile_name_is_text_everywhere(web: MetersWeb) -> None:
    meter = web.put()
    web.tell(meter)
    for name in ("<script>alert(1)</script>", "\"'&<>", "</title><b>", "{{ 7 * 7 }}", "%(name)s", "=1+1", "é\u00a0☃"):
        web.meters._meters = {meter.key: replace(meter, name=name)}
        paths = ["/meters", *(f"/meters/{meter.key}{path}" for path in ("", "/configuration", "/remove", "/primary"))]
        pages = [web.get(path).text for path in paths]
        pages.append(web.post(f"/meters/{meter.key}/primary", {"primary": "9"}).text)
        for page in pages:
            assert name in html.unescape(page)
            assert "<script>alert" not in page
            assert "</title><b>" not in page


def test_the_pages_move_by_live_values(web: MetersWeb) -> None:
    with web.app.test_request_context("/"):
        keys = ["meters.list_mark", "meters.activity", "meters.load", "meters.search_mark", "meters.search_percent"]
        before = live_values(keys)
        assert set(before) == set(keys)
        meter = web.put()
        changed = live_values(keys)
        assert changed["meters.list_mark"] != before["meters.list_mark"]
        assert changed["meters.search_mark"] == before["meters.search_mark"]
        assert live_values(keys) == changed
        web.tell(meter)
        assert live_values(keys)["meters.list_mark"] != changed["meters.list_mark"]
    page = web.get("/meters").text
    assert f'hidden data-renews="meter-list"><span data-live="meters.list_mark">{live_mark(web)}<' in page


def live_mark(web: MetersWeb) -> str:
    answer = web.get("/live?keys=meters.list_mark").get_json()
    text: str = answer["values"]["meters.list_mark"]["text"]
    return text


def test_a_meter_that_goes_while_its_page_is_made(web: MetersWeb) -> None:
    meter = web.put()

    def gone(_key: int) -> None:
        raise UnknownMeter("gone")

    web.replace(latest=gone)
    assert web.get(f"/meters/{meter.key}").status_code == 404


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (0.0134, "13 ms"), (0.9994, "999 ms"), (1.25, "1.2 s")])
def test_times(seconds: float | None, text: str) -> None:
    assert seconds_text(seconds) == text
