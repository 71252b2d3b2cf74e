"""System: log, troubleshooting and identify."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from appliance.errors import RebootError
from appliance.supervision.restart import Kind, Restart
from appliance.supervision.ward import WardSnapshot
from appliance.web.pages.system.log import SHOWN
from tests.web.rig import HOSTILE, Showing, Web, cells, line, network, panel, text_of

WHEN = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC
DIED = WardSnapshot("tunnel", True, 2, "died: OSError: no", WHEN)
FRENCH = {"Accept-Language": "fr"}


def checks(web: Web, **options: dict[str, str]) -> dict[str, str]:
    """Give for each check what a person reads of it, the first on the page first."""
    answer = web.get("/system/troubleshooting", **options)
    assert answer.status_code == 200
    found = re.findall(r'<li class="check" id="(\w+)">(.*?)\n</li>', answer.text, re.DOTALL)
    return {name: text_of(markup) for name, markup in found}


def test_the_log_shows_the_newest_line_last_and_the_download_has_all(web: Web) -> None:
    web.device.lines = tuple(f"line {number}" for number in range(SHOWN + 50))
    page = web.get("/system/log").text
    lines = re.findall(r"<li[^>]*>(line \d+)</li>", page)
    assert lines == [f"line {number}" for number in range(50, SHOWN + 50)]
    assert f'<li id="newest">line {SHOWN + 49}</li>' in page
    assert f"Download the log ({SHOWN + 50} lines)" in page
    answer = web.get("/system/log/download")
    assert answer.text == "".join(f"line {number}\n" for number in range(SHOWN + 50))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="cme3000-cme3000-log-\d{4}-\d\d-\d\d\.txt"', answer.headers["Content-Disposition"]
    )
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_empty_log(web: Web) -> None:
    assert "The log is empty." in web.get("/system/log").text
    assert web.get("/system/log/download").text == ""


def test_services_and_their_restarts(web: Web) -> None:
    web.device.wards = (replace(DIED, is_alive=False), WardSnapshot("web", True, 0, None, None))
    page = text_of(re.sub(r"</t[hd]>|<small>", " | ", web.get("/system/log").text))
    assert "tunnel | not running | 2 | died: OSError: no | 2026-09-21 14:13:20 UTC" in page
    assert "web | running | 0 | none |" in page
    assert 'data-live="system.service_tunnel_state"' in web.get("/system/log").text


@pytest.mark.parametrize(
    ("restart", "shown"),
    [
        (
            Restart(Kind.REBOOT, "asked for by admin on the web pages", WHEN, 90061.0),
            {
                "Last restart": "asked for by admin on the web pages",
                "When": "2026-09-21 14:13:20 UTC",
                "It had run for": "1 days 01:01:01",
                "Uptime": "0 days 00:01:17",
            },
        ),
        (Restart(Kind.CRASH, "the program crashed", 1e300), {"Last restart": "the program crashed", "When": "<None>"}),
        (None, {"Last restart": "<None>"}),
    ],
)
def test_the_last_restart(web: Web, restart: Restart | None, shown: dict[str, str]) -> None:
    web.device.journal.last = restart
    found = dict(cells(web.get("/system/log").text))
    assert {name: found.get(name) for name in shown} == shown


def test_identify_flashes_the_leds_and_says_where_to_look(web: Web) -> None:
    page = web.get("/system/identify").text
    assert "b8:27:eb:01:02:03" in page
    assert "not flashing" in page
    # Allowed with the factory password too: it changes nothing.
    answer = web.post("/system/identify")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/system/identify")
    assert web.device.identifications == 1
    web.device.panel = Showing(replace(panel(), is_identifying=True))
    page = web.get("/system/identify").text
    assert "flash together for 30 seconds. Look for it." in page
    assert ">flashing<" in page
    assert web.client.post("/system/identify", environ_overrides=web.environ()).status_code == 403
    assert web.device.identifications == 1


def test_identify_on_a_device_without_a_panel(web: Web) -> None:
    web.device.panel = None
    page = web.get("/system/identify").text
    assert "This device has no LEDs" in page
    assert 'action="/system/identify"' not in page
    web.post("/system/identify")
    assert "This device has no LEDs" in web.get("/system/identify").text


def test_troubleshooting_shows_the_worst_first(web: Web) -> None:
    found = checks(web)
    assert next(iter(found)) == "password"
    assert "PWR must be lit" in found["power"]
    web.set_password()
    assert "The device has found nothing wrong." in web.get("/system/troubleshooting").text
    web.device.panel = Showing(replace(panel(), has_short_circuit=True))
    web.device.wards = (replace(DIED, trouble_at=None), replace(DIED, is_alive=False, name="web"))
    found = checks(web)
    assert list(found)[:2] == ["short_circuit", "program"]
    assert "Take the two wires off the terminals" in found["short_circuit"]
    assert "Service web does not run" in found["program"]
    assert "2 things to look at" in web.get("/system/troubleshooting").text


def test_findings_are_translated_with_what_other_rooms_say(web: Web) -> None:
    web.device.line = Showing(line("not opened yet"))
    web.device.network = network(troubles=("192.168.1.5 is used by another device, b8:27:eb:99:99:99",))
    found = checks(web, headers=FRENCH)
    assert "deux fils : pas encore ouvert" in found["serial_ports"]
    assert "192.168.1.5 est utilisée par un autre appareil, b8:27:eb:99:99:99." in found["address"]


def test_the_disk_of_the_settings_is_looked_at(web: Web) -> None:
    web.device.settings.save()
    assert "MB are free" in checks(web)["storage"]


def test_hostile_words_stay_words(web: Web) -> None:
    web.set_password()
    web.device.lines = (HOSTILE, "%(x)s")
    web.device.wards = (replace(DIED, name=HOSTILE, trouble=HOSTILE, is_alive=False),)
    web.device.journal.last = Restart(Kind.CRASH, HOSTILE, WHEN, 1.0)
    web.device.faults = (HOSTILE, "%(x)s")
    web.device.line = Showing(line(HOSTILE))
    web.device.network = network(troubles=(HOSTILE,), mac=HOSTILE)
    web.device.trouble = RebootError(1, HOSTILE)
    for path in ("/system/log", "/system/troubleshooting", "/system/identify", "/system/configuration/print"):
        for headers in ({}, FRENCH):
            answer = web.get(path, headers=headers)
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            assert "Set-Cookie" not in answer.headers
    assert "&lt;script&gt;alert(1)" in web.get("/system/log").text
    download = web.get("/system/log/download")
    assert download.headers["Content-Type"].startswith("text/plain")
    assert download.headers["X-Content-Type-Options"] == "nosniff"
