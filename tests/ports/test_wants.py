"""What web server and tunnel want to listen on, as their settings say."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from appliance.certificate import BOTH, TlsVersions
from appliance.httpd.listening import wants as http_wants
from appliance.settings import Settings
from appliance.tunnel.configuration import wants as tunnel_wants

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.settings import Values

TWO, THREE = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def values(folder: Path, texts: dict[str, str]) -> Values:
    settings = Settings(folder)
    settings.override(texts)
    return settings.in_force


def test_the_web_server_by_default(tmp_path: Path) -> None:
    wanted = http_wants(values(tmp_path, {}))
    assert (wanted.plain, wanted.secure, wanted.versions, wanted.makes_certificate) == (80, 443, BOTH, False)
    assert (wanted.plain_setting.name, wanted.secure_setting.name) == ("http.port", "http.https_port")


@pytest.mark.parametrize(
    ("two", "three", "secure", "versions"),
    [
        ("on", "off", 443, TlsVersions(TWO, TWO)),
        ("off", "on", 443, TlsVersions(THREE, THREE)),
        ("off", "off", None, BOTH),
    ],
)
def test_the_web_server_by_protocol_version(
    tmp_path: Path, two: str, three: str, secure: int | None, versions: TlsVersions
) -> None:
    wanted = http_wants(values(tmp_path, {"http.tls_1_2": two, "http.tls_1_3": three}))
    assert (wanted.plain, wanted.secure, wanted.versions) == (80, secure, versions)


def test_the_web_server_that_is_off(tmp_path: Path) -> None:
    wanted = http_wants(values(tmp_path, {"http.enabled": "off"}))
    assert (wanted.plain, wanted.secure) == (None, None)


@pytest.mark.parametrize(
    ("texts", "plain", "secure"),
    [
        ({}, 10001, None),
        ({"tunnel.tls_port": "10002"}, 10001, 10002),
        ({"tunnel.tls_port": "10002", "tunnel.accept_mode": "disabled"}, None, None),
        ({"tunnel.port": "0"}, 0, None),
    ],
)
def test_the_tunnel(tmp_path: Path, texts: dict[str, str], plain: int | None, secure: int | None) -> None:
    wanted = tunnel_wants(values(tmp_path, texts))
    assert (wanted.plain, wanted.secure, wanted.makes_certificate) == (plain, secure, True)
    assert (wanted.plain_setting.name, wanted.secure_setting.name) == ("tunnel.port", "tunnel.tls_port")
