"""The status page says what device.md 5.1 asks for, whatever the device is doing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.network.facts import Source
from appliance.product import Product
from appliance.settings.link import Duplex
from appliance.supervision.restart import Kind, Restart
from appliance.tunnel.statistics import ClientSnapshot
from tests.web.rig import HOSTILE, Web, cells, line, network, text_of, tunnel


def rows(web: Web, **options: Any) -> dict[str, str]:
    answer = web.get("/", **options)
    assert answer.status_code == 200
    return dict(cells(answer.text))


def test_product_information(web: Web) -> None:
    found = rows(web)
    assert found["Product type"] == "CMe3000 TCP/IP M-Bus Master"
    assert found["Firmware version"] == web.device.product.version
    assert found["Build date"] == "2026-01-31"
    assert found["Serial number"] == "00000000a1b2c3d4"
    assert found["Permanent config"] == "Saved"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 days 00:00:00"),
        (77.9, "0 days 00:01:17"),
        (86_399.999, "0 days 23:59:59"),
        (86_400, "1 days 00:00:00"),
        (3652 * 86_400 + 3661, "3652 days 01:01:01"),
        (-1, "0 days 00:00:00"),
    ],
)
def test_the_uptime(web: Web, seconds: float, shown: str) -> None:
    web.device.uptime = seconds
    assert rows(web)["Uptime"] == shown


def test_a_product_that_nobody_knows_anything_of(web: Web) -> None:
    web.device.product = Product()
    found = rows(web)
    assert [found[name] for name in ("Build date", "Serial number", "Board")] == ["<None>"] * 3


def test_changes_that_are_not_saved_are_told_and_listed(web: Web) -> None:
    web.device.settings.set({"tunnel.port": "10005", "http.logging": "off"}, save=False)
    assert rows(web)["Permanent config"] == "Unsaved"
    page = text_of(web.get("/").text)
    assert "changes that are not saved" in page
    assert "Local port: 10001 → 10005" in page
    assert "Logging: on → off" in page


def test_what_waits_for_a_reboot_is_listed_and_nothing_else(web: Web) -> None:
    web.device.settings.set({"network.dhcp": "off", "network.address": "10.0.0.5/8", "http.logging": "off"}, save=True)
    page = text_of(web.get("/").text)
    assert "take effect after a reboot" in page
    assert "DHCP client: on → off" in page
    assert "IP address: none → 10.0.0.5/8" in page
    assert "Logging" not in page
    assert "not saved" not in page


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (
            network(),
            {
                "Interface": "eth0",
                "Link": "auto / auto: 100 Mbit/s, full duplex",
                "MAC address": "b8:27:eb:01:02:03",
                "Host": "cme3000 (DHCP)",
                "IP address": "192.168.1.5/24 (DHCP)",
                "Default gateway": "192.168.1.1 (DHCP)",
                "Domain": "<None>",
                "Primary DNS": "192.168.1.1 (DHCP)",
                "Secondary DNS": "<None>",
            },
        ),
        (network("10.1.2.3/8", Source.STATIC), {"IP address": "10.1.2.3/8 (Static)", "Host": "cme3000 (Static)"}),
        (network("10.1.2.3/30", Source.BOOTP), {"IP address": "10.1.2.3/30 (BOOTP)"}),
        (
            network("169.254.7.8/16", Source.AUTOIP, gateway=""),
            {"IP address": "169.254.7.8/16 (AutoIP)", "Default gateway": "<None>", "Primary DNS": "<None>"},
        ),
        (network(None, has_carrier=False), {"IP address": "<None>", "Link": "auto / auto: no link"}),
        (network(link_modes=None, has_carrier=None), {"Link": "auto / auto: unknown"}),
        (network(link_modes=None, has_carrier=True), {"Link": "auto / auto: connected"}),
        (network(is_managed=False), {"Link": "100 Mbit/s, full duplex"}),
        (
            network(interface=None, mac="", link_modes=None, has_carrier=None),
            {"Interface": "<None>", "MAC address": "<None>"},
        ),
    ],
)
def test_network_settings(web: Web, snapshot: Any, expected: dict[str, str]) -> None:
    web.device.network = snapshot
    found = rows(web)
    assert {name: found[name] for name in expected} == expected


def test_a_fixed_link(web: Web) -> None:
    web.device.settings.set({"link.speed": "10", "link.duplex": "half"}, save=True)
    modes = web.device.network.link_modes
    assert modes is not None
    web.device.network = network(link_modes=replace(modes, speed=10, duplex=Duplex.HALF))
    assert rows(web)["Link"] == "10 Mbit/s / half: 10 Mbit/s, half duplex"


def test_troubles_of_the_network_are_told(web: Web) -> None:
    web.device.network = network(troubles=("another host has 10.1.2.3 (00:11:22:33:44:55)",))
    assert "another host has 10.1.2.3 (00:11:22:33:44:55)" in text_of(web.get("/").text)


def test_line_settings(web: Web) -> None:
    assert rows(web)["Line 1"] == "M-Bus, 2400, Even, 8, 1, None"
    assert rows(web)["two-wire"] == "in use"
    web.device.line.value = line(baud=300)
    assert rows(web)["Line 1"] == "M-Bus, 300, Even, 8, 1, None"


def test_no_line(web: Web) -> None:
    web.device.line.value = line("No such file or directory")
    assert rows(web)["two-wire"] == "No such file or directory"
    web.device.line.value = line(url="")
    assert rows(web)["State"] == "no serial port is configured"


@pytest.mark.parametrize("state", ["Disabled", "Waiting", "No serial line: gone", "Port 10001: Address already in use"])
def test_states_of_the_tunnel(web: Web, state: str) -> None:
    web.device.tunnel.value = tunnel(state, port=None)
    found = rows(web)
    assert found["Accept mode"] == state
    assert found["Connect mode"] == "Disabled"
    assert found["Local port"] == "<None>"


def test_clients_with_their_addresses(web: Web) -> None:
    clients = (ClientSnapshot("192.0.2.7:51512", True, True, 61.0), ClientSnapshot("[fe80::1]:9", False, False, 2.0))
    web.device.tunnel.value = tunnel("Connected 192.0.2.7:51512, [fe80::1]:9", *clients)
    page = web.get("/").text
    assert ("Accept mode", "Connected 192.0.2.7:51512, [fe80::1]:9") in list(cells(page))
    assert [value for label, value in cells(page) if label == "Client"] == ["192.0.2.7:51512", "[fe80::1]:9"]
    assert "TLS, has the bus, 0 days 00:01:01" in page


def test_faults_and_the_last_restart(web: Web) -> None:
    web.device.faults = ("the board file is damaged",)
    web.device.journal.last = Restart(Kind.CRASH, "the program crashed or was killed (SIGSEGV)")
    found = rows(web)
    assert found["Fault"] == "the board file is damaged"
    assert found["Last restart"] == "the program crashed or was killed (SIGSEGV)"
    web.device.faults = ()
    web.device.journal.last = None
    found = rows(web)
    assert found["Faults"] == "<None>"
    assert found["Last restart"] == "<None>"


def test_of_very_many_faults_the_banner_lists_ten(web: Web) -> None:
    web.device.faults = tuple(f"fault {number}" for number in range(30))
    page = web.get("/").text
    assert page.count("<li>fault ") == 10
    assert "and 20 more" in page


def test_the_front_panel_in_words(web: Web) -> None:
    page = web.get("/").text
    leds = page[page.index('class="leds"') : page.index("</ul>", page.index('class="leds"'))]
    assert next(text_of(one) for one in leds.split("</li>")).endswith("PWR onnormal operation")
    assert "ACT blinking" in text_of(leds)
    assert page.count('data-look="off"') == 1
    assert page.count('<circle class="lamp ') == 4
    web.device.panel = None
    assert 'class="leds"' not in web.get("/").text


def test_hostile_text_is_shown_as_text(web: Web) -> None:
    web.device.tunnel.value = tunnel(f"Connected {HOSTILE}", ClientSnapshot(HOSTILE, False, False, 1.0))
    web.device.network = network(mac=HOSTILE, interface=HOSTILE, troubles=(HOSTILE,))
    web.device.line.value = line(HOSTILE, url=HOSTILE)
    web.device.faults = (HOSTILE,)
    web.device.journal.last = Restart(Kind.CRASH, HOSTILE)
    web.device.product = Product(serial_number=HOSTILE, board=HOSTILE)
    web.user = HOSTILE
    answer = web.get("/")
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert answer.text.count("&lt;script&gt;") >= 12


def test_a_language_other_than_english_says_the_same(web: Web) -> None:
    web.device.tunnel.value = tunnel("Connected 192.0.2.7:51512")
    found = rows(web, headers={"Accept-Language": "fr-CH, fr;q=0.9, en;q=0.8"})
    assert found["Mode acceptation"] == "Connecté 192.0.2.7:51512"
    assert found["Durée de marche"] == "0 jours 00:01:17"
    assert found["Adresse IP"] == "192.168.1.5/24 (DHCP)"
    assert found["deux fils"] == "en service"
