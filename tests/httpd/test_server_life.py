from __future__ import annotations

import gc
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from appliance.errors import ListenError
from appliance.httpd import server as server_module
from appliance.httpd.limits import Limits
from appliance.httpd.statistics import HttpCounters
from appliance.service import STOP_DEADLINE
from appliance.settings import InvalidSettings
from appliance.settings import http as declared
from tests.httpd.rig import Rig, descriptors, read_all, read_reply, serving, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HOLD = b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_stop_lets_answers_finish_and_closes_the_rest(tmp_path: Path) -> None:
    rig = Rig(tmp_path).start()
    port = rig.port
    idle, kept, begun = rig.connect(), rig.connect(GET), rig.connect(GET[:9])
    assert read_reply(kept).status == 200
    held = rig.connect(HOLD)
    assert rig.site.entered.acquire(timeout=5)
    stopper = threading.Thread(target=rig.server.stop)
    stopper.start()
    try:
        assert [read_all(client) for client in (idle, kept, begun)] == [b"", b"", b""]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        rig.site.hold.set()
        reply = read_reply(held)
        assert (reply.body, reply.headers["connection"]) == (b"held", "close")
    finally:
        stopper.join()
        rig.stop()
    assert not rig.server.is_alive


def test_a_stop_does_not_wait_for_a_page_without_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()

    def endless(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        rig.site.entered.release()
        try:
            while True:
                time.sleep(0.01)
        finally:
            ended.set()

    rig = Rig(tmp_path).start()
    rig.site.instead = endless
    client = rig.connect(GET)
    assert rig.site.entered.acquire(timeout=5)
    began = time.monotonic()
    rig.server.stop()
    assert time.monotonic() - began < STOP_DEADLINE
    assert ended.wait(5)
    assert read_all(client) == b""
    rig.stop()
    assert "died" not in caplog.text


def test_a_server_that_dies_tears_down_in_silence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def beat() -> None:
        raise RuntimeError("by the test")

    rig = Rig(tmp_path).start()
    idle, held = rig.connect(), rig.connect(HOLD)
    assert rig.site.entered.acquire(timeout=5)
    rig.server.beat = beat  # type: ignore[method-assign]  # where a test gets hold of the loop
    rig.server.wake()
    wait_until(lambda: not rig.server.is_alive, "its death")
    assert [read_all(client) for client in (idle, held)] == [b"", b""]
    rig.stop()
    gc.collect()  # a coroutine that nobody awaited would speak now, and pytest fail for it
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["service web died"]


def test_a_server_that_never_began_gives_its_ports_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path, https=True)
    rig.server.listen()
    ports = rig.port, rig.https_port
    rig.stop()
    for port in ports:
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))


def test_a_stuck_server_is_given_up_and_its_successor_takes_the_ports_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    let_go = threading.Event()
    rig = Rig(tmp_path).start()
    rig.settings.set({"http.port": str(_free_port())}, save=False)
    client = rig.connect(GET)
    assert read_reply(client).status == 200
    wait_until(lambda: rig.count.status_200 == 1, "the first to be counted, which happens after it is sent")
    loop = rig.server._loop
    assert loop is not None
    loop.call_soon_threadsafe(let_go.wait, 20)
    successor = Rig(tmp_path, counters=rig.server.counters)
    try:
        rig.server.abandon()
        assert read_all(client) == b""
        successor.settings.set({"http.port": str(rig.settings.in_force[declared.PORT])}, save=False)
        successor.start()
        assert successor.get().body == b"home"
        wait_until(lambda: successor.count.status_200 == 2, "the counters to go on")
    finally:
        successor.stop()
        let_go.set()
        rig.server.thread.join(5)
        client.close()
        rig.site.hold.set()
    assert not rig.server.is_alive
    assert "given up before, has ended" in caplog.text


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_it_says_that_it_lives_and_rests_when_nothing_happens(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        rig.get()
        wait_until(lambda: rig.server.snapshot().connections == 0, "the end of the first")
        rig.connect()
        wait_until(lambda: rig.server.is_resting and rig.server.snapshot().connections == 1, "rest")
        before = rig.server.beats
        threading.Event().wait(0.3)
        assert rig.server.beats == before
        rig.server.wake()
        wait_until(lambda: rig.server.beats > before, "a beat")


def test_what_the_snapshot_says(tmp_path: Path) -> None:
    with serving(tmp_path, https=True) as rig:
        snapshot = rig.server.snapshot()
        assert (snapshot.state, snapshot.is_enabled) == ("On (running)", True)
        assert {snapshot.http_port, snapshot.https_port} != {None}
        rig.settings.set({"http.enabled": "off"}, save=False)
        snapshot = rig.server.snapshot()
        assert (snapshot.state, snapshot.is_enabled, snapshot.http_port) == ("Off", False, None)


def test_switched_off_it_finishes_the_answer_that_did_it_and_comes_back(tmp_path: Path) -> None:
    with serving(tmp_path) as rig:
        held, idle = rig.connect(HOLD), rig.connect()
        assert rig.site.entered.acquire(timeout=5)
        wait_until(lambda: rig.server.snapshot().connections == 2, "both")
        rig.settings.set({"http.enabled": "off"}, save=False)
        assert read_all(idle) == b""
        rig.site.hold.set()
        reply = read_reply(held)
        assert (reply.body, reply.headers["connection"]) == (b"held", "close")
        rig.settings.set({"http.enabled": "on"}, save=False)
        assert rig.get().status == 200


def test_a_port_that_is_taken_is_an_error_and_later_had_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "REBIND", 0.05)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        rig = Rig(tmp_path, texts={"http.port": str(port)})
        try:
            with pytest.raises(ListenError, match=f"cannot listen on port {port}"):
                rig.server.listen()
            rig.server.start()
            assert str(port) in rig.server.snapshot().state
            other.close()
            wait_until(lambda: rig.server.snapshot().http_port == port, "the port")
            assert rig.server.snapshot().state == "On (running)"
            assert rig.get().status == 200
        finally:
            rig.stop()


def test_a_port_that_cannot_be_had_leaves_the_old_one_in_service(tmp_path: Path) -> None:
    with serving(tmp_path) as rig, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InvalidSettings):
            rig.settings.set({"http.port": str(other.getsockname()[1])}, save=False)
        assert rig.get().status == 200


def test_a_hundred_moves_of_ports_and_certificates_leave_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path, https=True) as rig:
        client = rig.connect(GET)
        assert read_reply(client).status == 200
        rig.get()
        wait_until(lambda: rig.server.snapshot().connections == 1, "the others to go")
        before, threads = descriptors(), threading.active_count()
        for number in range(100):
            former = rig.port
            if number % 10 == 0:
                rig.certificate.generate([f"host{number}"])
            rig.settings.set({"http.port": str(_free_port()), "http.https_port": str(_free_port())}, save=False)
            assert rig.port != former
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", former))
        assert rig.get().status == 200
        with rig.connect_tls(GET) as secure:
            assert read_reply(secure).status == 200
        client.sendall(GET)
        assert read_reply(client).status == 200  # it outlived them all
        wait_until(lambda: rig.server.snapshot().connections == 1, "the others to go")
        assert (descriptors(), threading.active_count()) == (before, threads)


def test_counters_and_log_pass_to_the_successor(tmp_path: Path) -> None:
    counters = HttpCounters(status_200=5)
    with serving(tmp_path, counters=counters) as rig:
        rig.get()
        wait_until(lambda: rig.count.status_200 == 6, "the count")
    assert rig.server.counters is counters


def test_limits_are_what_the_decision_says() -> None:
    assert (Limits().connections, Limits().connections_each, Limits().workers) == (256, 32, 4)
