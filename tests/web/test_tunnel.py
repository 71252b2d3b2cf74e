"""M-Bus TCP/IP: counters, accept mode, disconnect mode."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from markupsafe import escape

from appliance.settings import find
from appliance.tunnel.statistics import ClientSnapshot, Counters
from tests.web.rig import HOSTILE, current_beside, row_of, text_of, tunnel

if TYPE_CHECKING:
    from tests.web.rig import Web

STATISTICS, ACCEPT, DISCONNECT = "/tunnel/statistics", "/tunnel/accept", "/tunnel/disconnect"


@pytest.fixture
def web(web: Web) -> Web:
    web.set_password()
    return web


def facts(page: str, heading: str) -> list[tuple[str, str]]:
    table = page[page.index(f">{heading}</h2>") :].split("</table>", maxsplit=1)[0]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td[^>]*>(.*?)</td></tr>', table)
    return [(text_of(label), text_of(value)) for label, value in rows]


def test_the_statistics_have_every_counter_in_order(web: Web) -> None:
    counters = Counters(
        completed_accepts=12,
        completed_connects=1,
        disconnects=11,
        dropped_accepts=2,
        dropped_connects=4,
        octets_from_serial=123456,
        octets_from_network=789,
        octets_dropped=3,
    )
    web.device.tunnel.value = replace(tunnel(), counters=counters, accept_connection_seconds=2 * 86400 + 3661.9)
    assert facts(web.get(STATISTICS).text, "Aggregate counters") == [
        ("Completed accepts", "12"),
        ("Completed connects", "1"),
        ("Disconnects", "11"),
        ("Dropped accepts", "2"),
        ("Dropped connects", "4"),
        ("Octets forwarded from serial", "123456"),
        ("Octets forwarded from network", "789"),
        ("Accept connection time", "2 days 01:01:01"),
        ("Connect 1 connection time", "0 days 00:00:00"),
        ("Octets from serial without a client", "3"),
    ]


def test_the_state_of_both_modes_is_shown_with_the_peers(web: Web) -> None:
    clients = (ClientSnapshot("192.0.2.7:51512", True, True, 77.0), ClientSnapshot("192.0.2.8:4000", False, False, 5.0))
    state = "Connected 192.0.2.7:51512, 192.0.2.8:4000"
    web.device.tunnel.value = replace(tunnel(state, *clients), tls_port=10002)
    page = web.get(STATISTICS).text
    assert facts(page, "Current state") == [
        ("Connect mode", "Disabled"),
        ("Accept mode", state),
        ("Local port", "10001"),
        ("TLS port", "10002"),
    ]
    assert facts(page, "Clients") == [
        ("192.0.2.7:51512", "0 days 00:01:17TLS, has the bus"),
        ("192.0.2.8:4000", "0 days 00:00:05"),
    ]


@pytest.mark.parametrize(
    ("state", "port", "is_bad"),
    [
        ("Waiting", 10001, False),
        ("Disabled", None, False),
        ("No serial line: /dev/ttyAMA0: no such file", 10001, True),
        ("cannot listen on port 10001: Address already in use", None, True),
    ],
)
def test_a_state_that_is_a_fault_stands_out(web: Web, state: str, port: int | None, is_bad: bool) -> None:
    web.device.tunnel.value = tunnel(state, port=port)
    page = web.get(STATISTICS).text
    assert dict(facts(page, "Current state"))["Accept mode"] == state
    assert ('class="bad"' in page) is is_bad
    assert "<h2" not in page.split("Current state")[1]  # no card of clients


def test_every_value_that_moves_has_a_name_of_its_own(web: Web) -> None:
    keys = re.findall(r'data-live="([^"]+)"', web.get(STATISTICS).text)
    assert len(keys) == len(set(keys)) == 14
    assert all(re.fullmatch(r"tunnel\.[a-z0-9_]+", key) for key in keys)


def test_the_accept_mode_has_every_field_with_its_current_value_and_help(web: Web) -> None:
    page = web.get(ACCEPT).text
    wanted = {
        "tunnel.accept_mode": ("Mode", "Waiting"),
        "tunnel.port": ("Local port", "10001"),
        "tunnel.keep_alive": ("TCP keep alive", "45000 ms"),
        "tunnel.policy": ("Accept policy", "refuse"),
        "tunnel.lease_quiet": ("Quiet time", "0 ms"),
        "tunnel.allow": ("Allowed clients", ""),
        "tunnel.tls_port": ("TLS port", "<None>"),
    }
    assert re.findall(r'name="(tunnel[^"]*)"', page) == list(wanted)
    assert page.index("tunnel.keep_alive") < page.index("<h2>Additions</h2>") < page.index("tunnel.policy")
    for name, (label, value) in wanted.items():
        assert text_of(row_of(page, name)).startswith(label)
        assert current_beside(page, name) == value, name
        assert f"<dt>{label}</dt>" in page


def test_the_current_port_is_the_one_that_is_listened_on(web: Web) -> None:
    web.device.settings.override({"tunnel.port": "0"})
    web.device.tunnel.value = tunnel(port=43210)
    assert current_beside(web.get(ACCEPT).text, "tunnel.port") == "43210"


GOOD = [
    ("tunnel.accept_mode", "disabled", "disabled"),
    ("tunnel.accept_mode", "always", "always"),
    ("tunnel.port", "1", "1"),
    ("tunnel.port", "65535", "65535"),
    ("tunnel.port", "", "10001"),
    ("tunnel.port", " 10003 ", "10003"),
    ("tunnel.keep_alive", "0", "0"),
    ("tunnel.keep_alive", "1000", "1000"),
    ("tunnel.keep_alive", "7200000", "7200000"),
    ("tunnel.keep_alive", "", "45000"),
    ("tunnel.policy", "takeover", "takeover"),
    ("tunnel.policy", "shared", "shared"),
    ("tunnel.policy", "refuse", "refuse"),
    ("tunnel.lease_quiet", "60000", "60000"),
    ("tunnel.allow", "10.0.0.0/8, 192.0.2.7 fd00::/8", "10.0.0.0/8, 192.0.2.7, fd00::/8"),
    ("tunnel.allow", "", ""),
    ("tunnel.tls_port", "10002", "10002"),
    ("tunnel.tls_port", "0", "0"),
]
BAD = [
    ("tunnel.accept_mode", "sometimes"),
    ("tunnel.port", "0"),
    ("tunnel.port", "65536"),
    ("tunnel.port", "1_000"),
    ("tunnel.port", "-1"),
    ("tunnel.port", "٨٠"),
    ("tunnel.keep_alive", "999"),
    ("tunnel.keep_alive", "7200001"),
    ("tunnel.keep_alive", "45 s"),
    ("tunnel.policy", "queue"),
    ("tunnel.lease_quiet", "60001"),
    ("tunnel.allow", "10.0.0.1/8"),
    ("tunnel.allow", "meters.example"),
    ("tunnel.tls_port", "70000"),
]


def test_what_is_right_is_saved_and_in_force_and_blank_is_the_factory_default(web: Web) -> None:
    settings = web.device.settings
    for name, typed, stored in GOOD:
        answer = web.post(ACCEPT, {name: typed})
        assert (answer.status_code, answer.location) == (303, ACCEPT), (name, typed)
        setting = find(name)
        assert setting.type.format(settings.saved[setting]) == stored, (name, typed)
        assert settings.in_force[setting] == settings.saved[setting]
        assert "The settings are saved and in force." in web.get(ACCEPT).text


def test_what_is_wrong_is_refused_beside_the_field_and_nothing_changes(web: Web) -> None:
    before = web.device.settings.saved
    for name, typed in [*BAD, *((name, HOSTILE) for name in dict.fromkeys(name for name, _, _ in GOOD))]:
        answer = web.post(ACCEPT, {"tunnel.policy": "shared", name: typed})
        assert answer.status_code == 400, (name, typed)
        assert 'class="error"' in row_of(answer.text, name), (name, typed)
        assert f'value="{escape(typed)}"' in row_of(answer.text, name), (name, typed)
        assert "<script>" not in answer.text
        assert web.device.settings.saved == before, (name, typed)


def test_a_port_of_another_service_is_refused_at_both_fields(web: Web) -> None:
    page = web.post(ACCEPT, {"tunnel.port": "10009", "tunnel.tls_port": "10009"}).text
    assert 'class="error"' in row_of(page, "tunnel.port")
    assert 'class="error"' in row_of(page, "tunnel.tls_port")


@pytest.mark.parametrize(
    ("typed", "is_good"),
    [
        ("0", True),
        ("1", True),
        ("10000", True),
        ("86400000", True),
        ("", False),
        ("86400001", False),
        ("1.5", False),
        (HOSTILE, False),
    ],
)
def test_the_disconnect_mode_takes_milliseconds_and_zero_for_never(web: Web, typed: str, is_good: bool) -> None:
    page = web.get(DISCONNECT).text
    assert text_of(row_of(page, "tunnel.disconnect_timeout")).startswith("Timeout")
    assert current_beside(page, "tunnel.disconnect_timeout") == "10000 ms"
    answer = web.post(DISCONNECT, {"tunnel.disconnect_timeout": typed})
    if is_good:
        assert (answer.status_code, answer.location) == (303, DISCONNECT)
        assert current_beside(web.get(DISCONNECT).text, "tunnel.disconnect_timeout") == f"{typed} ms"
    else:
        assert answer.status_code == 400
        assert 'class="error"' in row_of(answer.text, "tunnel.disconnect_timeout")
        assert current_beside(answer.text, "tunnel.disconnect_timeout") == "10000 ms"


@pytest.mark.parametrize(("path", "name"), [(ACCEPT, "tunnel.port"), (DISCONNECT, "tunnel.disconnect_timeout")])
def test_a_form_that_lay_open_too_long_comes_back_with_what_was_typed(web: Web, path: str, name: str) -> None:
    token = web.token()
    web.now += 13 * 3600
    answer = web.post(path, {name: "12345", "form_token": token})
    assert answer.status_code == 403
    assert 'value="12345"' in row_of(answer.text, name)
    assert web.device.settings.saved[find(name)] != 12345


def test_the_pages_are_in_french_too(web: Web) -> None:
    page = web.get(STATISTICS, headers={"Accept-Language": "fr"}).text
    assert dict(facts(page, "Compteurs cumulés"))["Acceptations réussies"] == "0"
    assert dict(facts(page, "État actuel"))["Mode acceptation"] == "En attente"
