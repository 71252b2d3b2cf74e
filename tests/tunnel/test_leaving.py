"""However a client goes, the next honest one is served, and hears nothing that was meant for another."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from appliance.line.line import ALLOWANCE

if TYPE_CHECKING:
    from tests.tunnel.conftest import MakeRig
    from tests.tunnel.rig import Client, Rig


def serve(rig: Rig, client: Client) -> None:
    """Carry one honest transaction out, with bytes that only this client may see."""
    token = os.urandom(12)
    client.send(b"?" + token)
    assert rig.far.read(13) == b"?" + token
    rig.far.write(b"!" + token)
    assert client.read(13) == b"!" + token


def test_five_hundred_clients_one_after_the_other(rig: Rig) -> None:
    # Each connects in the moment in which the one before has closed: its FIN and the next SYN arrive together.
    for _ in range(500):
        client = rig.client()
        client.close()
    serve(rig, rig.connected())
    assert rig.tunnel.snapshot().counters.dropped_accepts == 0
    assert rig.tunnel.snapshot().counters.completed_accepts == 501


def test_reconnects_with_a_transaction_each(rig: Rig) -> None:
    for _ in range(30):
        client = rig.client()
        serve(rig, client)
        client.close()
    assert rig.tunnel.snapshot().counters.dropped_accepts == 0


def test_a_half_closed_client_gets_its_answer(rig: Rig) -> None:
    client = rig.connected()
    client.send(b"request")
    client.finish()
    assert rig.far.read(7) == b"request"
    for part in (b"an", b"sw", b"er"):
        time.sleep(0.2)  # a meter that takes its time
        rig.far.write(part)
        assert client.read(2) == part
    assert client.ending() == "fin"
    rig.wait_for(lambda: rig.tunnel.snapshot().state == "Waiting", "the port to be free")


def test_a_half_closed_client_gets_its_answer_though_another_comes(rig: Rig) -> None:
    first = rig.connected()
    first.send(b"request")
    assert rig.far.read(7) == b"request"
    first.finish()
    second = rig.client()
    rig.wait_for(lambda: len(rig.tunnel.snapshot().clients) == 2, "the second to be taken in")
    rig.far.write(b"answer")
    assert first.read(6) == b"answer"
    assert first.ending() == "fin"
    serve(rig, second)


def test_a_request_written_and_closed_at_once_is_carried_out(rig: Rig) -> None:
    # What `printf ... | nc` does, before the tunnel has seen the client at all.
    client = rig.client()
    client.send(b"request")
    client.finish()
    assert rig.far.read(7) == b"request"
    rig.far.write(b"answer")
    assert client.read(6) == b"answer"


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_late_answer_never_reaches_the_next_client(rig: Rig, leave: str) -> None:
    first = rig.connected()
    first.send(b"question of the first")
    rig.far.read(21)
    getattr(first, leave)()
    second = rig.client()
    second.send(b"question of the second")
    rig.wait_for(lambda: any(c.peer == second.peer for c in rig.tunnel.snapshot().clients), "the second to be taken in")
    rig.far.write(b"answer to the ")
    time.sleep(0.005)  # one answer in two lumps
    rig.far.write(b"first")
    assert rig.far.read(22) == b"question of the second"
    rig.far.write(b"answer to the second")
    assert second.read(20) == b"answer to the second"


def test_stale_bytes_are_flushed_at_accept(rig: Rig) -> None:
    for _ in range(20):
        rig.far.write(b"stale")
        client = rig.client()
        rig.wait_for(lambda: any(c.has_bus for c in rig.tunnel.snapshot().clients), "the turn")
        serve(rig, client)
        client.close()


def test_a_babbling_meter_delays_the_next_client_only_so_long(rig: Rig) -> None:
    rig.connected().close()
    ending = threading.Event()

    def babble() -> None:
        while not ending.is_set():
            rig.far.fill()
            ending.wait(0.005)

    babbling = threading.Thread(target=babble)
    babbling.start()
    try:
        client = rig.client()
        client.send(b"hello")
        assert rig.far.read(5) == b"hello"  # within the longest exchange at 2400 bit/s, 1.4 s
    finally:
        ending.set()
        babbling.join()


def flood(client: Client) -> None:
    client.socket.setblocking(False)
    try:
        while True:
            client.socket.send(bytes(65536))
    except BlockingIOError:
        pass
    client.socket.setblocking(True)


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_floods_and_leaves_does_not_clog_the_line(make_rig: MakeRig, leave: str) -> None:
    rig = make_rig()
    client = rig.connected()
    flood(client)
    rig.wait_for(lambda: rig.tunnel._clients.published[0].is_paused, "the line to be jammed")
    waiting = rig.line.waiting()
    assert waiting <= ALLOWANCE
    getattr(client, leave)()
    if leave == "close":
        # Its kernel goes on sending what it took from it: nothing tells that it has gone. After some seconds
        # of jam it loses the line to whoever asks for it.
        rig.tunnel._clients.published[0].jammed_since = time.monotonic() - 60
    rig.wait_for(lambda: rig.tunnel._clients.published == () or leave == "close", "the reset to be seen")
    following = rig.client()
    rig.wait_for(
        lambda: any(c.peer == following.peer for c in rig.tunnel.snapshot().clients), "the next to be taken in"
    )
    drain(rig)
    token = os.urandom(12)
    following.send(token)
    seen = b""
    while token not in seen:
        seen += rig.far.read(1)
    assert len(seen) < 20_000, "the flood went on"
    rig.far.write(token)
    assert following.read(12) == token


def test_what_a_client_leaves_unsent_is_dropped(rig: Rig) -> None:
    client = rig.connected()
    flood(client)
    rig.wait_for(lambda: rig.tunnel._clients.published[0].is_paused, "the line to be jammed")
    client.reset()
    rig.wait_for(lambda: not rig.tunnel.snapshot().clients, "the client to be gone")
    # A pty has handed 4 KiB to its far end already; the 8 KiB behind them and our own queue must not follow.
    assert drain(rig) <= 4096


def test_what_a_stalled_client_did_not_take_never_reaches_the_next(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="takeover", tunnel__disconnect_timeout="0")
    for _ in range(2):
        rig.connected()
        full_since = time.monotonic()
        while time.monotonic() - full_since < 0.5:  # by the clock alone, the line has settled then
            if rig.far.fill():
                full_since = time.monotonic()
            time.sleep(0.02)
        client = rig.connected()
        serve(rig, client)


def drain(rig: Rig) -> int:
    """Read what still comes out of the line, and count it."""
    count = 0
    while not rig.far.is_quiet(0.3):
        count += len(os.read(rig.far.master, 65536))
    return count


def test_a_flooding_client_that_stays_gives_way_after_a_while(rig: Rig) -> None:
    flooder = rig.connected()
    flood(flooder)
    rig.wait_for(lambda: rig.tunnel._clients.published[0].is_paused, "the line to be jammed")
    assert rig.client().ending() == "reset", "a client that sends much for a moment keeps its place"
    rig.tunnel._clients.published[0].jammed_since = time.monotonic() - 60
    rig.client()
    rig.wait_for(lambda: is_reset(flooder), "the flooder to be cut off")


def is_reset(client: Client) -> bool:
    try:
        client.socket.send(b"x", socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    return False


def test_a_broken_client_in_the_middle_of_a_frame(rig: Rig) -> None:
    for _ in range(20):
        client = rig.connected()
        client.send(b"\x68\x20")
        client.reset()
        rig.wait_for(lambda: not rig.tunnel.snapshot().clients, "the client to be gone")
    drain(rig)
    serve(rig, rig.connected())


def test_many_clients_at_once_leave_nothing_behind(rig: Rig) -> None:
    honest = rig.connected()
    with contextlib.ExitStack() as stack:
        for number in range(60):
            sock = stack.enter_context(socket.socket())
            sock.settimeout(5)
            with contextlib.suppress(ConnectionResetError):  # refused before connect has returned
                sock.connect(("127.0.0.1", rig.port))
            if number % 3 == 0:
                sock.close()
        serve(rig, honest)
        rig.wait_for(lambda: rig.tunnel.snapshot().counters.dropped_accepts == 60, "all of them to be refused")
    serve(rig, honest)
