from __future__ import annotations

import contextlib
import re
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING

from tests.conftest import need
from tests.httpd.rig import read_all, read_reply, serving, statuses, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_the_pages_are_served_under_tls(tmp_path: Path) -> None:
    with serving(tmp_path, https=True) as rig:
        client = rig.connect_tls()
        for _ in range(2):
            client.sendall(GET)
            assert read_reply(client).body == b"home"
        assert rig.site.environ["wsgi.url_scheme"] == "https"
        assert rig.site.environ["SERVER_PORT"] == str(rig.https_port)
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30000)
        assert read_reply(client).body == b"x" * 30000


def test_plain_http_on_the_secure_port_is_shown_the_way(tmp_path: Path) -> None:
    with serving(tmp_path, https=True) as rig:
        port = rig.https_port
        for head, place in (
            (b"GET /a?b=c HTTP/1.1\r\nHost: gate.example:81\r\n\r\n", f"https://gate.example:{port}/a?b=c"),
            (b"POST /a HTTP/1.0\r\nHost: [::1]\r\n\r\n", f"https://[::1]:{port}/a"),
            (b"GET http://other/a HTTP/1.1\r\nHost: x\r\n\r\n", f"https://other:{port}/a"),
        ):
            reply = read_reply(rig.connect(head, port=port))
            assert (reply.status, reply.headers["location"]) == (308, place)
        for head in (b"GET / HTTP/1.0\r\n\r\n", b"hello\r\n", b"\r\n\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"):
            assert statuses(read_all(rig.connect(head, port=port))) == [400]
        assert rig.site.called == 0


def test_the_redirect_leaves_out_the_usual_port(tmp_path: Path) -> None:
    with serving(tmp_path, https=True) as rig:
        client = rig.connect(b"GET ", port=rig.https_port)
        wait_until(lambda: rig.server.snapshot().connections, "the connection")
        assert rig.server._shared is not None
        (connection,) = rig.server._shared.crowd
        object.__setattr__(connection.route, "local_port", 443)
        client.sendall(b"/a HTTP/1.1\r\nHost: y:8\r\n\r\n")
        assert read_reply(client).headers["location"] == "https://y/a"


def test_a_refusal_under_tls_can_be_read_by_who_sends_on(tmp_path: Path) -> None:
    with serving(tmp_path, https=True) as rig:
        client = rig.connect_tls(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n")
        client.sendall(b"x" * 900_000)
        assert read_reply(client).status == 413
        assert client.recv(1) == b""


def test_broken_handshakes_end_quietly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(tmp_path, https=True) as rig:
        hello = b"\x16\x03\x01\x00\x05"
        for data in (
            hello + b"xxxxx",
            hello + b"\x01\x00\x00\x01\x00",
            b"\x16" * 600,
            b"\x16\x03\x01\xff\xff" + b"y" * 66000,
        ):
            client = rig.connect(port=rig.https_port)
            with contextlib.suppress(OSError):  # it may have hung up before all is sent
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
            read_all(client)
        old = ssl.create_default_context()
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_alpn_protocols(["h2"])
        with old.wrap_socket(rig.connect(port=rig.https_port)) as client:
            client.sendall(GET)
            assert read_reply(client).status == 200
        rig.connect(port=rig.https_port).close()
        client = rig.connect_tls(GET[:9])
        socket.socket.sendall(client, b"no record of TLS at all" * 10)
        wait_until(lambda: rig.server.snapshot().connections <= 1, "their end")
        assert rig.get().status == 200
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_a_new_certificate_is_shown_to_new_clients_and_old_ones_go_on(tmp_path: Path) -> None:
    with serving(tmp_path, https=True) as rig:
        former = rig.connect_tls(GET)
        assert read_reply(former).status == 200
        rig.certificate.generate(["other"])
        newer = rig.connect_tls(GET)
        assert read_reply(newer).status == 200
        assert newer.getpeercert(binary_form=True) != former.getpeercert(binary_form=True)
        former.sendall(GET)
        assert read_reply(former).status == 200


def test_the_versions_of_tls_follow_the_settings(tmp_path: Path) -> None:
    with serving(tmp_path, https=True, http__tls_1_2="off") as rig:
        assert rig.connect_tls().version() == "TLSv1.3"
        rig.settings.set({"http.tls_1_2": "on", "http.tls_1_3": "off"}, save=False)
        assert rig.connect_tls().version() == "TLSv1.2"
        rig.settings.set({"http.tls_1_2": "off"}, save=False)
        assert rig.server.snapshot().https_port is None
        assert rig.get().status == 200


def test_curl_gets_a_page_and_its_protocol_is_clean(tmp_path: Path) -> None:
    need(
        subprocess.run(["/usr/bin/which", "curl"], capture_output=True, check=False).returncode == 0, "curl is missing"
    )
    with serving(tmp_path, https=True) as rig:
        for url in (f"https://127.0.0.1:{rig.https_port}/", f"http://127.0.0.1:{rig.https_port}/"):
            done = subprocess.run(
                ["/usr/bin/curl", "-sSkL", "--noproxy", "*", url], capture_output=True, timeout=10, check=False
            )
            assert (done.stdout, done.stderr) == (b"home", b"")
        big = tmp_path / "big"
        big.write_bytes(b"x" * 20_000_000)
        done = subprocess.run(
            [
                "/usr/bin/curl",
                "-sSk",
                "--noproxy",
                "*",
                "-H",
                "Expect:",
                "--data-binary",
                f"@{big}",
                f"https://127.0.0.1:{rig.https_port}/echo",
            ],
            capture_output=True,
            timeout=10,
            check=False,
        )
        assert re.search(b"413", done.stdout), done
