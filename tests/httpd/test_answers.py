from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING, Any

from appliance.httpd.limits import Limits
from tests.httpd.rig import DEADLINE, Rig, read_all, read_reply, serving, statuses, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    import pytest

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def _app(headers: list[tuple[str, str]], body: Iterable[bytes], status: str = "200 OK") -> WSGIApplication:
    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, headers)
        return body

    return app


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_a_header_that_would_split_the_answer_never_goes_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(tmp_path) as rig:
        forged: list[list[tuple[str, str]]] = [
            [("X", "a\r\nSet-Cookie: b")],
            [("X", "a\nb")],
            [("X", "a\0b")],
            [("X\r\nY", "a")],
            [("X: Y", "a")],
            [("", "a")],
            [("Content-Length", "-1")],
            [("X", "\u20ac")],
        ]
        for headers in forged:
            rig.site.instead = _app(headers, [b"body"])
            reply = rig.get()
            assert (reply.status, "set-cookie" in reply.headers) == (500, False)
        for status in ("200 OK\r\nX: y", "twohundred", "", "100 Continue", "999 High"):
            rig.site.instead = _app([], [b"body"], status)
            assert rig.get().status == 500
    assert len(_errors(caplog)) == 13


def test_headers_that_are_the_servers_own_are_not_taken_from_the_application(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        rig.site.instead = _app(
            [
                ("Server", "other/1.0"),
                ("Date", "never"),
                ("Transfer-Encoding", "gzip"),
                ("Keep-Alive", "x"),
                ("X", " y "),
            ],
            [b"body"],
        )
        reply = rig.get()
        assert (reply.headers["server"], reply.headers["x"], reply.body) == ("CMe3000", "y", b"body")
        assert reply.headers["date"].endswith(" GMT")
        assert not {"transfer-encoding", "keep-alive"} & set(reply.headers)
        rig.site.instead = _app([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], [b""])
        assert rig.talk(GET[:-2] + b"Connection: close\r\n\r\n").count(b"Set-Cookie: ") == 2


def test_a_broken_page_is_500_with_one_traceback_and_the_connection_lives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        raise ValueError("broken on purpose")

    def breaks_later() -> Iterator[bytes]:
        yield from [b"" for _ in range(3)]
        raise ValueError("broken on purpose")

    def silent(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        return []

    with serving(tmp_path) as rig:
        client = rig.connect()
        for app in (broken, _app([], breaks_later()), silent):
            rig.site.instead = app
            client.sendall(GET)
            assert read_reply(client).status == 500
        rig.site.instead = None
        client.sendall(GET)
        assert read_reply(client).status == 200
        assert rig.count.status_unknown == 3
    assert len(_errors(caplog)) == 3


def test_an_answer_that_breaks_in_the_middle_is_cut_so_that_the_client_knows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise ValueError("broken on purpose")

    with serving(tmp_path) as rig:
        rig.site.instead = _app([], breaks())
        data = rig.talk(GET)
        assert statuses(data) == [200]
        assert not data.endswith(b"0\r\n\r\n")
        wait_until(rig.log.lines, "the log line")
    assert sum("failed" in message for message in _errors(caplog)) == 1


def test_an_answer_of_another_length_than_it_said_does_not_spoil_the_next(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        client = rig.connect()
        for said in ("2", "200"):  # whole at once: the server counts by itself
            rig.site.instead = _app([("Content-Length", said)], [b"abc"])
            client.sendall(GET)
            assert read_reply(client).body == b"abc"
        rig.site.instead = _app([("Content-Length", "70000")], [b"x" * 65536] * 3)
        client.sendall(GET)
        assert len(read_reply(client).body) == 70000
        client.sendall(GET)
        assert len(read_reply(client).body) == 70000
        rig.site.instead = _app([("Content-Length", "700000")], [b"x" * 65536] * 3)
        client.sendall(GET)
        assert len(read_all(client)) < 250_000


def test_answers_without_a_body_have_none(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        client = rig.connect()
        for status in ("204 NO CONTENT", "304 NOT MODIFIED"):
            rig.site.instead = _app([("Content-Length", "4")], [b"body"], status)
            client.sendall(GET)
            reply = read_reply(client, has_body=False)
            assert reply.status == int(status[:3])
            assert "transfer-encoding" not in reply.headers
        rig.site.instead = None
        client.sendall(GET)
        assert read_reply(client).body == b"home"


def test_all_of_an_answer_runs_in_one_context_of_its_own(tmp_path: Path) -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    seen: list[int] = []
    closed: list[int] = []

    class Body:
        def __init__(self) -> None:
            self.left = 5

        def __iter__(self) -> Body:
            return self

        def __next__(self) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise StopIteration
            seen.append(variable.get())
            return b"x" * 70_000

        def close(self) -> None:
            closed.append(variable.get())

    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(variable.get())
        variable.set(7)
        start_response("200 OK", [])
        return Body()

    with serving(tmp_path, limits=Limits(workers=3)) as rig:
        rig.site.instead = app
        for _ in range(2):
            assert len(rig.get().body) == 350_000
    assert seen == [0, 7, 7, 7, 7, 7] * 2
    assert closed == [7, 7]


def test_what_an_application_writes_comes_first(tmp_path: Path) -> None:
    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"one ")
        return [b"two"]

    with serving(tmp_path) as rig:
        rig.site.instead = app
        assert rig.get().body == b"one two"


def test_when_too_many_wait_the_next_gets_503_and_is_counted(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(workers=1, queue=2)) as rig:
        hold = b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
        first = rig.connect(hold)
        assert rig.site.entered.acquire(timeout=DEADLINE)
        waiting = [rig.connect(hold) for _ in range(2)]
        wait_until(lambda: rig.count.rx_bytes == 3 * len(hold), "both to wait")
        reply = rig.get()
        assert (reply.status, reply.headers["retry-after"]) == (503, "2")
        wait_until(lambda: rig.count.work_queue_full == rig.count.status_unknown == 1, "the counts")
        assert rig.server.snapshot().busy_workers == 1
        rig.site.hold.set()
        assert [read_reply(client).body for client in (first, *waiting)] == [b"held"] * 3


def test_no_memory_is_503_and_is_counted(tmp_path: Path) -> None:
    def greedy(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        raise MemoryError

    with serving(tmp_path) as rig:
        rig.site.instead = greedy
        assert rig.get().status == 503
        assert rig.count.memory_error == 1
        rig.site.instead = None
        assert rig.get().status == 200


def _spin(ended: threading.Event) -> WSGIApplication:
    def app(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        try:
            while True:
                time.sleep(0.01)
        finally:
            ended.set()

    return app


def test_a_worker_that_is_stuck_is_given_up_and_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(tmp_path, limits=Limits(workers=1, stuck=0.3)) as rig:
        for _ in range(2):
            ended = threading.Event()
            rig.site.instead = _spin(ended)
            assert rig.get().status == 503
            assert ended.wait(5)
            rig.site.instead = None
            assert rig.get().body == b"home"
    assert sum("given up" in message and "stuck" in message for message in _errors(caplog)) == 2


def test_what_waits_too_long_for_a_worker_gets_503(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(workers=1, stuck=0.3, abandoned=0)) as rig:
        first = rig.connect(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        assert rig.site.entered.acquire(timeout=DEADLINE)
        second = rig.connect(GET)
        assert [read_reply(client).status for client in (first, second)] == [503, 503]


def test_a_slow_page_shows_what_it_has(tmp_path: Path) -> None:
    go_on = threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"first"
        time.sleep(0.06)  # longer than a step lasts that has something
        yield b"second"
        assert go_on.wait(5)
        yield b"third"

    with serving(tmp_path) as rig:
        rig.site.instead = _app([], slow())
        client = rig.connect(GET)
        data = b""
        while b"second" not in data:
            data += client.recv(1000)
        go_on.set()
        while not data.endswith(b"0\r\n\r\n"):
            data += client.recv(1000)
        assert b"third" in data


def test_who_logged_in_is_in_the_log(tmp_path: Path) -> None:
    def gate(environ: WSGIEnvironment) -> None:
        environ["REMOTE_USER"] = "ann"

    with serving(tmp_path, http__log_format="%u %s") as rig:
        rig.site.gate = gate
        rig.get()
        _log_is(rig, "ann 200")


def test_a_gate_that_breaks_lets_nobody_in(tmp_path: Path) -> None:
    def gate(_environ: WSGIEnvironment) -> Any:
        raise ValueError("broken on purpose")

    with serving(tmp_path) as rig:
        rig.site.gate = gate
        assert rig.get().status == 500
        assert rig.ask(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi").status == 500
        assert rig.site.called == 0


def _log_is(rig: Rig, *lines: str) -> None:
    wait_until(rig.log.lines, "a log line")
    assert rig.log.lines() == lines
