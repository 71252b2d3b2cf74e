"""The device answers to its addresses and its names, and to no name that a stranger may have lent it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.network.announcer import AnnouncerSnapshot
from appliance.network.facts import Fact, NetworkFacts
from appliance.web.gated import GatedApplication
from appliance.web.host_check import HostCheck, name_of
from appliance.web.menu import Section, Tab
from appliance.web.pages import SECTIONS
from tests.web.rig import Showing, Web, network

if TYPE_CHECKING:
    from pathlib import Path
    from wsgiref.types import WSGIApplication, WSGIEnvironment

OURS = [
    "192.168.1.5",
    "192.168.1.5:8080",
    "10.0.0.1:",
    "[fe80::1]",
    "[fe80::1%eth0]:443",
    "[fe80::1%25eth0]",
    "[::ffff:192.168.1.5]",
    "localhost",
    "LOCALHOST:80",
    "gateway",
    "some_box",
    "cme3000",
    "CME3000:80",
    "cme3000.local",
    "cme3000.local.",
    "cme3000.plant.example:8443",
    "dhcp-name.plant.example",
    "cme3000-2.local",
    "cme3000.meters.example",
    "cme3000.search.example:80",
    "system-name.local",
    "portal.example",
    "Portal.Example.",
    "",
]
STRANGERS = [
    "evil.example",
    "cme3000.evil.example",
    "cme3000.local.evil.example",
    "cme3000.example",
    "xcme3000.local",
    "cme3000x.local",
    "www.portal.example",
    "portal.example.evil",
    "192.168.1.5.evil.example",
    "1.2.3.4.5",
    "0x7f.0.0.1",
    "192.168.1",
    "evil.localhost",
    "fe80::1",
]
RUBBISH = [
    "[fe80::1",
    "fe80::1]",
    "[192.168.1.5]x",
    "[nothing]",
    "a..b",
    ".",
    ".local",
    "a b",
    "cme3000/evil.example",
    "user@cme3000",
    "cme3000:http",
    "cme3000:99999",
    "cme3000:-1",
    "cme3000\x00",
    "b\u00fccher.example",
    "a" * 300,
    "a" * 64,
    ",",
    "<script>",
]


@pytest.fixture
def named(web: Web) -> HostCheck:
    web.device.settings.set(
        {"network.hostname": "cme3000", "network.domain": "meters.example", "http.host_names": "portal.example"},
        save=True,
    )
    facts = NetworkFacts(
        hostname=Fact("dhcp-name"), domain=Fact("Plant.Example"), search=Fact("lan.example search.example")
    )
    web.device.network = network(current=facts)
    web.device.announcer = Showing(AnnouncerSnapshot(name="cme3000-2.local"))
    return HostCheck(web.device, system_name=lambda: "system-name")


def test_whom_it_lets_in(named: HostCheck) -> None:
    assert [host for host in OURS if not named.allows(host)] == []


def test_whom_it_does_not(named: HostCheck) -> None:
    assert [host for host in (*STRANGERS, *RUBBISH) if named.allows(host)] == []


def test_names_count_from_the_moment_that_they_change(web: Web) -> None:
    check = HostCheck(web.device, system_name=lambda: "")
    assert not check.allows("pump.plant.example")
    web.device.settings.set({"network.hostname": "pump", "network.domain": "plant.example"}, save=True)
    assert check.allows("pump.plant.example")
    assert not check.allows("portal.example")
    web.device.settings.set({"http.host_names": "portal.example"}, save=True)
    assert check.allows("portal.example")


@pytest.mark.parametrize(("host", "name"), [("[FE80::1%eth0]:80", "fe80::1"), ("A.B.:1", "a.b"), ("a:", "a")])
def test_what_a_host_header_says(host: str, name: str) -> None:
    assert name_of(host) == name


class Gate:
    """Lets in, or refuses as it is told, and counts."""

    def __init__(self, refusal: WSGIApplication | None = None) -> None:
        self.refusal = refusal
        self.asked = 0

    def check(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        self.asked += 1
        if self.refusal is None:
            environ["cme3000.admitted"] = True
            environ["REMOTE_USER"] = "admin"
        return self.refusal


def ask(application: GatedApplication, host: str, **environ: Any) -> tuple[str, dict[str, str], str]:
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    asked = EnvironBuilder("/").get_environ()
    asked.update({"HTTP_HOST": host, **environ})
    answering = application.admit(asked) or application
    body, status, headers = run_wsgi_app(answering, asked, buffered=True)
    return status, dict(headers), b"".join(body).decode()


def test_a_stranger_s_name_is_refused_before_any_password_is_asked(web: Web) -> None:
    gate = Gate()
    application = GatedApplication(web.app, gate)
    status, headers, page = ask(application, "evil.example")
    assert status == "421 MISDIRECTED REQUEST"
    assert "http.host_names" in page
    assert "Content-Security-Policy" in headers
    assert "00000000a1b2c3d4" not in page
    assert ask(application, "a b")[0] == "400 BAD REQUEST"
    assert gate.asked == 0
    status, _, page = ask(application, "cme3000.local")
    assert status == "200 OK"
    assert gate.asked == 1
    assert "00000000a1b2c3d4" in page


def test_the_gate_s_refusal_gets_our_headers_and_keeps_its_own(web: Web) -> None:
    def refusal(_: Any, start: Any) -> list[bytes]:
        start("401 UNAUTHORIZED", [("WWW-Authenticate", "Basic"), ("Content-Security-Policy", "default-src 'none'")])
        return [b"no"]

    status, headers, page = ask(GatedApplication(web.app, Gate(refusal)), "10.0.0.1")
    assert (status, page) == ("401 UNAUTHORIZED", "no")
    assert headers["WWW-Authenticate"] == "Basic"
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"


def test_uploads_have_the_limits_that_their_section_registers(tmp_path: Path) -> None:
    section = Section(
        "u", __name__, label="U", order=99, tabs=(Tab("none", "U"),), upload_limits={"/system/firmware": 200_000_000}
    )
    web = Web(tmp_path, sections=(*SECTIONS, section))
    application = GatedApplication(web.app, Gate())
    assert application.upload_limit("/system/firmware") == 200_000_000
    assert application.upload_limit("/system") is None
    assert application.upload_limit("/") is None
