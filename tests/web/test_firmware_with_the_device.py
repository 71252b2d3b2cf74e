"""Firmware through the real web server: bodies larger than any limit of pages, on the disk, and gone again."""

from __future__ import annotations

import http.client
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from appliance.update.rules import NAME
from tests.appliance_rig import Appliance, running
from tests.web.firmware_rig import Updates, form_body
from tests.web.visitor import PASSWORD, directives, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGE = bytes(range(256)) * 20_000
"""5 MB."""
PAGE = "/system/firmware"
API = "/api/v1/firmware"
LOGIN = {"Authorization": "Basic " + b64encode(f"admin:{PASSWORD}".encode()).decode()}
FORM = "multipart/form-data; boundary=Xy"


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    with running(tmp_path, http__authentication=directives()) as appliance:
        yield appliance


def port_of(appliance: Appliance) -> int:
    assert appliance.device.http is not None
    port = appliance.device.http.snapshot().http_port
    assert port is not None
    return port


def sent(appliance: Appliance, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(appliance), timeout=20)
    try:
        connection.request("POST", path, body, {**LOGIN, "Content-Type": "application/octet-stream", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def token_of(appliance: Appliance) -> str:
    with visiting(port_of(appliance)) as visitor:
        return visitor.get(PAGE).field("form_token")


def bundles(folder: Path) -> list[Path]:
    return [path for path in (folder / "state").rglob("*") if path.is_file() and path.stat().st_size > 1_000_000]


def test_a_simulated_device_refuses_with_its_reason(appliance: Appliance, tmp_path: Path) -> None:
    with visiting(port_of(appliance)) as visitor:
        page = visitor.get(PAGE)
    assert "This device has no slots for firmware: it is simulated" in page.text
    assert f'action="{PAGE}/upload"' not in page.text
    why = appliance.device.updater.snapshot().why_not
    token = token_of(appliance)
    status, text = sent(appliance, f"{PAGE}/upload?name={NAME}", LARGE, {"X-Form-Token": token})
    assert (status, why in text) == (409, True)
    status, text = sent(appliance, f"{PAGE}/upload", form_body(token, NAME, LARGE), {"Content-Type": FORM})
    assert (status, why in text) == (409, True)
    status, text = sent(appliance, f"{API}/upload?name={NAME}", LARGE, {"X-Requested-With": "test"})
    assert (status, why in text) == (409, True)
    assert bundles(tmp_path) == []


def test_uploads_of_every_kind_arrive_whole(
    appliance: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates = Updates()
    updates.be()
    monkeypatch.setattr(appliance.device._late, "updater", updates)
    token = token_of(appliance)
    assert sent(appliance, f"{PAGE}/upload?name={NAME}", LARGE, {"X-Form-Token": token}) == (204, "")
    assert updates.content == LARGE
    updates.content = b""
    status, _ = sent(appliance, f"{PAGE}/upload", form_body(token, NAME, LARGE), {"Content-Type": FORM})
    assert (status, updates.content == LARGE) == (303, True)
    updates.content = b""
    status, _ = sent(appliance, f"{API}/upload?name={NAME}", LARGE, {"X-Requested-With": "test"})
    assert (status, updates.content == LARGE) == (202, True)
    assert updates.done == [("receive", NAME, len(LARGE)), ("receive", NAME, None), ("receive", NAME, len(LARGE))]
    assert bundles(tmp_path) == []


def test_nothing_is_read_of_one_who_may_not_come_in(appliance: Appliance) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(appliance), timeout=20)
    try:
        connection.putrequest("POST", f"{API}/upload?name={NAME}")
        for name, value in {"Content-Type": "application/octet-stream", "Content-Length": str(len(LARGE))}.items():
            connection.putheader(name, value)
        connection.endheaders()  # and not a byte of the body
        assert connection.getresponse().status == 401
    finally:
        connection.close()


def test_more_than_any_firmware_has_is_refused_at_once(appliance: Appliance) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(appliance), timeout=20)
    try:
        connection.putrequest("POST", f"{PAGE}/upload?name={NAME}")
        for name, value in {**LOGIN, "Content-Type": "application/octet-stream", "Content-Length": "500000000"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413
    finally:
        connection.close()
