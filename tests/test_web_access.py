"""Who gets at the pages of a whole device: real clients, and requests that no client would make."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Any

import pytest

from appliance.settings import Directive, DirectiveType, User
from appliance.settings.types import Directives
from tests.appliance_rig import Appliance, running
from tests.chromium import chromium
from tests.conftest import need
from tests.httpd.authentication.rig import NAME, PASSWORD, REALM, Answer, Digester, basic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT = 10

SPELLINGS = (
    *(
        "/",
        "//",
        "/./",
        "/..",
        "/../",
        "/.",
        "/%2e/",
        "/%2E%2E/",
        "/%2f",
        "/%5c",
        "/\\",
        "/;",
        "/;/",
        "/?",
        "/#",
        "/%00",
        "/%",
    ),
    *("/STATUS", "/Password", "/password", "/password/", "//password", "/./password", "/x/../password", "/%70assword"),
    *("/pass%77ord", "/password%2f", "/password%00", "/password;x=1", "/password?x", "/password#x", "/%2e%2e/password"),
    *(
        "/password%20",
        "/pa\u017f\u017fword",
        "/%E2%80%AE/password",
        "/password.html",
        "password",
        "",
        "*",
        "http:/password",
    ),
    *("http://127.0.0.1/password", "http://evil.example/password", "HTTP://127.0.0.1//password", "/static/../password"),
)
METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "get", "TRACE", "PROPFIND")


def use(appliance: Appliance, *directives: Directive) -> None:
    appliance.settings.override({"http.authentication": Directives().format(directives)})


def directive(uri: str, kind: DirectiveType) -> Directive:
    users = (User.with_password(NAME, REALM, PASSWORD),) if kind.asks_password else ()
    return Directive(uri, REALM, kind, users)


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    """A device with a user of its own, on HTTP and HTTPS."""
    with running(tmp_path, http__https_port="0") as appliance:
        appliance.device.certificate.generate()
        use(appliance, directive("/", DirectiveType.DIGEST))
        yield appliance


def ports(appliance: Appliance) -> tuple[int, int]:
    web = appliance.device.http
    assert web is not None
    snapshot = web.snapshot()
    assert snapshot.http_port
    assert snapshot.https_port
    return snapshot.http_port, snapshot.https_port


def ask(
    appliance: Appliance,
    target: str = "/",
    authorization: str = "",
    *,
    method: str = "GET",
    secure: bool = False,
    **headers: str,
) -> Answer:
    plain_port, secure_port = ports(appliance)
    connection = (
        HTTPSConnection("127.0.0.1", secure_port, timeout=TIMEOUT, context=ssl._create_unverified_context())  # noqa: S323 (its own certificate)
        if secure
        else HTTPConnection("127.0.0.1", plain_port, timeout=TIMEOUT)
    )
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    with contextlib.closing(connection):
        connection.request(
            method, target, headers={**sent, **({"Authorization": authorization} if authorization else {})}
        )
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read().decode())


def logged_in(appliance: Appliance, algorithm: str = "SHA-256", *, secure: bool = False) -> Digester:
    return Digester(ask(appliance, secure=secure).challenge(algorithm), NAME, PASSWORD)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("kind", [DirectiveType.BASIC, DirectiveType.DIGEST])
def test_curl_logs_in(appliance: Appliance, kind: DirectiveType, secure: bool) -> None:
    program = shutil.which("curl")
    need(program, "curl is not installed")
    use(appliance, directive("/", kind))
    url = f"https://127.0.0.1:{ports(appliance)[1]}/" if secure else f"http://127.0.0.1:{ports(appliance)[0]}/"
    for password, status in ((PASSWORD, "200"), ("wrong", "401")):
        words = [str(program), "-sSk", "--max-time", "20", f"--{kind.value}", "-u", f"{NAME}:{password}"]
        done = subprocess.run(
            [*words, "-o", "/dev/null", "-w", "%{http_code}", url],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.stdout == status, password


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
@pytest.mark.parametrize("secure", [False, True])
def test_digest_that_is_not_by_the_book_is_refused(appliance: Appliance, algorithm: str, secure: bool) -> None:
    client = logged_in(appliance, algorithm, secure=secure)
    first = client.answer()
    assert ask(appliance, "/", first, secure=secure).status == 200
    refused = {
        "replay": ("/", first),
        "of another page": ("/password", client.answer("/")),
        "of another query": ("/?a=2", client.answer("/?a=1")),
        "of another method": ("/", client.answer(changes={"computed_method": "POST"})),
        "without qop": ("/", client.answer(changes={"qop": None, "nc": None, "cnonce": None})),
        "without nc": ("/", client.answer(changes={"nc": None})),
        "without cnonce": ("/", client.answer(changes={"cnonce": None})),
        "of another algorithm": ("/", client.answer(changes={"algorithm": "SHA-512-256"})),
    }
    for what, (target, authorization) in refused.items():
        assert ask(appliance, target, authorization, secure=secure).status in (401, 429), what


def test_a_password_that_is_no_utf_8_is_refused_as_any_wrong_one(appliance: Appliance) -> None:
    use(appliance, directive("/", DirectiveType.BASIC))
    assert ask(appliance, "/", basic(NAME, "\xff\xfe", encoding="latin-1")).status == 401
    assert ask(appliance, "/", "Basic /////w==").status == 401
    assert ask(appliance, "/", basic()).status == 200


def test_no_spelling_of_a_page_answers_without_a_login(appliance: Appliance) -> None:
    """Digest for all but an open page beside it, so that nothing hides behind the rule for everything."""
    use(appliance, directive("/", DirectiveType.NONE), directive("/password", DirectiveType.DIGEST))
    assert ask(appliance, "/").status == 200  # so what follows shows something
    port = ports(appliance)[0]
    for method in METHODS:
        for target in SPELLINGS:
            answer = raw(port, f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            head, _, body = answer.partition(b"\r\n\r\n")
            assert b'name="new"' not in body, (method, target)
            assert b"Traceback" not in answer, (method, target)
            assert not head.startswith((b"HTTP/1.1 500", b"HTTP/1.1 502")), (method, target)


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as client:
        client.sendall(request)
        found = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(65536):
                found += part
        return found


def test_nothing_at_all_answers_without_a_login(appliance: Appliance) -> None:
    port = ports(appliance)[0]
    for method in METHODS:
        for target in SPELLINGS:
            answer = raw(port, f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            status = answer.split(b" ", 2)[1] if answer else b"none"
            allowed = {b"400", b"401", b"403", b"421", b"501"}
            assert status in allowed or (method, target) == ("OPTIONS", "*"), (method, target, answer[:80])


def test_a_login_that_fails_is_told_though_a_body_is_on_its_way(appliance: Appliance) -> None:
    port = ports(appliance)[0]
    body = b"x" * 30_000
    head = f"POST /password HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    assert raw(port, head.encode() + body).startswith(b"HTTP/1.1 401 ")


def test_after_five_wrong_passwords_an_address_must_wait(appliance: Appliance) -> None:
    use(appliance, directive("/", DirectiveType.BASIC))
    answers = [ask(appliance, "/", basic(NAME, f"guess {number}")).status for number in range(8)]
    assert answers[:5] == [401] * 5
    assert 429 in answers[5:]


def test_ssl_types_lead_to_https_before_they_ask_for_a_password(appliance: Appliance) -> None:
    use(appliance, directive("/", DirectiveType.SSL_BASIC))
    answer = ask(appliance, "/password?x=1", basic())
    assert answer.status == 302
    assert answer.value("Location") == f"https://127.0.0.1:{ports(appliance)[1]}/password?x=1"
    assert answer.values("WWW-Authenticate") == []
    assert ask(appliance, "/", basic(), secure=True).status == 200


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("kind", [DirectiveType.BASIC, DirectiveType.DIGEST])
def test_chromium_logs_in_and_no_other_site_gets_at_the_device(
    appliance: Appliance, kind: DirectiveType, secure: bool
) -> None:
    use(appliance, directive("/", kind))
    own = f"https://127.0.0.1:{ports(appliance)[1]}" if secure else f"http://127.0.0.1:{ports(appliance)[0]}"
    with chromium() as browser:
        wrong = {"username": NAME, "password": "wrong"}
        stranger = browser.new_context(http_credentials=wrong, ignore_https_errors=True).new_page()
        assert stranger.goto(own).status == 401
        owner = browser.new_context(http_credentials={"username": NAME, "password": PASSWORD}, ignore_https_errors=True)
        page = owner.new_page()
        assert page.goto(own).status == 200
        assert page.get_by_role("heading", level=1).inner_text() == "Status"
        before = appliance.settings.running
        attack(owner.new_page(), own)
        assert appliance.settings.running == before


def attack(page: Any, own: str) -> None:
    """Do what a page of another site could have this browser do to the device, logged in as it is."""
    trap = f"""
        <iframe name="frame" src="{own}/"></iframe>
        <form method="post" action="{own}/password"><input name="new" value="a stranger's word">
        <input name="again" value="a stranger's word"><button>Win</button></form>"""
    page.route("http://evil.example/**", lambda route: route.fulfill(body=trap, content_type="text/html"))
    page.goto("http://evil.example/")
    page.wait_for_load_state("networkidle")
    frame = page.frame(name="frame")
    assert "Status" not in (frame.title() if frame is not None else "")
    with page.expect_navigation() as landing:
        page.get_by_role("button", name="Win").click()
    assert landing.value.status in (401, 403)
