"""Meters > MQTT: the state in words, the form, and that the password is seen nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from appliance.publishing.snapshot import PublisherSnapshot
from appliance.settings import SECTIONS, find
from tests.settings.custom import AUTHORITY, CUSTOM
from tests.web.rig import HOSTILE

if TYPE_CHECKING:
    from tests.web.rig import Web

PATH = "/meters/mqtt"
MARK = "s3cret-of-the-plant"


@pytest.fixture(autouse=True)
def _may_change(web: Web) -> None:
    web.set_password()


def test_every_setting_of_the_section_has_its_field_label_and_help(web: Web) -> None:
    page = web.get(PATH).text
    for setting in SECTIONS["mqtt"]:
        assert f'name="{setting.name}"' in page, setting
        assert setting.label in page
    assert page.count("<dd>") == len(SECTIONS["mqtt"])


def test_good_values_are_saved_and_in_force(web: Web) -> None:
    texts = {name: text for name, text in CUSTOM.items() if name.startswith("mqtt.")}
    assert web.post(PATH, texts).status_code == 303
    settings = web.device.settings
    for name, text in texts.items():
        setting = find(name)
        assert setting.type.format(settings.in_force[setting]) == text
        assert setting.type.format(settings.saved[setting]) == text
    page = web.get(PATH).text
    assert 'value="broker.plant.example"' in page
    assert AUTHORITY in page


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mqtt.host", "mqtt://broker"),
        ("mqtt.port", "65536"),
        ("mqtt.ca", "rubbish"),
        ("mqtt.client_id", "a/b"),
        ("mqtt.prefix", "a/#"),
        ("mqtt.discovery_prefix", "$ha"),
        ("mqtt.user", HOSTILE),
        ("mqtt.password", HOSTILE),
    ],
)
def test_bad_values_are_refused_beside_the_field(web: Web, name: str, text: str) -> None:
    before = web.device.settings.saved
    answer = web.post(PATH, {name: text, "mqtt.retain": "off"})
    assert answer.status_code == 400
    assert f'id="{name.replace(".", "-")}-error"' in answer.text
    assert web.device.settings.saved == before
    assert "<script>alert" not in answer.text
    if name == "mqtt.password":
        assert "alert(1)" not in answer.text


def test_a_certificate_of_many_lines_is_taken(web: Web) -> None:
    lines = AUTHORITY.replace("----- ", "-----\r\n").replace(" -----END", "\r\n-----END") + "\r\n"
    assert web.post(PATH, {"mqtt.ca": "Subject: CN=Plant\r\n" + lines}).status_code == 303
    assert web.device.settings.saved[find("mqtt.ca")] == AUTHORITY


def test_the_password_is_shown_nowhere_and_kept_by_a_blank(web: Web) -> None:
    web.post(PATH, {"mqtt.password": MARK, "mqtt.user": "gateway"})
    settings = web.device.settings
    for path in (PATH, "/system/configuration/print", "/system/configuration", "/api/v1/settings", "/", "/metrics"):
        assert MARK not in web.get(path).text, path
    assert re.search(r'type="password"[^>]*name="mqtt.password" value=""', web.get(PATH).text)
    assert web.post(PATH, {"mqtt.password": "", "mqtt.user": "other"}).status_code == 303
    assert settings.saved[find("mqtt.password")] == MARK
    assert MARK in web.get("/system/configuration/export").text  # as the help of the field says
    shown = web.get("/api/v1/settings").get_json()["settings"]["mqtt.password"]
    assert (shown["value"], shown["is_secret"], shown["type"]) == (None, True, "text")
    settings.set({"mqtt.password": MARK + "2"}, save=False)
    assert MARK not in "".join(map(str, settings.unsaved))
    assert MARK not in repr(settings.running)


def test_a_broker_that_is_not_verified_and_a_password_in_the_clear_are_told(web: Web) -> None:
    assert "anybody between" not in web.get(PATH).text
    web.post(PATH, {"mqtt.tls": "on", "mqtt.verify": "off"})
    assert "anybody between" in web.get(PATH).text
    web.post(PATH, {"mqtt.tls": "off", "mqtt.user": "a", "mqtt.password": "b"})
    page = web.get(PATH).text
    assert "anybody between" not in page
    assert "sent without encryption" in page


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (PublisherSnapshot(), ["Disabled"]),
        (
            PublisherSnapshot(True, True, "broker.example:1883", 1_800_000_000.0, 12345, 6, 7),
            ["Connected", "since 2027-01-15 08:00:00 UTC", "broker.example:1883", "12345", ">6<", ">7<"],
        ),
        (
            PublisherSnapshot(True, False, "b:1", error="the broker refuses user name or password"),
            ["Not connected", "Last error", "the broker refuses user name or password"],
        ),
        (
            PublisherSnapshot(True, True, "b:1", note="readings were skipped: the broker was away for too long"),
            ["Trouble", "readings were skipped: the broker was away for too long"],
        ),
        (PublisherSnapshot(True, False, HOSTILE, error=HOSTILE), ["&lt;script&gt;alert(1)"]),
    ],
)
def test_the_state(web: Web, snapshot: PublisherSnapshot, words: list[str]) -> None:
    web.device.publisher.value = snapshot
    page = web.get(PATH).text
    for word in words:
        assert word in page
    assert "<script>alert" not in page


def test_the_broker_speaks_french(web: Web) -> None:
    web.device.publisher.value = PublisherSnapshot(
        True,
        False,
        "b:1",
        error="the broker's certificate is refused: IP address mismatch",
        note="readings were skipped: the broker was away for too long",
    )
    page = web.get(PATH, headers={"Accept-Language": "fr"}).text
    assert "le certificat du courtier est refusé : IP address mismatch" in page.replace("&#39;", "'")
    assert "des lectures ont été omises : le courtier a été absent trop longtemps" in page
