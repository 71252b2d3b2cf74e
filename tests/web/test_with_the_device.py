"""The status page of the whole device through its own web server: name, login, page, counters."""

from __future__ import annotations

import http.client
import re
from base64 import b64encode
from typing import TYPE_CHECKING

from appliance.settings import http as http_settings
from appliance.settings.password import has_factory_password
from tests.appliance_rig import Appliance, running
from tests.web.rig import cells

if TYPE_CHECKING:
    from pathlib import Path

BASIC = '[{"uri": "/", "realm": "config", "type": "basic", "users": [%s]}]'
FACTORY = (
    '{"name": "admin", "md5": "3d34f894867d18e8c3bbc8f3f37fbecb", '
    '"sha256": "abba48ef622cc1f48733efbd1d34540cf48e0338400e928604734530abb79a40"}'
)
GOOD = "trois compteurs d'eau"


class Browser:
    """Somebody who knows a password, and keeps cookies."""

    def __init__(self, appliance: Appliance) -> None:
        assert appliance.device.http is not None
        port = appliance.device.http.snapshot().http_port
        assert port is not None
        self.host = f"127.0.0.1:{port}"
        self.password = "admin"  # noqa: S105 (the factory's)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str, str]:
        """Give status, Location and text."""
        login = b64encode(f"admin:{self.password}".encode()).decode()
        sent = {"Host": self.host, "Authorization": f"Basic {login}"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
        connection = http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.request(method, path, body, {**sent, **headers})
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()
        finally:
            connection.close()


def test_status_login_and_the_new_password(tmp_path: Path) -> None:
    with running(
        tmp_path, http__port="0", http__tls_1_2="off", http__tls_1_3="off", http__authentication=BASIC % FACTORY
    ) as appliance:
        appliance.wait_for(
            lambda: appliance.device.http is not None and appliance.device.http.snapshot().http_port, "the web server"
        )
        browser = Browser(appliance)
        status, _, page = browser.ask("GET", "/")
        assert status == 200
        found = dict(cells(page))
        assert found["Accept mode"] == "Waiting"
        assert found["Line 1"] == "M-Bus, 2400, Even, 8, 1, None"
        assert found["two-wire"] == "in use"
        assert re.fullmatch(r"0 days 00:0\d:\d\d", found["Uptime"])
        client = appliance.client()
        assert f"Connected {client.peer}" in browser.ask("GET", "/")[2]

        assert browser.ask("GET", "/", Host="evil.example")[0] == 421
        assert browser.ask("GET", "/", Authorization="")[0] == 401
        assert browser.ask("GET", "//password")[0] == 400
        assert browser.ask("GET", "/nix")[0] == 404

        token = re.findall(r'name="form_token" value="([^"]+)"', browser.ask("GET", "/password")[2])[0]
        form = f"form_token={token}&new={GOOD}&again={GOOD}"
        assert browser.ask("POST", "/password", form, Origin="http://evil.example")[0] == 403
        assert has_factory_password(appliance.settings[http_settings.AUTHENTICATION])
        assert browser.ask("POST", "/password", form)[:2] == (303, "/")
        assert not has_factory_password(appliance.settings[http_settings.AUTHENTICATION])
        # Log in anew.
        assert browser.ask("GET", "/")[0] == 401
        browser.password = GOOD
        status, _, page = browser.ask("GET", "/")
        assert status == 200
        assert "The new password is set." in page
        assert "The factory password is still in use" not in page
