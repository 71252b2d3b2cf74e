"""HTTP: statistics, log and configuration, each field with its value, good and bad input, and what is asked first."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from appliance.httpd.exchange import Exchange
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.settings import http
from tests.web.rig import HOSTILE, Showing, Web, cells, text_of

if TYPE_CHECKING:
    from pathlib import Path

COUNTERS = [
    "rx_bytes", "tx_bytes", "status_200", "status_400", "status_401", "status_404", "status_408", "status_413",
    "status_501", "status_unknown", "work_queue_full", "socket_error", "memory_error",
]  # fmt: skip
LABELS = [
    "Rx bytes", "Tx bytes", "200 OK", "400 Bad request", "401 Login required", "404 Not found", "408 Request timeout",
    "413 Request too large", "501 Not implemented", "Status unknown", "Work queue full", "Socket error", "Memory error",
]  # fmt: skip


@pytest.fixture
def web(tmp_path: Path) -> Web:
    web = Web(tmp_path)
    web.set_password()
    show(web)
    return web


def show(web: Web, *, state: str = "On (running)", https_port: int | None = None) -> None:
    web.device.http = Showing(HttpSnapshot(state, True, 80, https_port, 3, 1, HttpCounters()))


def log_line(web: Web, **values: object) -> None:
    exchange = Exchange(peer="192.0.2.7", port=80, method="GET", target="/", version="HTTP/1.1", status=200)
    for name, value in values.items():
        setattr(exchange, name, value)
    web.device.access_log.add(exchange)


def mark_in(page: str) -> str:
    """Give the value of the button that confirms, empty where there is none."""
    found = re.search(r'<button class="danger" name="confirmed" value="(\w+)"', page)
    return found[1] if found else ""


def test_every_counter_in_its_order(web: Web) -> None:
    counts = {name: 1000 + index for index, name in enumerate(COUNTERS)}
    web.device.http = Showing(HttpSnapshot("On (running)", True, 80, None, 3, 1, HttpCounters(**counts)))
    web.device.http.value.counters.connections_refused = 7
    page = web.get("/http/statistics").text
    rows = [(label, value) for label, value in cells(page)]
    assert rows[:13] == [(label, str(1000 + index)) for index, label in enumerate(LABELS)]
    assert re.findall(r'data-live="http\.(\w+)"', page)[:13] == COUNTERS
    found = dict(rows)
    assert found["Log size"] == "0 entries (0 bytes)"
    assert found["Open connections"] == "3"
    assert found["Answers being made"] == "1"
    assert found["Connections refused"] == "7"
    assert found["Connections closed to make room"] == "0"


def test_the_size_of_the_log_its_view_and_its_clearing(web: Web) -> None:
    log_line(web)
    octets = web.device.access_log.size[1]
    page = web.get("/http/statistics").text
    assert dict(cells(page))["Log size"] == f"1 entry ({octets} bytes)"
    assert 'href="/http/log"' in page
    assert web.get("/http/log/clear").status_code == 405
    assert web.device.access_log.size[0] == 1
    assert web.post("/http/log/clear").headers["Location"] == "/http/log"
    assert web.device.access_log.size == (0, 0)
    assert "The log is empty." in web.get("/http/log").text


def test_the_log_has_the_newest_line_first_and_nothing_hostile(web: Web) -> None:
    web.device.settings.set({"http.log_format": '<b>%U "%{User-Agent}i"'}, save=True)
    for number in range(3):
        log_line(web, target=f"/{number}", headers={"User-Agent": HOSTILE})
    page = web.get("/http/log").text
    lines = [text_of(line) for line in re.findall(r"<li>(<?&lt;b.*?)</li>", page)]
    assert lines == list(web.device.access_log.lines()[::-1])
    assert [line[:5] for line in lines] == ["<b>/2", "<b>/1", "<b>/0"]
    assert "<script>alert" not in page
    assert "\u202e" not in page
    answer = web.get("/http/log/download")
    assert answer.text == "".join(f"{line}\n" for line in web.device.access_log.lines())
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="http-log.txt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_log_says_when_it_is_off(web: Web) -> None:
    assert "Logging is off" not in web.get("/http/log").text
    web.device.settings.set({"http.logging": "off"}, save=True)
    assert "Logging is off" in web.get("/http/log").text


GOOD = [
    ("http.https_port", "8443", 8443),
    ("http.https_port", "", 443),
    ("http.tls_1_2", "off", False),
    ("http.tls_1_3", "off", False),
    ("http.max_timeout", "1", 1),
    ("http.max_timeout", "600", 600),
    ("http.max_bytes", "1024", 1024),
    ("http.max_bytes", "1048576", 1_048_576),
    ("http.logging", "off", False),
    ("http.max_log_entries", "1", 1),
    ("http.max_log_entries", "1000", 1000),
    ("http.log_format", "%a %b %{X-Any}i", "%a %b %{X-Any}i"),
    ("http.log_format", "", http.LOG_FORMAT.default),
    ("http.host_names", "Gateway.Plant.example, b.example", ("gateway.plant.example", "b.example")),
    ("http.host_names", "", ()),
]
BAD = [
    ("http.enabled", "maybe"),
    ("http.port", "0"),
    ("http.port", "65536"),
    ("http.port", "10001"),  # the tunnel's
    ("http.https_port", "80"),
    ("http.https_port", "x"),
    ("http.tls_1_2", ""),
    ("http.max_timeout", "0"),
    ("http.max_timeout", "601"),
    ("http.max_timeout", "1.5"),
    ("http.max_bytes", "1023"),
    ("http.max_bytes", "1048577"),
    ("http.logging", "2"),
    ("http.max_log_entries", "0"),
    ("http.max_log_entries", "1001"),
    ("http.log_format", "%z"),
    ("http.log_format", "%"),
    ("http.log_format", "x" * 513),
    ("http.log_format", HOSTILE),
    ("http.host_names", "a_b.example"),
    ("http.host_names", HOSTILE),
]


def test_good_input_is_taken_and_saved(web: Web) -> None:
    settings = web.device.settings
    for name, text, value in GOOD:
        answer = web.post("/http/configuration", {name: text})
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/http/configuration"), (name, text)
        assert {setting.name: settings.saved[setting] for setting in settings.saved}[name] == value
        assert not settings.unsaved
    assert "saved and in force" in web.get("/http/configuration").text


def test_bad_input_is_refused_beside_its_field_and_kept(web: Web) -> None:
    before = web.device.settings.saved
    for name, text in BAD:
        answer = web.post("/http/configuration", {"http.max_log_entries": "77", name: text})
        assert answer.status_code == 400, (name, text)
        assert web.device.settings.saved is before
        error = re.search(rf'id="{name.replace(".", "-")}-error">([^<]*)<', answer.text)
        assert error is not None, (name, text)
        assert error[1].startswith("Not possible")
        assert "<script>alert" not in answer.text
        if name not in ("http.enabled", "http.tls_1_2", "http.logging"):  # radio buttons cannot show what is none
            field = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', answer.text)
            assert field is not None
            assert html.unescape(field[1]) == text
        if name != "http.max_log_entries":
            assert 'name="http.max_log_entries" value="77"' in answer.text


def test_the_versions_that_are_not_offered_say_why(web: Web) -> None:
    page = web.get("/http/configuration").text
    for name, rfc in (("SSL3", "RFC 7568"), ("TLS 1.0", "RFC 8996"), ("TLS 1.1", "RFC 8996")):
        row = re.search(rf'<span class="label">{name}</span>(.*?)</small>', page, re.DOTALL)
        assert row is not None
        assert "Not available" in row[1]
        assert rfc in row[1]
        assert dict(cells(page))[name] == "Not available"


def test_the_current_configuration(web: Web) -> None:
    found = dict(cells(web.get("/http/configuration").text))
    assert found["State"] == "On (running)"
    assert found["HTTP port"] == "80"
    assert found["HTTPS port"] == "<None>"
    assert found["TLS 1.2"] == "on"
    assert found["Max timeout"] == "10 s"
    assert found["Max bytes"] == "40960 bytes"
    assert found["Logging"] == "on"
    assert found["Max log entries"] == "50 entries"
    assert found["Log format"] == http.LOG_FORMAT.default
    show(web, state="cannot listen on port 443: address in use", https_port=None)
    web.device.certificate.generate(["cme3000"])
    page = web.get("/http/configuration", headers={"Accept-Language": "fr"}).text
    assert "impossible d&#39;écouter sur le port 443" in page


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "There is no certificate."),
        ({"http.tls_1_2": "off", "http.tls_1_3": "off"}, "No protocol version is switched on."),
        ({"http.enabled": "off"}, "The server is off."),
    ],
)
def test_why_https_is_not_served(web: Web, changes: dict[str, str], reason: str) -> None:
    web.device.settings.set(changes, save=True)
    page = web.get("/http/configuration").text
    assert f'<td><span data-live="http.https_port">&lt;None&gt;</span><small>{reason}</small></td>' in page
    show(web, https_port=443)
    assert reason not in web.get("/http/configuration").text


def test_the_log_format_is_previewed_and_not_saved(web: Web) -> None:
    before = web.device.settings.saved
    answer = web.post("/http/configuration/preview", {"http.log_format": "%m %s %U %q <i>", "http.max_bytes": "2000"})
    assert answer.status_code == 200
    assert "<samp>GET 200 /http/log ?page=2 &lt;i&gt;</samp>" in answer.text
    assert 'value="%m %s %U %q &lt;i&gt;"' in answer.text
    assert 'name="http.max_bytes" value="2000"' in answer.text
    assert web.device.settings.saved is before
    answer = web.post("/http/configuration/preview", {"http.log_format": "%y"})
    assert answer.status_code == 400
    assert "The format above cannot be used." in answer.text
    assert "no directive begins" in answer.text


def test_a_login_is_not_in_the_preview(web: Web) -> None:
    texts = {"http.log_format": "%{Authorization}i|%{cookie}i|%{user-agent}i"}
    web.client.set_cookie("session", "secret")
    answer = web.post("/http/configuration/preview", texts, headers={"User-Agent": "Tester/1"})
    assert "|...|Tester/1</samp>" in answer.text


def test_each_directive_of_the_log_is_explained(web: Web) -> None:
    page = web.get("/http/configuration").text
    for letter in "abBhmpqtuUrs":
        assert f"<dt><code>%{letter}</code></dt>" in page


def test_a_moved_port_is_confirmed_and_leads_on(web: Web) -> None:
    texts = {"http.port": "8080", "http.max_bytes": "5000"}
    page = web.post("/http/configuration", texts)
    assert page.status_code == 200
    assert '<a href="http://localhost:8080/http/configuration">' in page.text
    assert 'name="http.max_bytes" value="5000"' in page.text
    assert web.device.settings[http.PORT] == 80
    # The Enter key must not confirm: the first button of the form is another.
    form = page.text[page.text.index('action="/http/configuration"') :]
    assert "danger" not in re.findall(r"<button[^>]*>", form)[0]
    mark = mark_in(page.text)
    # What was confirmed is one consequence, not any.
    other = web.post("/http/configuration", {**texts, "http.port": "8081", "confirmed": mark})
    assert web.device.settings[http.PORT] == 80
    assert mark_in(other.text) not in ("", mark)
    done = web.post("/http/configuration", {**texts, "confirmed": mark})
    assert done.status_code == 200
    assert web.device.settings[http.PORT] == 8080
    assert done.headers["Refresh"] == "2; url=http://localhost:8080/http/configuration"
    assert 'href="http://localhost:8080/http/configuration"' in done.text


def test_over_https_its_own_port_counts(web: Web) -> None:
    web.device.certificate.generate(["cme3000"])
    show(web, https_port=443)
    secure = {"wsgi.url_scheme": "https"}
    token = web.token()

    def post(**texts: str) -> str:
        data = {"form_token": token, **{name.replace("__", "."): text for name, text in texts.items()}}
        return web.client.post("/http/configuration", data=data, environ_overrides=web.environ(**secure)).text

    assert mark_in(post(http__port="8080")) == ""
    assert web.device.settings[http.PORT] == 8080
    assert '<a href="https://localhost:8443/http/configuration">' in post(http__https_port="8443")
    page = post(http__tls_1_2="off", http__tls_1_3="off")
    assert "HTTPS ends at once" in page
    assert '<a href="http://localhost:8080/http/configuration">' in page
    assert web.device.settings[http.HTTPS_PORT] == 443


def test_the_name_by_which_the_page_was_opened_does_not_go_unasked(web: Web) -> None:
    web.device.settings.set({"http.host_names": "meters.plant.example, other.example"}, save=True)
    texts = {"http.host_names": "other.example"}
    assert web.post("/http/configuration", texts).status_code == 303  # opened by another name
    web.device.settings.set({"http.host_names": "meters.plant.example"}, save=True)
    page = web.post("/http/configuration", texts, base_url="http://meters.plant.example:8080")
    assert "by the name meters.plant.example, which is refused then" in page.text
    assert web.device.settings[http.HOST_NAMES] == ("meters.plant.example",)
    web.device.settings.set({"network.hostname": "meters", "network.domain": "plant.example"}, save=True)
    assert web.post("/http/configuration", texts, base_url="http://meters.plant.example").status_code == 303


def test_switching_off_is_confirmed(web: Web) -> None:
    page = web.post("/http/configuration", {"http.enabled": "off"})
    assert "The console or the factory reset button brings them back." in page.text
    assert web.device.settings[http.ENABLED]
    web.device.settings.set({"console.enabled": "off"}, save=True)
    page = web.post("/http/configuration", {"http.enabled": "off", "confirmed": mark_in(page.text)})
    assert "only the factory reset button brings them back" in page.text
    assert web.device.settings[http.ENABLED]
    page = web.post("/http/configuration", {"http.enabled": "off", "confirmed": mark_in(page.text)})
    assert "The web server is off" in page.text
    assert not web.device.settings[http.ENABLED]


def test_a_form_that_was_open_for_too_long_keeps_what_was_typed(web: Web) -> None:
    token = web.token()
    web.now += 13 * 3600
    data = {"form_token": token, "http.log_format": "%h typed"}
    for path in ("/http/configuration", "/http/configuration/preview"):
        answer = web.client.post(path, data=data, environ_overrides=web.environ())
        assert answer.status_code == 403
        assert 'value="%h typed"' in answer.text


def test_without_a_server_of_its_own_the_pages_still_answer(web: Web) -> None:
    web.device.http = None
    for path in ("statistics", "configuration", "authentication", "certificate", "log"):
        assert web.get(f"/http/{path}").status_code == 200
