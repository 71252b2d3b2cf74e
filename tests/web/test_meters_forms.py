"""Adding, changing, removing a meter, and its primary address: each field good and bad, with what was typed kept."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import SaveFailed
from appliance.settings import meters as settings
from appliance.web.meter_fields import FIELDS
from appliance.web.pages.meters.form import texts_of
from tests.web.meters_rig import OTHER, SECONDARY, MetersWeb
from tests.web.rig import HOSTILE, Showing, banners, row_of, tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.meters.meter import Meter

FRENCH = {"Accept-Language": "fr"}
GOOD = {
    "name": "Flat 3",
    "baud": "300",
    "primary": "7",
    "secondary": OTHER,
    "fabrication": "11223344",
    "reads_by_primary": "on",
    "high_first": "on",
    "interval_choice": "",
    "interval": "1234",
    "on_battery": "on",
}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[MetersWeb]:
    found = MetersWeb(tmp_path)
    yield found
    found.close()


def only(web: MetersWeb) -> Meter:
    (meter,) = web.meters.meters.values()
    return meter


def shown(page: str, name: str) -> str:
    """Give what stands in a field."""
    row = row_of(page, name)
    if checked := re.search(rf'name="{name}" value="(\w+)" checked', row):
        return checked[1]
    if "<select" in row and name != "interval":
        found = re.search(r'<option value="([^"]*)" selected', row)
    else:
        found = re.search(rf'name="{name}" value="([^"]*)"', row)
    assert found is not None
    return html.unescape(found[1])


def test_a_new_meter_gets_what_was_typed(web: MetersWeb) -> None:
    page = web.get("/meters/add").text
    assert shown(page, "baud") == "2400"
    assert 'value="3600" selected' in page  # the interval of new meters
    answer = web.post("/meters/add", GOOD)
    meter = only(web)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/meters/{meter.key}")
    assert (meter.name, meter.baud, meter.primary, meter.secondary) == ("Flat 3", 300, 7, OTHER)
    assert (meter.fabrication, meter.reads_by_primary, meter.high_first) == ("11223344", True, True)
    assert (meter.interval, meter.on_battery) == (1234, True)
    assert "Flat 3 is in the list." in banners(web.get(f"/meters/{meter.key}").text)


def test_the_form_shows_what_the_list_has_and_its_help(web: MetersWeb) -> None:
    web.post("/meters/add", GOOD)
    page = web.get(f"/meters/{only(web).key}/configuration").text
    assert {name: shown(page, name) for name in GOOD if name != "interval_choice"} == {
        name: text for name, text in GOOD.items() if name != "interval_choice"
    }
    for field in FIELDS:
        assert f"<dt>{field.label}</dt><dd>{html.escape(field.help)}" in page.replace("&#39;", "'")


GOOD_VALUES: tuple[tuple[str, str, Any], ...] = (
    ("name", "  Attic ", "Attic"),
    ("name", "é" * 64, "é" * 64),
    ("name", "<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("baud", "300", 300),
    ("primary", "0", 0),
    ("primary", "250", 250),
    ("primary", "", None),
    ("secondary", OTHER.lower(), OTHER),
    ("secondary", "12345678", "12345678FFFFFFFF"),
    ("secondary", "", ""),
    ("fabrication", "00000001", "00000001"),
    ("reads_by_primary", "on", True),
    ("high_first", "on", True),
    ("interval", "60", 60),
    ("interval", "2678400", 2678400),
    ("on_battery", "on", True),
)


def test_good_values(web: MetersWeb) -> None:
    meter = web.put(fabrication="", high_first="off")
    for name, text, value in GOOD_VALUES:
        others = {field.name: texts_of(meter)[field.name] for field in FIELDS}
        answer = web.post(f"/meters/{meter.key}/configuration", {**others, name: text})
        assert answer.status_code == 303, (name, text)
        assert getattr(only(web), name) == value, (name, text)


BAD_VALUES = (
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 65),
    ("name", "a\x00b"),
    ("name", "a\u202eb"),
    ("name", HOSTILE),
    ("baud", "9600"),
    ("baud", ""),
    ("baud", "<b>"),
    ("primary", "251"),
    ("primary", "-1"),
    ("primary", "5.0"),
    ("primary", "x"),
    ("primary", "9" * 10_000),
    ("secondary", "1234"),
    ("secondary", "G" * 16),
    ("secondary", "F" * 16),
    ("secondary", HOSTILE),
    ("fabrication", "1"),
    ("fabrication", "ABCDEF12"),
    ("reads_by_primary", "perhaps"),
    ("high_first", "1<"),
    ("interval", "59"),
    ("interval", "2678401"),
    ("interval", "-5"),
    ("interval", "soon"),
    ("on_battery", ""),
)


def test_bad_values_change_nothing_and_stay_in_the_form(web: MetersWeb) -> None:
    meter = web.put()
    for number, (name, text) in enumerate(BAD_VALUES):
        headers = FRENCH if number % 2 else {}
        answer = web.post(
            f"/meters/{meter.key}/configuration", {"name": "Other", "interval_choice": "", name: text}, headers=headers
        )
        assert answer.status_code == 400, (name, text)
        assert only(web) == meter
        assert f'id="meter-{name}-error"' in answer.text, (name, text)
        assert "<script>" not in answer.text
        if name not in ("baud", "reads_by_primary", "high_first", "on_battery"):
            assert shown(answer.text, name).splitlines() == text.splitlines(), (name, text)


def test_all_errors_come_at_once_with_their_reasons(web: MetersWeb) -> None:
    page = web.post("/meters/add", {"name": "", "primary": "300", "secondary": "xyz", "interval": "1"}).text
    errors = re.findall(r'<p class="error" id="meter-(\w+)-error">(.*?)</p>', page)
    assert [name for name, _ in errors] == ["name", "primary", "secondary", "interval"]
    assert dict(errors)["secondary"].startswith("Not possible: a secondary address has 16 digits")
    french = web.post("/meters/add", {"name": "", "primary": "300"}, headers=FRENCH).text
    told = dict(re.findall(r'<p class="error" id="meter-(\w+)-error">(.*?)</p>', french))
    assert html.unescape(told["name"]).startswith("Impossible : un compteur a besoin d'un nom")
    assert "0 à 250" in told["primary"]
    assert web.meters.meters == {}


def test_rules_between_fields_and_meters_stand_beside_the_field(web: MetersWeb) -> None:
    web.put()
    page = web.post("/meters/add", {"name": "Twin", "secondary": SECONDARY, "baud": "2400"}).text
    assert "is that of" in row_of(page, "secondary")
    french = web.post("/meters/add", {"name": "Twin", "secondary": SECONDARY, "baud": "2400"}, headers=FRENCH).text
    assert "numéro 1 de la liste" in html.unescape(french)
    page = web.post("/meters/add", {"name": "Nobody", "primary": "", "secondary": ""}).text
    assert "both are blank" in row_of(page, "primary")


def test_the_interval_is_what_somebody_changed(web: MetersWeb) -> None:
    meter = web.put()
    for before, choice, typed, after in (
        ("3600", "900", "", 900),
        ("3600", "3600", "1234", 1234),  # typed beside a choice that nobody touched
        ("1234", "900", "1234", 900),  # chosen beside a text that nobody touched
        ("1234", "", "1234", 1234),
        ("1234", "", "77", 77),
        ("3600", "0", "", 0),
    ):
        web.meters.change(meter.key, {"interval": before})
        web.post(f"/meters/{meter.key}/configuration", {"interval_choice": choice, "interval": typed})
        assert only(web).interval == after, (before, choice, typed)


def test_a_disk_that_fails_is_told_and_the_form_stays(web: MetersWeb) -> None:
    meter = web.put()

    def fail(*_: object, **__: object) -> Any:
        raise SaveFailed("no space left")

    web.replace(change=fail, add=fail, remove=fail)
    for path in ("/meters/add", f"/meters/{meter.key}/configuration", f"/meters/{meter.key}/remove"):
        answer = web.post(path, {"name": "Kept"})
        assert answer.status_code == 500
        assert "no space left" in banners(answer.text)
        assert path.endswith("remove") or 'value="Kept"' in answer.text


def test_a_page_that_was_open_too_long_gives_the_text_back(web: MetersWeb) -> None:
    meter = web.put()
    token = web.token()
    web.now += 13 * 3600
    for path, name in (
        ("/meters/add", "name"),
        (f"/meters/{meter.key}/configuration", "name"),
        (f"/meters/{meter.key}/primary", "primary"),
    ):
        answer = web.client.post(path, data={"form_token": token, name: "99"}, environ_overrides=web.environ())
        assert answer.status_code == 403
        assert 'value="99"' in answer.text
    assert only(web) == meter


def test_removing_asks_first_and_says_what_goes(web: MetersWeb) -> None:
    meter = web.put()
    assert "It has no readings." in web.get(f"/meters/{meter.key}/remove").text
    web.tell(meter)
    page = web.get(f"/meters/{meter.key}/remove").text
    assert "All its readings since 2026-09-21 14:15:01 UTC are deleted." in page
    assert only(web).key == meter.key
    answer = web.post(f"/meters/{meter.key}/remove")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/meters")
    assert web.meters.meters == {}
    assert "Cellar is removed" in banners(web.get("/meters").text)


def test_the_primary_address_is_set_in_two_steps(web: MetersWeb) -> None:
    meter = web.put()
    web.device.tunnel = Showing(tunnel())
    asked = web.post(f"/meters/{meter.key}/primary", {"primary": "9"})
    assert asked.status_code == 200
    assert "The meter has the primary address 5 now, and gets 9." in asked.text
    assert "asks for the meter at 5 gets no answer any more" in asked.text
    assert web.asked.count("order") == 1  # for the list alone
    answer = web.post(f"/meters/{meter.key}/primary", {"primary": "9", "confirmed": "yes"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/meters/{meter.key}")
    assert web.asked.count("order") == 2
    assert web.meters.orders.is_waiting(meter.key)


def test_a_primary_address_that_is_none(web: MetersWeb) -> None:
    meter = web.put()
    for text in ("", "251", "-1", "x", "5.5", "9" * 5000, "<b>"):
        for more in ({}, {"confirmed": "yes"}):
            answer = web.post(f"/meters/{meter.key}/primary", {"primary": text, **more})
            assert answer.status_code == 400, text
            assert 'id="primary-error"' in answer.text
            assert "<b>" not in row_of(answer.text, "primary")
    assert not web.meters.orders.is_waiting(meter.key)


def test_an_address_that_another_meter_has(web: MetersWeb) -> None:
    meter, _ = web.put(), web.put("Attic", secondary=OTHER, primary="9")
    for more in ({}, {"confirmed": "yes"}):
        answer = web.post(f"/meters/{meter.key}/primary", {"primary": "9", **more})
        assert answer.status_code == 400
        assert "9 is the address of Attic, number 2" in answer.text
    assert web.post(f"/meters/{meter.key}/primary", {"primary": "0"}).status_code == 200


def test_the_settings_of_all_meters(web: MetersWeb) -> None:
    page = web.get("/meters/configuration").text
    for setting in (
        settings.ENABLED,
        settings.DEFAULT_INTERVAL,
        settings.BATTERY_INTERVAL,
        settings.KEEP_DAYS,
        settings.KEEP_SIZE,
    ):
        assert f'name="{setting.name}"' in page
    answer = web.post("/meters/configuration", {"meters.default_interval": "7200", "meters.keep_days": "30"})
    assert answer.status_code == 303
    assert (web.device.settings[settings.DEFAULT_INTERVAL], web.device.settings[settings.KEEP_DAYS]) == (7200, 30)
    answer = web.post("/meters/configuration", {"meters.default_interval": "5", "meters.keep_days": "x"})
    assert answer.status_code == 400
    assert web.device.settings[settings.KEEP_DAYS] == 30
