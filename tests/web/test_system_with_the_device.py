"""System on the whole device: what is asked for happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from appliance.settings import Settings, User, line, network
from appliance.supervision.journal import RestartJournal
from appliance.supervision.restart import Kind
from tests.appliance_rig import Appliance, running
from tests.web.test_with_the_device import BASIC, Browser

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

PASSWORD = "trois compteurs d'eau"  # noqa: S105 (of these tests alone)
USER = User.with_password("admin", "config", PASSWORD)
OWNED = f'{{"name": "admin", "md5": "{USER.md5}", "sha256": "{USER.sha256}"}}'


def device(folder: Path) -> AbstractContextManager[Appliance]:
    return running(folder, http__port="0", http__tls_1_2="off", http__tls_1_3="off", http__authentication=BASIC % OWNED)


def browser(appliance: Appliance) -> Browser:
    appliance.wait_for(
        lambda: appliance.device.http is not None and appliance.device.http.snapshot().http_port, "the web server"
    )
    visitor = Browser(appliance)
    visitor.password = PASSWORD
    return visitor


def token(visitor: Browser) -> str:
    status, _, page = visitor.ask("GET", "/system/reboot")
    assert status == 200
    return str(re.findall(r'name="form_token" value="([^"]+)"', page)[0])


def post(visitor: Browser, path: str, **fields: str) -> tuple[int, str, str]:
    return visitor.ask("POST", path, urlencode({"form_token": token(visitor), **fields}))


def test_a_reboot_ends_the_run_after_its_page_was_sent(tmp_path: Path) -> None:
    with device(tmp_path) as appliance:
        visitor = browser(appliance)
        client = appliance.client()
        assert client.peer in visitor.ask("GET", "/system/reboot/confirmation")[2]
        status, _, page = post(visitor, "/system/reboot/confirmation")
        assert status == 200
        assert f'data-url="http://{visitor.host}/"' in page
        appliance.await_end()
        assert appliance.verdict is None
        assert appliance.rebooter.why == "asked for by admin on the web pages"
    journal = RestartJournal(tmp_path / "state")
    journal.begin()
    assert journal.last is not None
    assert (journal.last.kind, journal.last.why) == (Kind.REBOOT, "asked for by admin on the web pages")


def test_factory_defaults_are_on_the_disk_and_the_certificate_is_gone(tmp_path: Path) -> None:
    with device(tmp_path) as appliance:
        appliance.device.certificate.generate(["cme3000"])
        appliance.settings.set({"line.baud_rate": "300"}, save=True)
        status, _, page = post(browser(appliance), "/system/defaults/static")
        assert status == 200
        assert "admin with the password admin" in page
        appliance.await_end()
        assert not appliance.device.certificate.exists
    saved = Settings(tmp_path / "state").saved
    assert saved[line.BAUD_RATE] == 2400
    assert saved[network.DHCP] is False
    assert str(saved[network.ADDRESS]) == "192.168.0.10/24"
    journal = RestartJournal(tmp_path / "state")
    journal.begin()
    assert journal.last is not None
    assert journal.last.kind is Kind.FACTORY_RESET


def test_an_imported_baud_rate_is_in_force(tmp_path: Path) -> None:
    with device(tmp_path) as appliance:
        visitor = browser(appliance)
        status, _, text = visitor.ask("GET", "/system/configuration/export")
        assert (status, USER.sha256 in text) == (200, True)
        text = '[line]\nbaud_rate = "300"\n' + "# filler\n" * 10_000  # larger than a form may be
        field = "--limit\r\nContent-Disposition: form-data; name="
        body = f'{field}"form_token"\r\n\r\n{token(visitor)}\r\n'
        body += f'{field}"file"; filename="a.toml"\r\n\r\n{text}\r\n--limit--\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=limit"}
        status, _, page = visitor.ask("POST", "/system/configuration/import", body, **kind)
        assert status == 200, page
        assert "The file would change 1 setting." in page
        assert appliance.device.line.snapshot().baud == 2400
        key = re.findall(r'name="import" value="([^"]+)"', page)[0]
        status, where, _ = post(visitor, "/system/configuration/apply", **{"import": key})
        assert (status, where) == (303, "/system/configuration")
        appliance.wait_for(lambda: appliance.device.line.snapshot().baud == 300, "the new speed")
        assert appliance.settings.saved[line.BAUD_RATE] == 300


def test_identify_flashes_the_panel(tmp_path: Path) -> None:
    with device(tmp_path) as appliance:
        visitor = browser(appliance)
        panel = appliance.device.panel
        assert panel is not None
        assert not panel.snapshot().is_identifying
        assert post(visitor, "/system/identify")[0] == 303
        appliance.wait_for(lambda: panel.snapshot().is_identifying, "the LEDs")
        assert ">flashing<" in visitor.ask("GET", "/system/identify")[2]


def test_log_and_checks_of_the_running_device(tmp_path: Path) -> None:
    with device(tmp_path) as appliance:
        visitor = browser(appliance)
        page = visitor.ask("GET", "/system/log")[2]
        for name in ("panel", "link", "line", "tunnel", "web"):
            assert f'data-live="system.service_{name}_state">running<' in page
        found = visitor.ask("GET", "/system/troubleshooting")[2]
        assert "Nobody has asked a meter" in found
        appliance.exchange(appliance.client())
        found = visitor.ask("GET", "/system/troubleshooting")[2]
        assert "5 bytes sent, 1 bytes received" in found
        appliance.board.short_circuit(True)
        panel = appliance.device.panel
        assert panel is not None
        appliance.wait_for(lambda: panel.snapshot().has_short_circuit, "the short circuit")
        found = visitor.ask("GET", "/system/troubleshooting")[2]
        assert found.index("ERR is lit") < found.index("5 bytes sent")
