"""Whatever a client sends, the answer is a refusal or a page, and never a fault of the device."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import run_wsgi_app

from tests.web.rig import Web

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)
"""What a header can be, as PEP 3333 hands it over."""
nearly = st.sampled_from(
    [
        "bytes=0-", "bytes=9-1", "bytes=-", "bytes=0-0,0-0,0-0", "language=fr", 'notice="', "notice=a.b", "=;=;,",
        "http://localhost", "null", "same-origin", "multipart/form-data", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-7", "application/json",
        "text/plain; charset=x; charset", "fr;q=nan", "fr;q=1e999", "*", "W/\"a\", \"b",
        "Thu, 99 Foo 9999 25:61:61 GMT",
    ]
)  # fmt: skip
header = latin | nearly
HEADERS = (
    "HTTP_HOST", "HTTP_COOKIE", "HTTP_ACCEPT_LANGUAGE", "HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_RANGE",
    "HTTP_IF_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_REFERER", "HTTP_X_FORM_TOKEN",
    "HTTP_AUTHORIZATION", "HTTP_X_FORWARDED_HOST", "HTTP_TRANSFER_ENCODING", "CONTENT_TYPE", "REMOTE_USER",
)  # fmt: skip
path = st.sampled_from(["/", "/password", "/language", "/static/0/style.css", "/nix"]) | latin.map(
    lambda text: f"/{text}"
)
body = (
    st.binary(max_size=200)
    | st.sampled_from([b"form_token=%ff&a=%zz", b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--"])
    | st.lists(st.sampled_from([b"--x", b"\r\n", b"--",
               b"Content-Disposition: form-data; name=", b'"', b"\xff", b"a=&;"]),
               max_size=12).map(b"".join)
)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Web:
    return Web(tmp_path_factory.mktemp("web"))


def answer(web: Web, environ: WSGIEnvironment) -> tuple[int, dict[str, str]]:
    content, status, headers = run_wsgi_app(web.app, environ, buffered=True)
    b"".join(content)
    return int(status.split()[0]), dict(headers)


def environ_of(method: str, path: str, query: str, content: bytes, **headers: str) -> WSGIEnvironment:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "REMOTE_USER": "admin",
        "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(content),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "cme3000.admitted": True,
    }
    environ.update(headers)
    return environ


@settings(max_examples=400, deadline=None)
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "PUT", "BREW", ""]),
    path=path,
    query=latin,
    content=body,
    headers=st.dictionaries(st.sampled_from(HEADERS), header, max_size=5),
)
def test_no_request_makes_a_fault(
    shared: Web, method: str, path: str, query: str, content: bytes, headers: dict[str, str]
) -> None:
    status, found = answer(shared, environ_of(method, path, query, content, **headers))
    assert status < 500
    assert "Content-Security-Policy" in found
    assert not any("\n" in value or "\r" in value for value in found.values())
    assert shared.device.settings.is_saved


@pytest.mark.parametrize(
    "special",
    [
        {"QUERY_STRING": "a=" + "x" * 1_000_000},
        {"QUERY_STRING": "&".join(f"a{number}=%ff" for number in range(20_000))},
        {"HTTP_COOKIE": "; ".join(f"a{number}=" for number in range(20_000))},
        {"HTTP_COOKIE": "language=" + "\\" * 10_000},
        {"HTTP_COOKIE": 'language="\\377\\000\\1'},
        {"HTTP_ACCEPT_LANGUAGE": ",".join(["fr-" + "x-" * 20] * 5000)},
        {"HTTP_RANGE": "bytes=" + ",".join(["0-0"] * 10_000)},
        {"PATH_INFO": "/" + "a/" * 20_000},
        {"PATH_INFO": "/\xff\xfe"},
        {"PATH_INFO": "/\xed\xa0\x80"},
        {"PATH_INFO": ""},
        {"HTTP_HOST": ""},
        {"HTTP_HOST": "xn--\xff"},
        {"HTTP_HOST": "a" * 70 + ".example"},
        {"REMOTE_USER": "\udcff\0<"},
    ],
    ids=lambda special: next(iter(special)),
)
def test_large_and_odd_ones(shared: Web, special: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        status, _ = answer(shared, environ_of(method, "/", "", b"", **special))
        assert status < 500


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\n" * 3000),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n' + b"A: b\r\n" * 3000,
        ),
        ("multipart/form-data; boundary=" + "y" * 10_000, b"--y"),
        ("multipart/form-data", b""),
        ("application/x-www-form-urlencoded", b"\xff\xfe" * 1000),
        ("application/x-www-form-urlencoded", b"a=1&" * 9000),
        ("application/x-www-form-urlencoded; charset=utf-16", b"f\0o\0"),
        ("application/x-www-form-urlencoded", b"form_token=1.AAAA." + b"%00" * 5000),
    ],
)
def test_bodies_that_are_no_forms(shared: Web, kind: str, content: bytes) -> None:
    for target in ("/password", "/language"):
        status, _ = answer(shared, environ_of("POST", target, "", content, CONTENT_TYPE=kind))
        assert 400 <= status < 500
    environ = environ_of("POST", "/password", "", content, CONTENT_TYPE=kind, CONTENT_LENGTH="x")
    assert 400 <= answer(shared, environ)[0] < 500
