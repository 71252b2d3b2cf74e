"""Real clients log in: curl and Chromium, by every scheme, over HTTP and HTTPS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from appliance.certificate import Certificate
from appliance.httpd.authentication.nonces import IDLE_LIFE
from appliance.settings import DirectiveType
from tests.conftest import need
from tests.httpd.authentication.rig import NAME, PASSWORD, Rig, directive, serving

if TYPE_CHECKING:
    import ssl

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    return Certificate(tmp_path, lambda: ["localhost", "127.0.0.1"]).context(makes_one=True)


def curl(url: str, *arguments: str, user: str = f"{NAME}:{PASSWORD}") -> tuple[int, str]:
    program = shutil.which("curl")
    need(program, "curl is not installed")
    done = subprocess.run(
        [str(program), "-sSk", "--max-time", "20", "-u", user, "-w", "\n%{http_code}", *arguments, url],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.parametrize("offer", ["", "SHA-256", "MD5"])
def test_curl_logs_in_with_digest(rig: Rig, offer: str) -> None:
    with serving(rig, challenges=offer) as (port, _):
        url = f"http://127.0.0.1:{port}/status?x=1"
        status, body = curl(url, "--digest")
        assert (status, f"hello {NAME}" in body) == (200, True)
        assert curl(url, "--digest", user=f"{NAME}:wrong")[0] == 401
        assert curl(url, "--basic")[0] == 401


def test_curl_asks_for_several_pages_on_one_nonce(rig: Rig) -> None:
    with serving(rig) as (port, pages):
        base = f"http://127.0.0.1:{port}"
        assert curl(f"{base}/a", "--digest", f"{base}/b", f"{base}/c")[0] == 200
        assert [status for status, _ in pages.asked].count(401) <= 3
        assert rig.logins


def test_curl_posts_through_a_login(rig: Rig) -> None:
    with serving(rig) as (port, _):
        assert curl(f"http://127.0.0.1:{port}/form", "--digest", "-d", "a=b")[0] == 200


def test_curl_logs_in_with_basic(tmp_path: Path) -> None:
    rig = Rig(tmp_path, directive(type=DirectiveType.BASIC, users={"J\u00fcrg": "Z\u00fcrich-8"}))
    with serving(rig) as (port, _):
        url = f"http://127.0.0.1:{port}/"
        assert curl(url, "--basic", user="J\u00fcrg:Z\u00fcrich-8")[0] == 200
        assert curl(url, "--anyauth", user="J\u00fcrg:Z\u00fcrich-8")[0] == 200
        assert curl(url, "--basic", user="J\u00fcrg:wrong")[0] == 401


@pytest.mark.parametrize("kind", [DirectiveType.SSL, DirectiveType.SSL_BASIC, DirectiveType.SSL_DIGEST])
def test_curl_is_led_to_https_and_logs_in_there(tmp_path: Path, tls: ssl.SSLContext, kind: DirectiveType) -> None:
    rig = Rig(tmp_path, directive(type=kind))
    with serving(rig) as (port, _), serving(rig, tls=tls) as (https_port, _):
        rig.https_port = https_port
        status, _ = curl(f"http://127.0.0.1:{port}/a?b", "--anyauth")
        assert status == 302
        status, body = curl(f"http://127.0.0.1:{port}/a?b", "--anyauth", "-L", "--location-trusted")
        assert status == 200
        assert ("hello" in body, NAME in body) == (True, kind.asks_password)


CASES = (
    (DirectiveType.DIGEST, "", False),
    (DirectiveType.DIGEST, "MD5", False),
    (DirectiveType.SSL_BASIC, "", True),
)


def test_chromium_logs_in_and_goes_on_when_the_nonce_is_old(tmp_path: Path, tls: ssl.SSLContext) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    need(Path(CHROMIUM).exists(), "Chromium is not installed")
    with playwright.sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            for number, (kind, offer, is_secure) in enumerate(CASES):
                rig = Rig(tmp_path / str(number), directive(type=kind))
                with serving(rig, challenges=offer, tls=tls if is_secure else None) as (port, pages):
                    browse(browser, rig, kind, f"{'https' if is_secure else 'http'}://127.0.0.1:{port}")
                    assert (200, "/picture") in pages.asked
        finally:
            browser.close()


def browse(browser: Any, rig: Rig, kind: DirectiveType, url: str) -> None:
    def page(password: str) -> Any:
        credentials = {"username": NAME, "password": password}
        return browser.new_context(http_credentials=credentials, ignore_https_errors=True).new_page()

    owner = page(PASSWORD)
    for number in range(3):
        assert owner.goto(f"{url}/status?page={number}").status == 200
        assert owner.inner_text("p") == f"hello {NAME}"
    rig.now += IDLE_LIFE + 1
    assert owner.goto(f"{url}/later").status == 200
    rig.set(directive(type=kind), directive("/elsewhere"))  # voids all that was proven
    assert owner.goto(f"{url}/much/later").status == 200
    stranger = page("wrong")
    assert stranger.goto(f"{url}/status").status == 401
    assert "Please log in" in stranger.content()
    for used in (owner, stranger):
        used.context.close()
