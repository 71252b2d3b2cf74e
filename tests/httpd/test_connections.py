from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from tests.httpd.rig import Endless, read_all, read_exactly, read_reply, serving, statuses, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_connection_serves_one_request_after_the_other(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        client = rig.connect()
        for _ in range(3):
            client.sendall(GET)
            reply = read_reply(client)
            assert reply.body == b"home"
            assert "connection" not in reply.headers
            client.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
            assert read_reply(client).body == b"hi"
        assert rig.server.snapshot().connections == 1


def test_requests_sent_at_once_are_answered_in_order(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        paths = [f"/page{number}" for number in range(20)]
        client = rig.connect(b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths))
        assert [read_reply(client).body for _ in paths] == [f"page {path[1:]}".encode() for path in paths]
        rig.log.clear()
        bad = b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"
        assert statuses(rig.talk(GET + bad + GET)) == [200, 400]


def test_who_asks_for_the_end_gets_it(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        for version, header in (("1.1", "Connection: close\r\n"), ("1.1", "Connection: TE, Close\r\n"), ("1.0", "")):
            client = rig.connect(f"GET / HTTP/{version}\r\nHost: x\r\n{header}\r\n".encode())
            assert read_reply(client).headers["connection"] == "close"
            assert read_all(client) == b""


def test_a_client_of_old_may_keep_its_connection(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        client = rig.connect()
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            assert read_reply(client).headers["connection"].lower() == "keep-alive"
        rig.site.body = Endless(b"x" * 65536, 2)
        client.sendall(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        reply = read_reply(client)  # its length is not known: only the end of the connection says where it ends
        assert reply.headers["connection"] == "close"
        assert len(read_all(client)) == 131_072


def test_head_is_get_without_the_body(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        client = rig.connect()
        for path in (b"/", b"/none", b"/stream"):
            client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            full = read_reply(client)
            client.sendall(b"HEAD " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            head = read_reply(client, has_body=False)
            full.headers.pop("transfer-encoding", None)  # may be left out (RFC 9110, 9.3.2)
            if path == b"/stream":
                full.headers.pop("content-length")
            assert (head.status, head.headers) == (full.status, full.headers)
        assert statuses(rig.talk(b"HEAD /x HTTP/1.1\r\nHost: x:y\r\n\r\n")) == [400]
        assert rig.talk(b"HEAD /x HTTP/1.1\r\nHost: x:y\r\n\r\n").endswith(b"\r\n\r\n")


def test_options_of_the_server_says_what_it_knows(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        reply = rig.ask(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (reply.status, reply.headers["allow"], reply.body) == (200, "GET, HEAD, POST, OPTIONS", b"")
        assert rig.site.called == 0
        assert rig.ask(b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n").headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_a_client_that_has_ended_its_half_gets_its_answer(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        client = rig.connect(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert rig.site.entered.acquire(timeout=5)
        before = rig.server.beats
        rig.site.hold.set()
        assert b"held" in read_all(client)
        assert rig.server.beats - before < 50  # it did not spin
        client = rig.connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
        client.shutdown(socket.SHUT_WR)
        assert statuses(read_all(client)) == [200]


def test_a_client_that_vanishes_ends_its_answer_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(tmp_path) as rig:
        rig.site.body = body = Endless(b"x" * 65536, 1 << 30)
        client = rig.connect(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_exactly(client, 100_000)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert body.closed.wait(5)
        wait_until(lambda: rig.count.socket_error == 1, "the count")
        wait_until(lambda: rig.server.snapshot().connections == 0, "the end of the connection")
        assert "GET /stream" in rig.log.lines()[-1]
        assert rig.get().status == 200
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_bytes_are_counted_at_the_socket(tmp_path: Path) -> None:
    with serving(tmp_path, https=True) as rig:
        sent = rig.talk(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (rig.count.rx_bytes, rig.count.tx_bytes) == (46, len(sent))
        with rig.connect_tls(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as client:
            sent_securely = read_all(client)
        assert (rig.count.rx_bytes, rig.count.tx_bytes) == (92, len(sent) + len(sent_securely))


def test_what_the_environ_says(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        client = rig.connect(
            b"GET http://other:8080/page%20%C3%BC?a=%2F&b HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nX-One: 2\r\n"
            b"Cookie: a=1\r\nCookie: b=2\r\nX_One: forged\r\nProxy: http://evil/\r\nContent-Type: text/plain\r\n\r\n"
        )
        assert read_reply(client).status == 200
        environ, port = rig.site.environ, client.getsockname()[1]
        expected = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/page \xc3\xbc",
            "QUERY_STRING": "a=%2F&b",
            "HTTP_HOST": "other:8080",
            "HTTP_X_ONE": "1,2",
            "HTTP_COOKIE": "a=1; b=2",
            "CONTENT_TYPE": "text/plain",
            "CONTENT_LENGTH": "",
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_PORT": str(port),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(rig.port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "cme3000.target": "/page%20%C3%BC?a=%2F&b",
        }
        assert {name: environ[name] for name in expected} == expected
        assert [name for name in environ if name.startswith("HTTP_")] == ["HTTP_HOST", "HTTP_X_ONE", "HTTP_COOKIE"]
