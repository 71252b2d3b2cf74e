"""System > Configuration: export, import in two steps, and everything on paper."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appliance.errors import SaveFailed
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.settings import DECLARATIONS, Difference, http
from appliance.settings.document import LARGEST
from appliance.web.form_token import FIELD
from appliance.web.pages.system.pending import LIFETIME, MOST, PendingImports
from tests.web.rig import HOSTILE, Showing, Web, cells, text_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

UPLOAD = "/system/configuration/import"


@pytest.fixture(autouse=True)
def _owned(web: Web) -> None:
    web.set_password()


def upload(web: Web, content: bytes | str, name: str = "settings.toml") -> TestResponse:
    data = content.encode() if isinstance(content, str) else content
    parts = (
        f'--limit\r\nContent-Disposition: form-data; name="{FIELD}"\r\n\r\n{web.token()}\r\n',
        f'--limit\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n',
    )
    body = "".join(parts).encode() + data + b"\r\n--limit--\r\n"
    kind = "multipart/form-data; boundary=limit"
    return web.client.post(UPLOAD, data=body, content_type=kind, environ_overrides=web.environ())


def key_of(page: TestResponse) -> str:
    found = re.search(r'name="import" value="([^"]+)"', page.text)
    assert found is not None, text_of(page.text)
    return found[1]


def apply(web: Web, key: str) -> TestResponse:
    return web.post("/system/configuration/apply", {"import": key})


def exported(web: Web) -> str:
    answer = web.get("/system/configuration/export")
    assert answer.status_code == 200
    return answer.text


def test_the_export_is_a_file_that_nobody_keeps(web: Web) -> None:
    web.device.settings.set({"network.hostname": "boiler-room"}, save=True)
    answer = web.get("/system/configuration/export")
    assert answer.text == web.device.settings.export()
    disposition = answer.headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="cme3000-boiler-room-\d{4}-\d\d-\d\d\.toml"', disposition)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/toml; charset=utf-8"
    assert "checked against" in text_of(web.get("/system/configuration").text)


def test_a_file_is_compared_first_and_then_applied(web: Web) -> None:
    text = exported(web).replace("port = 10001", "port = 10007").replace("dhcp = true", "dhcp = false")
    text = text.replace("keep_alive = 45000", "keep_alive = 60000")
    page = upload(web, text)
    assert page.status_code == 200
    shown = text_of(re.sub(r"</t[hd]>", " | ", page.text))
    assert "The file would change 3 settings" in shown
    assert "DHCP client | on | offTakes effect after a reboot. |" in shown
    assert "Local port | 10001 | 10007 |" in shown
    assert "TCP keep alive (ms) | 45000 | 60000 |" in shown
    assert web.device.settings.running[DECLARATIONS[1]] is True
    answer = apply(web, key_of(page))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/system/configuration")
    assert "applied and saved" in web.get("/system/configuration").text
    assert "port = 10007" in web.device.settings.export()
    assert web.device.settings.is_saved
    # Once.
    again = apply(web, key_of(page))
    assert again.status_code == 400
    assert "no longer there" in again.text


def test_secrets_are_never_shown(web: Web) -> None:
    text = re.sub(r'"[0-9a-f]{64}"', f'"{"ab" * 32}"', exported(web))
    page = upload(web, text)
    assert "(new passwords)" in page.text
    assert "ab" * 32 not in page.text
    broken = upload(web, text.replace("ab" * 32, "no digest"))
    assert broken.status_code == 400
    assert "http.authentication" in broken.text
    assert "no digest" not in broken.text


def test_all_errors_at_once_by_name_and_nothing_changed(web: Web) -> None:
    before = exported(web)
    text = before.replace("port = 10001", "port = 99999").replace('"2400"', '"1200"').replace("= 2400", "= 1200")
    page = upload(web, text + "\n[nonsense]\nx = 1\n[tunnle]\nport = 5\n")
    assert page.status_code == 400
    found = dict(cells(page.text))
    assert "99999" in found["tunnel.port"]
    assert "1200" in found["line.baud_rate"]
    assert found["nonsense.x"] == "There is no such setting."
    assert "tunnel.port" in found["tunnle.port"]
    assert "Nothing was changed" in page.text
    assert web.device.settings.export() == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "nothing to apply"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"<html>", "cannot be read"),
        (b"schema = 99\n", "schema"),
        (b"x" * (LARGEST + 1), "too large"),
        (b"a." * 100_000 + b"b = 1", "cannot be read"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "cannot be read"),
        (HOSTILE.encode(), "cannot be read"),
        (f'"{HOSTILE[:25]}" = 1'.encode().replace(b"\r\n", b""), "no such setting"),
    ],
)
def test_what_is_no_configuration(web: Web, content: bytes, told: str) -> None:
    before = web.device.settings.export()
    answer = upload(web, content)
    if answer.status_code == 303:
        answer = web.get("/system/configuration")
    else:
        assert answer.status_code == 400
    assert told in text_of(answer.text)
    assert "<script>alert" not in answer.text
    assert web.device.settings.export() == before


def test_a_thousand_errors_are_counted(web: Web) -> None:
    page = upload(web, "[x]\n" + "".join(f"a{number} = 1\n" for number in range(1000)))
    assert "and 950 more" in page.text
    assert len(page.text) < 30_000


def test_a_form_without_a_file(web: Web) -> None:
    for answer in (web.post(UPLOAD), upload(web, b"", name="")):
        assert answer.status_code == 400
        assert "Choose a file first." in answer.text
    assert web.client.post(UPLOAD, data={}, environ_overrides=web.environ()).status_code == 403


def test_a_file_larger_than_other_requests_may_be(web: Web) -> None:
    filler = "# " + "x" * 200_000 + "\n"
    assert upload(web, exported(web).replace("port = 10001", "port = 10007") + filler).status_code == 200
    assert upload(web, "# " + "x" * (LARGEST + 20_000)).status_code == 413


def test_another_user_cannot_apply_it(web: Web) -> None:
    page = upload(web, exported(web).replace("port = 10001", "port = 10007"))
    web.user = "anna"
    assert apply(web, key_of(page)).status_code == 400
    web.user = "admin"
    for wrong in ("", "x", "\u00e9", key_of(page)[:-1]):
        assert apply(web, wrong).status_code == 400
    assert "port = 10007" not in web.device.settings.export()
    assert apply(web, key_of(page)).status_code == 303


def test_settings_that_changed_meanwhile_are_shown_again(web: Web) -> None:
    page = upload(web, exported(web).replace("port = 10001", "port = 10007"))
    web.device.settings.set({"tunnel.port": "10009", "tunnel.keep_alive": "1000"}, save=True)
    again = apply(web, key_of(page))
    assert again.status_code == 200
    assert "changed in the meantime" in again.text
    assert "TCP keep alive" in again.text
    assert "port = 10009" in web.device.settings.export()
    assert apply(web, key_of(again)).status_code == 303
    assert "port = 10007" in web.device.settings.export()


def test_a_disk_that_refuses(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    page = upload(web, exported(web).replace("port = 10001", "port = 10007"))

    def refuse(_: str) -> None:
        raise SaveFailed("the settings could not be saved: No space left on device")

    monkeypatch.setattr(web.device.settings, "import_", refuse)
    answer = apply(web, key_of(page))
    assert answer.status_code == 500
    assert "No space left on device" in answer.text


def test_a_configuration_that_moves_these_pages_says_where_to(web: Web) -> None:
    class Following(Showing[HttpSnapshot]):
        def snapshot(self) -> HttpSnapshot:
            return replace(self.value, http_port=web.device.settings[http.PORT])

    web.device.http = Following(HttpSnapshot("On (running)", True, 80, 443, 1, 1, HttpCounters()))
    answer = apply(web, key_of(upload(web, exported(web).replace("port = 80\n", "port = 8088\n"))))
    assert answer.status_code == 200
    assert 'href="http://localhost:8088/"' in answer.text
    text = re.sub(r"(\[http\]\nenabled = )true", r"\1false", exported(web))
    answer = apply(web, key_of(upload(web, text)))
    assert "switches these pages off" in answer.text


def test_what_waits_is_little_and_not_for_long() -> None:
    now = 0.0
    pending = PendingImports(lambda: now)
    difference = (Difference("a", "b", "c"),)
    keys = [pending.put(f"user {number}", f"text {number}", difference) for number in range(MOST + 1)]
    assert pending.take("user 0", keys[0]) is None  # the oldest had to go
    newer = pending.put("user 1", "other", difference)
    assert pending.take("user 1", keys[1]) is None
    found = pending.take("user 1", newer)
    assert found is not None
    assert found.text == "other"
    now = LIFETIME - 1
    assert pending.take("user 2", keys[2]) is not None
    now = LIFETIME
    assert pending.take("user 3", keys[3]) is None
    assert pending._kept == {}


def test_the_printable_page_has_every_setting(web: Web) -> None:
    web.device.settings.set({"tunnel.port": "10005", "network.domain": "meters.example"}, save=True)
    answer = web.get("/system/configuration/print")
    assert answer.status_code == 200
    rows = dict(cells(answer.text))
    assert {setting.label for setting in DECLARATIONS} <= set(rows)
    assert rows["Local port"] == "10005"
    assert "Factory default: 10001" in answer.text
    assert rows["TCP keep alive"] == "45000 ms (default)"
    assert rows["DHCP client"] == "on (default)"
    assert rows["Domain"] == "meters.example"
    assert rows["Authentication"] == "set"
    assert rows["Serial number"] == "00000000a1b2c3d4"
    for directive in web.device.settings[http.AUTHENTICATION]:
        for user in directive.users:
            assert user.sha256 not in answer.text
            assert user.md5 not in answer.text
    french = web.get("/system/configuration/print", headers={"Accept-Language": "fr"}).text
    assert "Réglage d&#39;usine : 10001" in french
