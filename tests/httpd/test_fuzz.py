"""Whatever bytes come, the answer is one of the documented ones, and the server lives."""

from __future__ import annotations

import contextlib
import re
import socket
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.httpd.rig import read_all, serving, statuses

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DOCUMENTED = {200, 308, 400, 401, 404, 405, 408, 413, 417, 501}

line_ends = st.sampled_from([b"\r\n"] * 60 + [b"\n", b"\r", b"\r\r\n", b"", b"\r\n\r\n", b"\0"])
methods = st.sampled_from([b"GET", b"HEAD", b"POST", b"OPTIONS"] * 2 + [b"PUT", b"get", b"", b"G T", b"\xff"])
targets = st.one_of(
    st.sampled_from([b"/", b"/echo", b"/page"]),
    st.sampled_from(
        [b"/", b"/echo", b"/page", b"/upload", b"*", b"http://y/page", b"//", b"/%2e", b"/%", b"x:80", b""]
    ),
    st.binary(max_size=20).map(lambda data: b"/" + data),
    st.text("/.%25eEfF\\?#:@ab", max_size=20).map(lambda text: b"/" + text.encode()),
)
versions = st.sampled_from([b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/1.9", b"HTTP/2", b"http/1.1", b""])
names = st.sampled_from(
    [
        b"Host",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"Expect",
        b"Cookie",
        b"Content-Type",
        b"X",
        b"",
        b" ",
    ]
)
values = st.one_of(
    st.sampled_from(
        [
            b"x",
            b"chunked",
            b"0",
            b"5",
            b"-1",
            b"4000",
            b"close",
            b"keep-alive",
            b"100-continue",
            b"gzip, chunked",
            b"x:abc",
        ]
    ),
    st.binary(max_size=20),
)
headers = st.builds(lambda name, value, end: name + b": " + value + end, names, values, line_ends)
bodies = st.one_of(
    st.binary(max_size=60),
    st.lists(st.binary(max_size=9).map(lambda data: b"%x\r\n%s\r\n" % (len(data), data)), max_size=5).map(
        lambda chunks: b"".join(chunks) + b"0\r\n\r\n"
    ),
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    line = b" ".join((draw(methods), draw(targets), draw(versions))) + draw(line_ends)
    host = b"Host: x\r\n" if draw(st.integers(0, 5)) else b""
    return line + host + b"".join(draw(st.lists(headers, max_size=4))) + draw(line_ends) + draw(bodies)


def _send(data: bytes, port: int) -> bytes:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    with client, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        client.sendall(data)
        with contextlib.suppress(OSError):  # answered and closed already
            client.shutdown(socket.SHUT_WR)  # what is not whole now never will be
        return read_all(client)
    return b""


def _check(data: bytes, port: int) -> None:
    said = _send(data, port)
    found = [status for status in statuses(said) if status != 100]
    assert set(found) <= DOCUMENTED, said[:500]
    assert not said or re.match(rb"HTTP/1\.1 \d{3} ", said), said[:500]


def test_2000_requests_of_any_bytes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    quick = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    with serving(tmp_path, https=True, http__max_bytes="2048") as rig:
        port, secure = rig.port, rig.https_port

        @settings(quick, max_examples=1200)
        @given(requests())
        def nearly_right(data: bytes) -> None:
            _check(data, port)

        @settings(quick, max_examples=400)
        @given(requests(), requests())
        def two_at_once(first: bytes, second: bytes) -> None:
            _check(first + second, port)

        @settings(quick, max_examples=250)
        @given(st.binary(max_size=300))
        def anything(data: bytes) -> None:
            _check(data, port)

        @settings(quick, max_examples=150)
        @given(st.binary(max_size=300), st.booleans())
        def on_the_secure_port(data: bytes, is_hello: bool) -> None:
            _send((b"\x16\x03\x01" if is_hello else b"") + data, secure)

        nearly_right()
        two_at_once()
        anything()
        on_the_secure_port()
        assert rig.get().body == b"home"
        assert rig.count.status_200 > 30  # it was no fuzz of one kind of error alone
        assert rig.count.status_400 > 500
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
