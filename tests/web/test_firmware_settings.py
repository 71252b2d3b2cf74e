"""System > Firmware > Settings of updates: every setting of the section."""

from __future__ import annotations

import pytest

from appliance.settings import DECLARATIONS
from appliance.web.pages.system import firmware_settings
from tests.web.rig import Web, row_of

PAGE = "/system/firmware"


@pytest.fixture(autouse=True)
def _owned(web: Web) -> None:
    web.set_password()
    web.device.updater.be()


SECTION = [setting for setting in DECLARATIONS if setting.section == "update"]


def test_the_form_has_every_setting_of_the_section(web: Web) -> None:
    assert set(firmware_settings.FIELDS) == set(SECTION)
    page = web.get(f"{PAGE}/settings").text
    for setting in SECTION:
        assert setting.label in row_of(page, setting.name)
    assert f'href="{PAGE}/settings"' in web.get(PAGE).text


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("update.trial", "120", "5"),
        ("update.check", "on", "perhaps"),
        ("update.index_url", "https://h.example/i.json", "ftp://h.example"),
        ("update.hawkbit_enabled", "off", "x"),
        ("update.hawkbit_url", "https://hawkbit.example:8443", "https://h.example/path"),
        ("update.hawkbit_tenant", "PLANT_1", "a b"),
        ("update.hawkbit_device", "boiler-7", "a/b"),
        ("update.hawkbit_token", "s3cret", "x" * 300),
    ],
)
def test_every_field_takes_good_and_refuses_bad(web: Web, name: str, good: str, bad: str) -> None:
    setting = next(setting for setting in SECTION if setting.name == name)
    before = web.device.settings.running[setting]
    answer = web.post(f"{PAGE}/settings", {name: bad})
    assert answer.status_code == 400
    assert "Allowed: " in row_of(answer.text, name)
    assert web.device.settings.running[setting] == before
    assert web.post(f"{PAGE}/settings", {name: good}).status_code == 303
    assert setting.type.format(web.device.settings.saved[setting]) == good


def test_the_token_is_never_shown_and_told_when_it_is_in_the_clear(web: Web) -> None:
    web.device.settings.set({"update.hawkbit_token": "s3cret", "update.hawkbit_url": "http://h.example"}, save=True)
    page = web.get(f"{PAGE}/settings").text
    assert "s3cret" not in page
    assert "sent without encryption" in row_of(page, "update.hawkbit_url") + page
    assert ">set</b>" in row_of(page, "update.hawkbit_token")
    web.post(f"{PAGE}/settings", {"update.hawkbit_token": "", "update.trial": "70"})
    token = next(setting for setting in SECTION if setting.name == "update.hawkbit_token")
    assert web.device.settings.saved[token] == "s3cret"


def test_what_hawkbit_says_is_on_the_page_while_it_is_on(web: Web) -> None:
    web.device.updater.be(hawkbit="h.example answers <500>.")
    assert "answers" not in web.get("/system/firmware").text
    web.device.settings.set({"update.hawkbit_enabled": "on"}, save=False)
    assert "<bdi>h.example answers &lt;500&gt;.</bdi>" in web.get("/system/firmware").text
