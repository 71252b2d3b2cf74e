"""The gate: every type of directive, the way to HTTPS, and every spelling of a protected path."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.httpd.authentication.refusal import HEADERS
from appliance.settings import DirectiveType
from tests.httpd.authentication.rig import NAME, Digester, Rig, basic, digester, directive

if TYPE_CHECKING:
    from pathlib import Path

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "PROPFIND", "get", "X")

SPELLINGS = (
    *("/http/log", "/http/log/", "/http", "/http/", "/HTTP/log", "/Http/Log", "/http/LOG", "/http/log/view"),
    *("//http/log", "/http//log", "///http/log", "/./http/log", "/http/./log", "/x/../http/log", "/http/../http/log"),
    *("/%68ttp/log", "/http%2flog", "/http%2Flog", "/http%5clog", "/http\\log", "/http/log%00", "/http/log.html"),
    *("/http/log;x", "/http/log?x", "/http;x/log", "/http/log#x", "/%2e/http/log", "/http/%2e%2e/http/log", "http/log"),
    *("/http/\x00log", "/ht\xadtp/log", "/\xef\xbc\x88http/log", "/http /log", "/http/log ", "*", "", "http://x/http"),
    *("/http/log\xff", "/\u20ac"),
)


@pytest.mark.parametrize("kind", list(DirectiveType))
def test_no_spelling_and_no_method_gets_by_without_a_login(tmp_path: Path, kind: DirectiveType) -> None:
    if not kind.asks_password:
        return
    rig = Rig(tmp_path, directive(), directive("/http", kind), https_port=8443)
    for scheme in ("http", "https"):
        for path in SPELLINGS:
            for method in METHODS:
                answer = rig.ask("/x", path=path, method=method, scheme=scheme)
                assert answer.status in (302, 401, 403), (path, method)


def test_no_other_spelling_opens_what_stands_below_an_open_directive(tmp_path: Path) -> None:
    """The part that is worse: everything is open but `/http`."""
    rig = Rig(tmp_path, directive(type=DirectiveType.NONE), directive("/http"))
    for path in SPELLINGS:
        answer = rig.ask("/x", path=path)
        segments = path.split("/")
        if (
            path.startswith("/http/")
            or path == "/http"
            or any(segment in ("", ".", "..") for segment in segments[1:-1])
        ):
            assert answer.status in (401, 403), path


@pytest.mark.parametrize("kind", [DirectiveType.NONE, DirectiveType.SSL])
def test_an_open_directive_lets_in_whatever_the_header_says(tmp_path: Path, kind: DirectiveType) -> None:
    rig = Rig(tmp_path, directive(type=kind))
    for header in (None, basic(), "Basic \xff", "Digest nonsense"):
        answer = rig.ask("/", header, scheme="https")
        assert answer.status == 200
        assert answer.environ["REMOTE_USER"] == ""
        assert answer.environ["cme3000.directive"].type is kind
        assert "HTTP_AUTHORIZATION" not in answer.environ


@pytest.mark.parametrize("kind", [DirectiveType.SSL, DirectiveType.SSL_BASIC, DirectiveType.SSL_DIGEST])
def test_over_http_an_ssl_type_leads_to_https_before_any_password(tmp_path: Path, kind: DirectiveType) -> None:
    rig = Rig(tmp_path, directive(type=kind), https_port=8443)
    for header in (None, basic(), basic(NAME, "wrong")):
        for method in ("GET", "HEAD"):
            answer = rig.ask("/http/log?x=%20&y", header, method=method)
            assert answer.status == 302
            assert answer.value("Location") == "https://device.example:8443/http/log?x=%20&y"
            assert not answer.values("WWW-Authenticate")
        for method in ("POST", "OPTIONS", "PUT"):
            answer = rig.ask("/http/log", header, method=method)
            assert answer.status == 403
            assert not answer.value("Location")
            assert "https://device.example:8443/http/log" in answer.body
    assert rig.ask("/").status == 302  # nothing was counted as a guess either
    if kind.asks_password:
        assert rig.ask("/", scheme="https").status == 401


LOCATIONS = (
    ("device.example", 443, "/", "https://device.example/"),
    ("device.example:8080", 443, "/", "https://device.example/"),
    ("192.0.2.1:80", 8443, "/a", "https://192.0.2.1:8443/a"),
    ("[2001:db8::1]:80", 8443, "/a", "https://[2001:db8::1]:8443/a"),
    ("d.local", 443, "/a?b=<\"'>", "https://d.local/a?b=%3C%22'%3E"),
    ("d.local", 443, "/a\r\nX: y", "https://d.local/a%0D%0AX:%20y"),
    ("d.local", 443, "/\xfc", "https://d.local/%FC"),
)


def test_where_https_is(tmp_path: Path) -> None:
    rig = Rig(tmp_path, directive(type=DirectiveType.SSL))
    for host, port, target, location in LOCATIONS:
        rig.https_port = port
        assert rig.ask(target, host=host, path="/").value("Location") == location


def test_a_strange_host_is_not_redirected_to(tmp_path: Path) -> None:
    rig = Rig(tmp_path, directive("/"), directive("/ssl", DirectiveType.SSL), https_port=443)
    for host in ("", "a@b", "a/b", "evil.example/?", "[::1", "a b", "a\r\nb", "x:y", "\xfc.example"):
        answer = rig.ask("/ssl", host=host)
        assert answer.status == 403, host
        assert not answer.value("Location")
        assert rig.ask("/", host=host).status == 401


def test_without_https_an_ssl_type_says_what_to_do(tmp_path: Path) -> None:
    rig = Rig(tmp_path, directive(type=DirectiveType.SSL_DIGEST))
    answer = rig.ask("/")
    assert answer.status == 403
    assert "certificate" in answer.body
    rig.https_port = 443
    assert rig.ask("/").status == 302


@pytest.mark.parametrize(
    ("kind", "status", "port"),
    [
        (DirectiveType.DIGEST, 401, None),
        (DirectiveType.SSL, 403, None),
        (DirectiveType.SSL, 302, 443),
    ],
)
def test_a_refusal_cannot_be_kept_framed_or_sniffed(
    tmp_path: Path, kind: DirectiveType, status: int, port: int | None
) -> None:
    answer = Rig(tmp_path, directive(type=kind), https_port=port).ask("/")
    assert answer.status == status
    for name, value in HEADERS.items():
        assert answer.values(name) == [value]
    assert answer.value("Content-Type") == "text/html; charset=utf-8"
    assert len(answer.body) == int(answer.value("Content-Length"))


def test_the_longest_directive_has_the_word(tmp_path: Path) -> None:
    rig = Rig(
        tmp_path,
        directive(type=DirectiveType.NONE),
        directive("/http", DirectiveType.BASIC, users={"bert": "battery"}),
        directive("/http/log"),
    )
    assert rig.ask("/httpx").status == 200
    assert rig.ask("/http", basic()).status == 401
    assert rig.ask("/http", basic("bert", "battery")).status == 200
    assert rig.ask("/http/log", basic("bert", "battery")).status == 401
    client = Digester(rig.ask("/http/log").challenge())
    assert rig.ask("/http/log", client.answer("/http/log")).status == 200


def test_a_forged_mark_of_admission_is_taken_off(rig: Rig) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "wsgi.url_scheme": "http",
        "cme3000.target": "/",
        "REMOTE_USER": "anna",
        "cme3000.admitted": True,
    }
    assert rig.gate.check(environ) is not None
    assert "REMOTE_USER" not in environ
    assert "cme3000.admitted" not in environ


def test_the_flask_app_is_left_as_it_was(rig: Rig) -> None:
    environ = rig.ask("/", digester(rig).answer()).environ
    assert not [name for name in environ if name.startswith(("flask", "werkzeug"))]


def test_a_listener_that_fails_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)

    def fail(_: str) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(rig.gate._desk, "_on_login", fail)
    assert rig.ask("/", digester(rig).answer()).status == 200


def test_of_many_threads_with_one_answer_one_gets_in(rig: Rig) -> None:
    for _ in range(20):
        header = digester(rig).answer()
        statuses: list[int] = []
        barrier = threading.Barrier(8)

        def ask(header: str = header, barrier: threading.Barrier = barrier, statuses: list[int] = statuses) -> None:
            barrier.wait(10)
            statuses.append(rig.ask("/", header).status)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(statuses) == [200] + [401] * 7


def test_of_many_threads_with_wrong_passwords_five_are_looked_at(tmp_path: Path) -> None:
    rig = Rig(tmp_path, directive(type=DirectiveType.BASIC))
    statuses: list[int] = []
    barrier = threading.Barrier(16)

    def ask(number: int) -> None:
        barrier.wait(10)
        statuses.extend(rig.ask("/", basic(NAME, f"guess {number} {n}")).status for n in range(20))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses.count(401) == 5
    assert statuses.count(429) == 16 * 20 - 5
