from __future__ import annotations

import errno
import io
import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.httpd import spool
from appliance.httpd.limits import Limits
from appliance.httpd.spool import SMALL
from appliance.settings import InvalidSettings
from tests.httpd.rig import UPLOAD_LIMIT, Rig, descriptors, read_all, read_reply, serving, statuses, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
UPLOAD = b"POST /upload HTTP/1.1\r\nHost: x\r\n"
EXPECT = b"Expect: 100-continue\r\n"


def _deny(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("401 UNAUTHORIZED", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"no"]


def _gate(environ: WSGIEnvironment) -> WSGIApplication | None:
    return None if environ.get("HTTP_AUTHORIZATION") == "yes" else _deny


def _descriptors_at_rest(rig: Rig) -> int:
    rig.get()
    wait_until(lambda: rig.server.snapshot().connections == 0, "the end of the connection")
    return descriptors()


def test_a_body_reaches_the_application_whole_in_both_codings(tmp_path: Path) -> None:
    data = bytes(range(256)) * 100
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in re.findall(b"(?s).{1,700}", data))
    with serving(tmp_path) as rig:
        assert rig.ask(POST + b"Content-Length: %d\r\n\r\n" % len(data) + data).body == data
        assert rig.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n").body == data
        assert rig.site.environ["CONTENT_LENGTH"] == str(len(data))
        assert "HTTP_TRANSFER_ENCODING" not in rig.site.environ


def test_100_continue_comes_when_the_body_is_wanted_and_else_not(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        client = rig.connect(POST + EXPECT + b"Content-Length: 2\r\n\r\n")
        assert read_reply(client).status == 100
        client.sendall(b"hi")
        assert read_reply(client).body == b"hi"
        assert statuses(rig.talk(POST + EXPECT + b"Content-Length: 99999999\r\n\r\n")) == [413]
        rig.site.gate = _gate
        assert statuses(rig.talk(UPLOAD + EXPECT + b"Content-Length: 2\r\n\r\n")) == [401]
        client = rig.connect(UPLOAD + EXPECT + b"Authorization: yes\r\nContent-Length: 2\r\n\r\n")
        assert read_reply(client).status == 100
        client.sendall(b"hi")
        assert read_reply(client).body == b"2"
        assert rig.site.called == 2


def test_max_bytes_holds_for_the_next_request_when_it_changes(tmp_path: Path) -> None:
    with serving(tmp_path, http__max_bytes="4096") as rig:
        client = rig.connect()
        request = POST + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000
        assert rig.ask(request).status == 413
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_reply(client).status == 200
        rig.settings.set({"http.max_bytes": "8192"}, save=False)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")  # was waited for under the old limit
        assert read_reply(client).status == 200
        client.sendall(request)
        assert read_reply(client).body == b"x" * 5000
        with pytest.raises(InvalidSettings):
            rig.settings.set({"http.max_bytes": "10"}, save=False)


def test_a_request_of_exactly_max_bytes_is_taken_and_one_byte_more_is_not(tmp_path: Path) -> None:
    with serving(tmp_path, http__max_bytes="2048") as rig:
        for excess, status in ((0, 200), (1, 413)):
            head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %04d\r\n\r\n"
            body = 2048 - len(head % 0) + excess
            assert rig.ask(head % body + b"x" * body).status == status
            get = b"GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n"
            assert rig.ask(get % (b"y" * (2048 - len(get) + 2 + excess))).status == status


def test_a_client_that_sends_on_can_read_why_it_was_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        rig.site.gate = _gate
        for head, status in (
            (POST + b"Content-Length: 3000000\r\n\r\n", 413),
            (POST + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n", 413),
            (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
            (b"GET / HTTP/9.9\r\n\r\n", 400),
            (UPLOAD + b"Content-Length: 3000000\r\n\r\n", 401),
        ):
            client = rig.connect(head)
            client.sendall(b"x" * 3_000_000)
            reply = read_reply(client)
            assert (reply.status, reply.headers["connection"]) == (status, "close")
            assert read_all(client) == b""


def test_the_patience_with_a_client_that_sends_on_has_an_end(tmp_path: Path) -> None:
    limits = Limits(linger_seconds=0.2, linger_bytes=1_000_000)
    with serving(tmp_path, limits=limits) as rig:
        silent = rig.connect(b"GET / HTTP/9.9\r\n\r\n")
        loud = rig.connect(b"GET / HTTP/9.9\r\n\r\n")
        with pytest.raises(ConnectionError):
            loud.sendall(b"x" * 100_000_000)
        assert read_reply(silent).status == 400
        wait_until(lambda: rig.server.snapshot().connections == 0, "both to be gone")


def test_a_large_upload_goes_to_the_disk_while_other_pages_answer(tmp_path: Path) -> None:
    size = 20_000_000
    with serving(tmp_path) as rig:
        client = rig.connect(UPLOAD + b"Content-Length: %d\r\n\r\n" % size)
        client.sendall(b"x" * (size // 2))
        assert rig.get().body == b"home"
        second = rig.ask(UPLOAD + b"Content-Length: 5\r\n\r\nhello")
        assert (second.status, second.headers["retry-after"]) == (503, "2")
        client.sendall(b"x" * (size // 2))
        assert read_reply(client).body == str(size).encode()
        assert list(rig.spool.iterdir()) == []
        body = rig.site.environ["wsgi.input"]
        assert isinstance(body, io.BufferedReader), "whoever keeps it can give it a name in place of a copy"
        assert isinstance(body.raw, io.FileIO)
        assert rig.ask(UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").body == b"5"
        assert rig.ask(UPLOAD + b"Content-Length: %d\r\n\r\n" % (UPLOAD_LIMIT + 1)).status == 413


def test_an_upload_in_chunks_has_the_same_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as rig:
        monkeypatch.setattr(rig.site, "upload_limit", lambda _path: 1000)
        head = UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n"
        assert rig.ask(head + b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n").body == b"1000"
        reply = rig.ask(head + b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n")
        assert (reply.status, b"larger than 1000 bytes" in reply.body) == (413, True)
        assert rig.ask(UPLOAD + b"Content-Length: 3\r\n\r\nabc").body == b"3"


def test_an_upload_that_can_only_be_small_never_touches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as rig:
        monkeypatch.setattr(rig.site, "upload_limit", lambda _path: SMALL)
        monkeypatch.setattr(spool, "nameless", None)
        data = b"k" * (SMALL - 1)
        assert rig.ask(UPLOAD + b"Content-Length: %d\r\n\r\n" % len(data) + data).body == str(len(data)).encode()
        assert not rig.spool.exists() or list(rig.spool.iterdir()) == []


def test_an_upload_left_by_its_client_leaves_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        before = _descriptors_at_rest(rig)
        client = rig.connect(UPLOAD + b"Content-Length: 9000000\r\n\r\n" + b"x" * 1_000_000)
        wait_until(lambda: descriptors() > before + 2, "the file")
        client.close()
        wait_until(lambda: descriptors() == before, "the end of the file")
        assert rig.ask(UPLOAD + b"Content-Length: 3\r\n\r\nabc").body == b"3"


def test_a_full_disk_is_507_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    with serving(tmp_path) as rig:
        before = _descriptors_at_rest(rig)
        with monkeypatch.context() as patch:
            patch.setattr(spool, "nameless", lambda _folder: full.open("r+b", buffering=0))
            for body in (b"x" * 10, b"x" * 3_000_000):
                reply = rig.ask(UPLOAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                assert (reply.status, b"not enough room" in reply.body) == (507, True)
        wait_until(lambda: descriptors() == before, "no descriptor to be left")
        assert rig.ask(UPLOAD + b"Content-Length: 3\r\n\r\nabc").body == b"3"


def test_an_upload_that_cannot_fit_is_refused_before_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Small:
        f_bavail, f_frsize = 1, 4096

    with serving(tmp_path) as rig:
        monkeypatch.setattr(os, "statvfs", lambda _folder: Small)
        assert statuses(rig.talk(UPLOAD + EXPECT + b"Content-Length: 5000\r\n\r\n")) == [507]


def test_a_disk_that_breaks_is_500_with_one_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with serving(tmp_path) as rig:
        monkeypatch.setattr(spool, "nameless", broken)
        assert rig.ask(UPLOAD + b"Content-Length: 3\r\n\r\nabc").status == 500
    assert [
        (record.levelname, record.exc_info) for record in caplog.records if record.name.startswith("appliance.httpd")
    ] == [("ERROR", None)]


def test_nobody_is_asked_for_a_body_before_the_gate_has_spoken(tmp_path: Path) -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def gate(_environ: WSGIEnvironment) -> WSGIApplication | None:
        asked.set()
        assert may_answer.wait(5)
        return _deny

    with serving(tmp_path) as rig:
        rig.site.gate = gate
        client = rig.connect(UPLOAD + b"Content-Length: 3000000\r\n\r\n" + b"x" * 200_000)
        assert asked.wait(5)
        assert rig.count.rx_bytes < 100_000
        may_answer.set()
        assert read_reply(client).status == 401
        assert rig.site.called == 0
