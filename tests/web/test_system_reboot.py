"""System > Reboot and defaults: nothing happens without being asked, and what follows is told."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from appliance.errors import RebootError, SaveFailed
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.settings import FactoryVariant
from appliance.settings import network as network_settings
from appliance.supervision.restart import Kind
from appliance.tunnel.statistics import ClientSnapshot
from appliance.web.pages.system.reboot import defaults_of
from tests.web.rig import HOSTILE, Showing, Web, network, text_of, tunnel

ACTIONS = ("/system/reboot/confirmation", "/system/defaults/dhcp", "/system/defaults/static")


@pytest.fixture(autouse=True)
def _owned(web: Web) -> None:
    web.set_password()
    web.device.http = Showing(HttpSnapshot("On (running)", True, 80, 443, 1, 1, HttpCounters()))


def shown(web: Web, path: str, **options: Any) -> str:
    answer = web.get(path, **options)
    assert answer.status_code == 200
    return text_of(answer.text)


def test_the_overview_leads_to_three_questions_and_does_nothing(web: Web) -> None:
    page = web.get("/system/reboot").text
    assert [path for path in ACTIONS if f'href="{path}"' in page] == list(ACTIONS)
    for path in ACTIONS:
        web.get(path)
    assert web.device.reboots == []
    assert web.get("/system/defaults/nonsense").status_code == 404
    assert web.post("/system/defaults/nonsense").status_code == 404


def test_the_question_names_who_is_cut_off_and_for_how_long(web: Web) -> None:
    page = shown(web, "/system/reboot/confirmation")
    assert "For about 12 seconds no meter can be read" in page
    assert "No client is connected" in page
    clients = (ClientSnapshot("192.0.2.7:51512", False, True, 3.0), ClientSnapshot("192.0.2.8:1", True, False, 3.0))
    web.device.tunnel = Showing(tunnel("Connected", *clients))
    page = shown(web, "/system/reboot/confirmation")
    assert "connections of 2 clients to the M-Bus end: 192.0.2.7:51512, 192.0.2.8:1" in page
    assert "192.0.2.8:1" in shown(web, "/system/defaults/static")


def test_a_reboot_is_asked_for_with_the_name_of_who_did(web: Web) -> None:
    answer = web.post("/system/reboot/confirmation")
    assert answer.status_code == 200
    assert web.device.reboots == [(Kind.REBOOT, "asked for by admin on the web pages")]
    assert "It answers again in about 12 seconds." in answer.text
    assert 'data-seconds="12"' in answer.text
    assert "<noscript>" in answer.text
    assert "http-equiv" not in answer.text
    # It leads nowhere that does not answer meanwhile.
    assert set(re.findall(r'href="(/[^"]*)"', answer.text)) == set(re.findall(r'href="(/static/[^"]*)"', answer.text))


@pytest.mark.parametrize("variant", FactoryVariant)
def test_factory_defaults_name_what_is_lost(web: Web, variant: FactoryVariant) -> None:
    page = shown(web, f"/system/defaults/{variant.value}")
    for lost in ("All settings", "All users and passwords", "cannot be undone"):
        assert lost in page
    assert "certificate and its key" not in page
    web.device.certificate.generate(["cme3000"])
    assert "certificate and its key" in shown(web, f"/system/defaults/{variant.value}")
    assert ("192.168.0.10, mask 255.255.255.0" in page) is (variant is FactoryVariant.STATIC)
    answer = web.post(f"/system/defaults/{variant.value}")
    assert answer.status_code == 200
    assert "admin with the password admin" in answer.text
    assert web.device.resets == [variant]
    assert web.device.reboots == [
        (Kind.FACTORY_RESET, f"factory defaults ({variant.value}) asked for by admin on the web pages")
    ]


NO_REBOOT = RebootError(28, "cannot ask for a reboot: No space left on device")
NOT_SAVED = SaveFailed("the settings could not be saved: Read-only file system")


@pytest.mark.parametrize(
    ("path", "trouble", "told"),
    [
        (ACTIONS[0], NO_REBOOT, "cannot ask for a reboot"),
        (ACTIONS[1], NO_REBOOT, "defaults are written, but the reboot failed"),
        (ACTIONS[2], NO_REBOOT, "cannot ask for a reboot"),
        (ACTIONS[1], NOT_SAVED, "Read-only file system"),
    ],
)
def test_what_fails_is_told_with_the_question(web: Web, path: str, trouble: Exception, told: str) -> None:
    web.device.trouble = trouble
    answer = web.post(path)
    assert answer.status_code == 500
    assert told in answer.text
    assert 'class="danger"' in answer.text


@pytest.mark.parametrize("path", ACTIONS)
def test_nobody_else_can_ask_for_it(web: Web, path: str) -> None:
    assert web.client.post(path, environ_overrides=web.environ()).status_code == 403
    assert web.post(path, headers={"Origin": "http://evil.example"}).status_code == 403
    token = web.token()
    web.now += 13 * 3600
    late = web.client.post(path, data={"form_token": token}, environ_overrides=web.environ())
    assert late.status_code == 403
    assert "open for so long" in late.text
    assert web.get(path).status_code == 200
    assert web.device.reboots == []


def test_nothing_of_it_before_the_factory_password_is_replaced(web: Web) -> None:
    web.device.settings.reset(FactoryVariant.DHCP)
    for path in ACTIONS:
        answer = web.post(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/password")
    assert web.device.reboots == []


def test_the_defaults_are_those_that_a_reset_writes(web: Web) -> None:
    with web.app.app_context():
        for variant in FactoryVariant:
            expected = defaults_of(variant)
            web.device.settings.reset(variant)
            assert expected == web.device.settings.saved


NOW = "192.168.1.5"
FIXED = {"network.dhcp": "off", "network.address": "192.168.1.77/24"}
MOVED = {"network.dhcp": "off", "network.address": "10.0.0.9/8"}


@pytest.mark.parametrize(
    ("host", "changes", "url", "is_elsewhere", "follows"),
    [
        (NOW, {}, f"http://{NOW}/", "no", "yes"),
        (NOW, FIXED, "http://192.168.1.77/", "yes", "yes"),
        (NOW, MOVED, "http://10.0.0.9/", "yes", "no"),
        (NOW, {"network.dhcp": "off"}, "http://cme3000.local/", "yes", "no"),
        (NOW, {"network.bootp": "on", "network.dhcp": "off"}, "http://cme3000.local/", "yes", "no"),
        ("cme3000.local", MOVED, "http://cme3000.local/", "no", "yes"),
        ("cme3000", MOVED, "http://10.0.0.9/", "yes", "no"),
        ("cme3000.plant.example", {}, "http://cme3000.plant.example/", "no", "yes"),
        ("cme3000.plant.example", FIXED, "http://192.168.1.77/", "yes", "yes"),
        ("localhost:8080", MOVED, "http://localhost:8080/", "no", "yes"),
        ("127.0.0.1", MOVED, "http://127.0.0.1/", "no", "yes"),
        ("203.0.113.1:8888", MOVED, "http://203.0.113.1:8888/", "no", "yes"),
        ("[fe80::1]", MOVED, "http://[fe80::1]/", "no", "yes"),
        ("[fe80::1]:8080", MOVED, "http://[fe80::1]:8080/", "no", "yes"),
    ],
)
def test_where_it_will_be_found(
    web: Web, host: str, changes: dict[str, str], url: str, is_elsewhere: str, follows: str
) -> None:
    web.device.settings.set(changes, save=True)
    environ = {"REMOTE_ADDR": "192.168.1.200"}
    assert f'href="{url}"' in web.get("/system/reboot/confirmation", headers={"Host": host}, environ=environ).text
    page = web.post("/system/reboot/confirmation", headers={"Host": host}, environ=environ).text
    assert f'data-url="{url}"' in page
    assert f'data-elsewhere="{is_elsewhere}" data-follow="{follows}"' in page


def test_settings_on_trial_have_to_be_confirmed(web: Web) -> None:
    web.device.settings.set({**FIXED, "network.confirm_minutes": "5"}, save=True)
    for page in (web.get("/system/reboot/confirmation").text, web.post("/system/reboot/confirmation").text):
        assert "within 5 minutes: else the device goes back" in page
    assert "goes back" not in web.get("/system/defaults/static").text


def test_an_observed_network_does_not_move(web: Web) -> None:
    web.device.network = network(is_managed=False)
    web.device.settings.set(MOVED, save=True)
    page = web.get("/system/reboot/confirmation", headers={"Host": NOW}).text
    assert f'href="http://{NOW}/"' in page
    assert "192.168.0.10" not in shown(web, "/system/defaults/static", headers={"Host": NOW})


def test_the_port_and_https_after_a_reset(web: Web) -> None:
    web.device.settings.set({"http.port": "8080"}, save=True)
    web.device.http = Showing(HttpSnapshot("On (running)", True, 8080, 443, 1, 1, HttpCounters()))
    page = web.post("/system/defaults/dhcp", headers={"Host": f"{NOW}:8080"}).text
    assert f'data-url="http://{NOW}/" data-elsewhere="yes" data-follow="yes"' in page
    # Behind a router the port is another, and stays.
    page = web.post("/system/defaults/dhcp", headers={"Host": "203.0.113.1:9999"}).text
    assert 'data-url="http://203.0.113.1:9999/" data-elsewhere="no"' in page
    page = web.post(
        "/system/defaults/dhcp", headers={"Host": NOW}, environ={"wsgi.url_scheme": "https", "SERVER_PORT": "443"}
    ).text
    assert f'data-url="http://{NOW}/" data-elsewhere="yes"' in page


def test_a_port_that_is_not_saved_is_lost_at_the_reboot(web: Web) -> None:
    web.device.settings.set({"http.port": "8080"}, save=False)
    web.device.http = Showing(HttpSnapshot("On (running)", True, 8080, 443, 1, 1, HttpCounters()))
    assert f'href="http://{NOW}/"' in web.get("/system/reboot/confirmation", headers={"Host": f"{NOW}:8080"}).text


def test_a_port_of_the_command_line_is_asked_for_again(web: Web) -> None:
    web.device.settings.override({"http.port": "8080"})
    web.device.http = Showing(HttpSnapshot("On (running)", True, 8080, 443, 1, 1, HttpCounters()))
    page = web.get("/system/reboot/confirmation", headers={"Host": f"{NOW}:8080"}).text
    assert f'href="http://{NOW}:8080/"' in page
    web.device.settings.override({"http.port": "0"})  # any that is free; nobody knows which
    page = web.get("/system/reboot/confirmation", headers={"Host": f"{NOW}:8080"}).text
    assert f'href="http://{NOW}:8080/"' in page


def test_hostile_words_stay_words(web: Web) -> None:
    web.device.tunnel = Showing(tunnel("Connected", ClientSnapshot(HOSTILE, False, True, 3.0)))
    web.device.trouble = RebootError(1, HOSTILE)
    web.device.network = replace(network(), mac=HOSTILE)
    for answer in (web.get("/system/reboot/confirmation"), web.post("/system/reboot/confirmation")):
        assert "<script>alert" not in answer.text
        assert "Set-Cookie: x" not in str(answer.headers)
        assert "&lt;script&gt;alert" in answer.text


def test_the_setting_that_decides_is_the_saved_one(web: Web) -> None:
    web.device.settings.set(FIXED, save=False)
    assert web.device.settings.running[network_settings.ADDRESS] is not None
    assert f'href="http://{NOW}/"' in web.get("/system/reboot/confirmation", headers={"Host": NOW}).text
