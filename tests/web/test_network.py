"""Network > Interface: its state, its form, and what is on trial."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape

from appliance.network.facts import Fact, Source, facts_of
from appliance.network.kernel.link_modes import FORCED_WARNING
from appliance.settings import find
from appliance.settings import network as network_settings
from appliance.web import words
from appliance.web.pages.network.interface import ASKED, NO_LINK, NOT_ON, NOT_OURS
from appliance.web.pages.network.interface_configuration import ADDITIONS, FIELDS
from appliance.web.trouble_words import trouble_text
from tests.web.rig import HOSTILE, banners, network, row_of, text_of

if TYPE_CHECKING:
    from tests.web.rig import Web

STATUS, CONFIGURATION = "/network/interface", "/network/interface/configuration"
LINK, LINK_CONFIGURATION = "/network/link", "/network/link/configuration"
FRENCH = {"Accept-Language": "fr"}


@pytest.fixture
def web(web: Web) -> Web:
    web.set_password()
    return web


def compared(page: str) -> dict[str, tuple[str, str]]:
    """Give the rows of the table with two columns, in order."""
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td data[^>]*>(.*?)</td><td data[^>]*>(.*?)</td></tr>', page)
    return {text_of(label): (text_of(now), text_of(after)) for label, now, after in rows}


# Interface > Status


def test_the_status_compares_every_fact_of_now_with_that_after_a_reboot(web: Web) -> None:
    settings = web.device.settings
    settings.set({"network.dhcp_client_id": "hex:01:0a", "network.dns2": "10.0.0.53"}, save=True)
    now = replace(
        facts_of(settings.in_force, None),
        address=Fact("192.168.1.5", Source.DHCP),
        mask=Fact("255.255.255.0", Source.DHCP),
        gateway=Fact("192.168.1.1", Source.DHCP),
        hostname=Fact("meter-room", Source.DHCP),
        search=Fact("a.example b.example", Source.DHCP),
        primary_dns=Fact("10.0.0.53", Source.STATIC),
        time_servers=Fact("192.0.2.123 192.0.2.124", Source.DHCP),
    )
    web.device.network = network(current=now)
    assert list(compared(web.get(STATUS).text).items()) == [
        ("BOOTP client", ("Off", "Off")),
        ("DHCP client", ("On", "On")),
        ("IP address", ("192.168.1.5 (DHCP)", "<DHCP>")),
        ("Network mask", ("255.255.255.0 (DHCP)", "<DHCP>")),
        ("Default gateway", ("192.168.1.1 (DHCP)", "<DHCP>")),
        ("Hostname", ("meter-room (DHCP)", "<DHCP>")),
        ("Domain", ("<None>", "<DHCP>")),
        ("DNS suffix search list", ("a.example b.example (DHCP)", "<DHCP>")),
        ("DHCP client ID", ("<None>", "hex:01:0a")),
        ("Primary DNS", ("10.0.0.53 (Static)", "10.0.0.53 (Static)")),
        ("Secondary DNS", ("<None>", "<DHCP>")),
        ("Time servers", ("192.0.2.123 192.0.2.124 (DHCP)", "<DHCP>")),
    ]


def test_a_fixed_address_is_shown_for_the_time_after_the_reboot(web: Web) -> None:
    texts = {"network.dhcp": "off", "network.address": "10.1.2.3", "network.gateway": "10.0.0.1"}
    web.device.settings.set(texts, save=True)
    rows = compared(web.get(STATUS).text)
    assert rows["DHCP client"][1] == "Off"
    assert rows["IP address"] == ("192.168.1.5 (DHCP)", "10.1.2.3 (Static)")
    assert rows["Network mask"][1] == "255.0.0.0 (Static)"
    assert rows["Default gateway"][1] == "10.0.0.1 (Static)"


def test_the_end_of_the_lease_is_told_as_a_time_and_as_what_is_left(web: Web) -> None:
    assert "Lease end" not in compared(web.get(STATUS).text)
    end = time.time() + 3600 + 30
    web.device.network = network(lease_ends_at=end)
    shown, after = compared(web.get(STATUS).text)["Lease end"]
    assert shown.startswith(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(end))} UTC, in 0 days 01:00:")
    assert after == "<DHCP>"


def test_renewing_asks_the_server_and_the_next_page_says_so(web: Web) -> None:
    assert "/network/interface/renew" in web.get(STATUS).text
    answer = web.post("/network/interface/renew")
    assert (answer.status_code, answer.location, web.device.renewals) == (303, STATUS, 1)
    assert ASKED in banners(web.get(STATUS).text)
    assert web.get("/network/interface/renew").status_code == 405


@pytest.mark.parametrize(
    ("settings", "state", "reason"),
    [
        ({"network.dhcp": "off"}, {}, NOT_ON),
        ({"network.dhcp": "off", "network.bootp": "on"}, {}, NOT_ON),
        ({}, {"is_managed": False}, NOT_OURS),
        ({}, {"has_carrier": False}, NO_LINK),
    ],
)
def test_renewing_is_offered_only_where_a_server_can_be_asked(
    web: Web, settings: dict[str, str], state: dict[str, Any], reason: str
) -> None:
    web.device.settings.override(settings)
    web.device.network = network(**state)
    assert "/network/interface/renew" not in web.get(STATUS).text
    web.post("/network/interface/renew")
    assert web.device.renewals == 0
    assert reason in banners(web.get(STATUS).text)


def test_a_host_in_conflict_is_named_with_its_mac_in_both_languages(web: Web) -> None:
    web.device.network = network(troubles=("192.168.0.10 is used by another device, b8:27:eb:99:99:99",))
    assert "192.168.0.10 is used by another device, b8:27:eb:99:99:99" in banners(web.get(STATUS).text)
    page = web.get(STATUS, headers=FRENCH).text
    assert "192.168.0.10 est utilisée par un autre appareil, b8:27:eb:99:99:99" in banners(page)


@pytest.mark.parametrize(
    ("trouble", "french"),
    [
        ("10.0.0.1 is used by another device too, 02:00:00:00:00:01", "aussi utilisée par un autre appareil, 02:"),
        ("no DHCP server has answered", "aucun serveur DHCP n'a répondu"),
        ("the DHCP server 10.0.0.1 does not answer; the lease goes on", "10.0.0.1 ne répond pas"),
        ('the BOOTP server 10.0.0.1 is of no use: the server refuses: "no"', 'inutilisable : le serveur refuse : "no"'),
        ("a DHCP server is of no use: of its own making", "un serveur DHCP est inutilisable : of its own making"),
        ("eth0 cannot be managed: Operation not permitted", "eth0 ne peut pas être géré : Operation"),
        ("the lease has expired", "le bail a expiré"),
        (FORCED_WARNING, "Vitesse et duplex sont fixés"),
        ("something %(new)s", "something %(new)s"),
    ],
)
def test_troubles_are_told_in_the_visitors_language(web: Web, trouble: str, french: str) -> None:
    assert trouble_text(trouble) == trouble
    web.device.network = network(troubles=(trouble,))
    assert french in banners(web.get(STATUS, headers=FRENCH).text)


def test_the_words_of_a_forced_link_are_those_of_the_network_room() -> None:
    assert FORCED_WARNING in words.NETWORK


# New settings on trial


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ("admin", "New network settings were on trial for another 0 days 00:04:"),
        ("", "New network settings are on trial: in 0 days 00:04:"),
    ],
)
def test_settings_on_trial_show_the_time_that_is_left_and_whether_a_login_has_confirmed_them(
    web: Web, user: str, text: str
) -> None:
    web.device.confirmation.until = time.monotonic() + 290
    web.user = user
    shown = banners(web.get("/").text)
    assert text in shown
    assert ("has confirmed them" in shown) is bool(user)
    web.device.confirmation.until = math.inf
    assert "on trial" not in banners(web.get("/").text)


# Interface > Configuration


def test_the_form_has_every_field_with_label_help_and_its_mark(web: Web) -> None:
    page = web.get(CONFIGURATION).text
    help_column = page[page.index("<aside") :]
    assert [setting.label for setting in FIELDS] == [
        "BOOTP client", "DHCP client", "IP address", "Default gateway", "Hostname", "Domain", "DHCP client ID",
        "Primary DNS", "Secondary DNS",
    ]  # fmt: skip
    places = [page.index(f'name="{setting.name}"') for setting in (*FIELDS, *ADDITIONS)]
    assert places == sorted(places)
    assert places[len(FIELDS) - 1] < page.index("<h2>Additions</h2>") < places[len(FIELDS)]
    for setting in (*FIELDS, *ADDITIONS):
        assert f"<dt>{setting.label}</dt>" in help_column
        needs_reboot = setting.name in (
            "network.bootp", "network.dhcp", "network.address", "network.dhcp_client_id"
        )  # fmt: skip
        assert ("Takes effect after a reboot." in row_of(page, setting.name)) is needs_reboot, setting


GOOD = [
    ("network.bootp", "on", "on"),
    ("network.dhcp", "off", "off"),
    ("network.address", "192.168.1.1", "192.168.1.1/24"),
    ("network.address", "172.16.0.9", "172.16.0.9/16"),
    ("network.address", "10.0.0.9", "10.0.0.9/8"),
    ("network.address", "192.168.1.1/25", "192.168.1.1/25"),
    ("network.address", "192.168.1.1 255.255.255.0", "192.168.1.1/24"),
    ("network.address", "", ""),
    ("network.gateway", "192.168.0.1", "192.168.0.1"),
    ("network.gateway", "", ""),
    ("network.hostname", "M2-a", "M2-a"),
    ("network.domain", "meters.example", "meters.example"),
    ("network.domain", "", ""),
    ("network.dhcp_client_id", "text:room 2", "text:room 2"),
    ("network.dhcp_client_id", "hex:01-02-0A", "hex:01:02:0a"),
    ("network.dhcp_client_id", "", ""),
    ("network.dns1", "9.9.9.9", "9.9.9.9"),
    ("network.dns2", "8.8.8.8", "8.8.8.8"),
    ("network.address_check", "quick", "quick"),
    ("network.confirm_minutes", "5", "5"),
    ("network.confirm_minutes", "0", "0"),
]
BAD = [
    ("network.bootp", "perhaps"),
    ("network.dhcp", ""),
    ("network.address", "192.168.1.256"),
    ("network.address", "192.168.1.0/24"),
    ("network.address", "192.168.1.255/24"),
    ("network.address", "192.168.1.1 255.0.255.0"),
    ("network.address", "192.168.1.1/33"),
    ("network.address", "127.0.0.1"),
    ("network.address", "fe80::1"),
    ("network.gateway", "192.168.0.1/24"),
    ("network.gateway", "224.0.0.1"),
    ("network.hostname", "2meters"),
    ("network.hostname", "meters-"),
    ("network.hostname", "me_ters"),
    ("network.hostname", ""),
    ("network.hostname", "a" * 64),
    ("network.domain", "meters..example"),
    ("network.domain", "-meters.example"),
    ("network.dhcp_client_id", "room-2"),
    ("network.dhcp_client_id", "hex:0g"),
    ("network.dhcp_client_id", "text:a"),
    ("network.dns1", "dns.example"),
    ("network.dns2", "0.0.0.1"),
    ("network.address_check", "twice"),
    ("network.confirm_minutes", "-1"),
    ("network.confirm_minutes", "1441"),
]


def test_what_is_right_is_saved_and_the_page_says_so(web: Web) -> None:
    settings = web.device.settings
    for name, typed, stored in GOOD:
        answer = web.post(CONFIGURATION, {name: typed})
        assert (answer.status_code, answer.location) == (303, CONFIGURATION), (name, typed)
        setting = find(name)
        assert setting.type.format(settings.saved[setting]) == stored, (name, typed)
        assert "The network settings are saved." in banners(web.get(CONFIGURATION).text)


def test_what_is_wrong_is_refused_beside_the_field_and_nothing_changes(web: Web) -> None:
    before = web.device.settings.saved
    for name, typed in [*BAD, *((name, HOSTILE) for name in dict.fromkeys(name for name, _, _ in GOOD))]:
        answer = web.post(CONFIGURATION, {"network.address_check": "off", name: typed})
        assert answer.status_code == 400, (name, typed)
        row = row_of(answer.text, name)
        assert 'class="error"' in row, (name, typed)
        assert "<script>" not in answer.text
        assert "Set-Cookie: x" not in str(answer.headers)
        if find(name) not in (network_settings.BOOTP, network_settings.DHCP):  # a switch has no place for it
            assert f'value="{escape(typed)}"' in row, (name, typed)
        assert web.device.settings.saved == before, (name, typed)


def test_a_gateway_outside_the_network_is_refused_at_both_fields(web: Web) -> None:
    texts = {"network.dhcp": "off", "network.address": "10.1.2.3/16", "network.gateway": "10.2.0.1"}
    page = web.post(CONFIGURATION, texts).text
    for name in ("network.address", "network.gateway"):
        assert 'class="error"' in row_of(page, name)
        assert f'value="{texts[name]}"' in row_of(page, name)
    assert 'name="network.dhcp" value="off" checked' in page


@pytest.mark.parametrize(
    ("in_force", "configured", "note"),
    [
        ({}, {}, "Not used while DHCP is on: the server&#39;s is."),
        ({"network.dhcp": "off", "network.bootp": "on"}, {}, "Not used while BOOTP is on: the server&#39;s is."),
        ({}, {"network.dhcp": "off"}, "Not used before the reboot: DHCP is still on."),
        ({"network.dhcp": "off"}, {}, ""),
    ],
)
def test_fields_that_a_server_overrides_say_so(
    web: Web, in_force: dict[str, str], configured: dict[str, str], note: str
) -> None:
    web.device.settings.override(in_force)
    web.device.settings.set(configured, save=True)
    page = web.get(CONFIGURATION).text
    for setting in FIELDS:
        is_overridden = setting.label in ("IP address", "Default gateway", "Hostname", "Domain")
        assert ("Not used" in row_of(page, setting.name)) is (is_overridden and bool(note)), setting
        assert not is_overridden or note in row_of(page, setting.name)


def test_with_both_clients_on_the_page_says_which_one_runs(web: Web) -> None:
    web.post(CONFIGURATION, {"network.bootp": "on"})
    page = web.get(CONFIGURATION).text
    assert "Not used while DHCP is on." in page[page.index("BOOTP client") : page.index('name="network.dhcp"')]


@pytest.mark.parametrize(
    ("texts", "state", "url"),
    [
        ({"network.dhcp": "off", "network.address": "10.1.2.3/16"}, {}, "http://10.1.2.3:8080/"),
        ({"network.dhcp": "off", "network.hostname": "room-2"}, {}, "http://room-2.local:8080/"),
        ({"network.dhcp": "off", "network.bootp": "on"}, {}, "http://cme3000.local:8080/"),
        ({"network.gateway": "10.0.0.1", "network.hostname": "room-2"}, {}, ""),
        ({"network.address": "10.1.2.3/16"}, {}, ""),
        ({"network.dhcp": "off", "network.address": "10.1.2.3/16"}, {"is_managed": False}, ""),
    ],
)
def test_a_page_that_is_about_to_move_says_where_to(
    web: Web, texts: dict[str, str], state: dict[str, Any], url: str
) -> None:
    web.device.network = network(**state)
    web.post(CONFIGURATION, texts)
    for path in (CONFIGURATION, STATUS):
        page = web.get(path, base_url="http://192.168.1.5:8080").text
        assert re.findall(r'<a href="(http[^"]*)"', page) == ([url] if url else [])


def test_a_move_under_tls_with_a_trial_names_both(web: Web) -> None:
    texts = {"network.dhcp": "off", "network.address": "10.1.2.3/16", "network.confirm_minutes": "5"}
    web.post(CONFIGURATION, texts)
    page = web.get(STATUS, base_url="https://cme3000.local").text
    assert '<a href="https://10.1.2.3/">' in page
    assert "within 5 minutes" in banners(page)


def test_a_device_that_only_observes_says_so_and_takes_the_settings_all_the_same(web: Web) -> None:
    web.device.network = network(is_managed=False, source=Source.SYSTEM)
    for path in (STATUS, CONFIGURATION, LINK, LINK_CONFIGURATION):
        assert "looked at and left alone" in banners(web.get(path).text)
    assert web.post(CONFIGURATION, {"network.domain": "meters.example"}).status_code == 303
    assert web.post(LINK_CONFIGURATION, {"link.speed": "10"}).status_code == 303


@pytest.mark.parametrize(
    ("path", "name", "typed"),
    [(CONFIGURATION, "network.domain", "typed.example"), (LINK_CONFIGURATION, "link.speed", "10")],
)
def test_a_form_that_lay_open_too_long_comes_back_with_what_was_typed(
    web: Web, path: str, name: str, typed: str
) -> None:
    token = web.token()
    web.now += 13 * 3600
    answer = web.post(path, {name: typed, "form_token": token})
    assert answer.status_code == 403
    assert "open for so long" in banners(answer.text)
    assert typed in row_of(answer.text, name)
    assert web.device.settings.saved[find(name)] != typed
