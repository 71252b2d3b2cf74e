"""How long a client may take. One second is the shortest *max timeout*, so some tests watch several clients at once."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from appliance.httpd.limits import Limits
from tests.httpd.rig import Endless, Rig, read_all, read_reply, serving, statuses, wait_until

if TYPE_CHECKING:
    import socket
    from pathlib import Path

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def _ends(*clients: socket.socket) -> tuple[list[bytes], float]:
    began = time.monotonic()
    return [read_all(client) for client in clients], time.monotonic() - began


def test_what_has_begun_gets_408_and_what_has_not_is_closed_without_a_word(tmp_path: Path) -> None:
    with serving(tmp_path, https=True, http__max_timeout="1") as rig:
        silent = [rig.connect(), rig.connect_tls(), rig.connect(port=rig.https_port)]
        half_greeted = rig.connect(b"\x16\x03\x01\x02\x00\x01", port=rig.https_port)
        begun = [
            rig.connect(b"G"),
            rig.connect(GET[:-2]),
            rig.connect(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"),
            rig.connect(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"),
            rig.connect_tls(b"GET"),
        ]
        said, took = _ends(*silent, half_greeted, *begun)
        assert said[:4] == [b""] * 4
        assert [statuses(data) for data in said[4:]] == [[408]] * 5
        assert took < 3
        assert rig.count.status_408 == 5
        assert all(" 408 " in line for line in rig.log.lines())


def test_a_drip_does_not_move_the_deadline(tmp_path: Path) -> None:
    with serving(tmp_path, http__max_timeout="1") as rig:
        header = rig.connect(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        body = rig.connect(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n")
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.05):
                for client in (header, body):
                    try:
                        client.send(b"y")
                    except OSError:
                        return

        dripper = threading.Thread(target=drip)
        dripper.start()
        try:
            replies = [read_reply(client) for client in (header, body)]
            assert [reply.status for reply in replies] == [408, 408]
        finally:
            over.set()
            dripper.join()


def test_the_time_for_the_next_request_begins_with_the_end_of_the_answer(tmp_path: Path) -> None:
    with serving(tmp_path, http__max_timeout="1") as rig:
        client = rig.connect(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        assert rig.site.entered.acquire(timeout=5)
        opened = time.monotonic()
        wait_until(lambda: time.monotonic() - opened > 0.8, "most of the time")
        rig.site.hold.set()
        assert read_reply(client).status == 200
        wait_until(lambda: time.monotonic() - opened > 1.3, "more than the time since accept")
        client.sendall(GET)
        assert read_reply(client).status == 200
        said, took = _ends(client)
        assert said == [b""]
        assert 0.7 < took < 2


def test_a_reader_that_takes_nothing_is_cut_and_holds_no_worker(tmp_path: Path) -> None:
    with serving(tmp_path, http__max_timeout="1", limits=Limits(workers=1)) as rig:
        rig.site.body = body = Endless(b"x" * 65536, 1 << 30)
        rig.connect(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", receive=4096)
        wait_until(lambda: body.taken > 2, "the start of the stream")
        assert rig.get().body == b"home"
        assert body.closed.wait(5)
        assert body.taken < 200
        wait_until(lambda: rig.count.socket_error == 1, "the count of lost connections")


def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    with serving(tmp_path, http__max_timeout="1") as rig:
        rig.site.body = body = Endless(b"x" * 65536, 40)
        client = rig.connect(b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", receive=65536)
        received = 0
        while data := client.recv(65536):
            received += len(data)
            threading.Event().wait(0.01)
        assert received > 40 * 65536
        assert body.closed.is_set()
        assert rig.count.socket_error == 0


def test_an_upload_that_comes_too_slowly_gets_408(tmp_path: Path) -> None:
    limits = Limits(upload_grace=0.2, upload_rate=1000)
    with serving(tmp_path, http__max_timeout="1", limits=limits) as rig:
        client = rig.connect(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nabc")
        assert read_reply(client).status == 408
        wait_until(lambda: not list(rig.spool.iterdir()), "the end of the file")
        wait_until(lambda: _may_upload(rig), "another upload")


def _may_upload(rig: Rig) -> bool:
    return rig.ask(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").status == 200
