"""Bytes go through as they are and as they come."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.tunnel.conftest import MakeRig
    from tests.tunnel.rig import Rig

REQUEST = bytes.fromhex("10 5b 01 5c 16")


def test_every_byte_passes_both_ways(rig: Rig) -> None:
    client = rig.connected()
    everything = bytes(range(256))
    client.send(everything)
    assert rig.far.read(256) == everything
    rig.far.write(everything)
    assert client.read(256) == everything


def test_each_byte_is_handed_on_before_the_next_arrives(rig: Rig) -> None:
    client = rig.connected()
    for value in range(261):
        byte = bytes([value % 256])
        rig.far.write(byte)
        assert client.read(1) == byte
    for value in range(100):
        byte = bytes([value])
        client.send(byte)
        assert rig.far.read(1) == byte


def test_any_conversation_passes_unchanged(rig: Rig) -> None:
    client = rig.connected()

    @settings(max_examples=60, deadline=None)
    @given(parts=st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=600)), max_size=8))
    def converse(parts: list[tuple[bool, bytes]]) -> None:
        for from_client, data in parts:
            if from_client:
                client.send(data)
                assert rig.far.read(len(data)) == data
            else:
                rig.far.write(data)
                assert client.read(len(data)) == data

    converse()


def test_nothing_is_lost_or_reordered_when_both_sides_pour(make_rig: MakeRig) -> None:
    rig = make_rig()
    client = rig.connected()
    size = 1 << 20
    down, up = os.urandom(size), os.urandom(size)
    got: dict[str, bytes] = {}
    threads = [
        threading.Thread(target=rig.far.write, args=(down,)),
        threading.Thread(target=client.send, args=(up,)),
        threading.Thread(target=lambda: got.update(up=rig.far.read(size, deadline=60))),
    ]
    for thread in threads:
        thread.start()
    assert hashlib.sha256(client.read(size)).digest() == hashlib.sha256(down).digest()
    for thread in threads:
        thread.join(60)
    assert got["up"] == up
    state = rig.tunnel.snapshot()
    assert (state.counters.octets_from_serial, state.counters.octets_from_network) == (size, size)


def test_counters_and_state_tell_the_connection(rig: Rig) -> None:
    assert rig.tunnel.snapshot().state == "Waiting"
    client = rig.connected()
    client.send(REQUEST)
    rig.far.read(5)
    rig.far.write(b"\xe5")
    client.read(1)
    state = rig.tunnel.snapshot()
    assert state.state == f"Connected {client.peer}"
    assert (state.counters.completed_accepts, state.counters.disconnects, state.counters.dropped_accepts) == (1, 0, 0)
    assert (state.counters.octets_from_network, state.counters.octets_from_serial) == (5, 1)
    assert state.accept_connection_seconds > 0
    client.close()
    rig.wait_for(lambda: rig.tunnel.snapshot().state == "Waiting", "the end of the connection")
    ended = rig.tunnel.snapshot()
    assert ended.counters.disconnects == 1
    assert ended.accept_connection_seconds >= state.accept_connection_seconds


def test_serial_bytes_without_a_client_are_dropped_and_counted(rig: Rig) -> None:
    rig.far.write(b"stale")
    rig.wait_for(lambda: rig.tunnel.snapshot().counters.octets_dropped == 5, "the bytes to be dropped")
    client = rig.connected()
    rig.far.write(b"fresh")
    assert client.read(5) == b"fresh"
    assert rig.tunnel.snapshot().counters.octets_from_serial == 5


def test_idle_means_no_byte_on_the_line(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__disconnect_timeout="400")
    client = rig.connected()
    for _ in range(10):  # a long answer, slower in all than the timeout
        time.sleep(0.1)  # the pace of the wire, not a wait for anything
        rig.far.write(b"x")
        assert client.read(1) == b"x"
    assert client.ending() == "fin"
    assert rig.tunnel.snapshot().counters.disconnects == 1


def test_the_longest_answer_at_300_bits_a_second_is_streamed_whole(make_rig: MakeRig) -> None:
    # With the slowest allowed beginning it takes 10.7 s: longer than the disconnect timeout, which must not cut it.
    rig = make_rig(line__baud_rate="300", tunnel__disconnect_timeout="10000")
    client = rig.connected()
    client.send(REQUEST)
    assert rig.far.read(5) == REQUEST
    begin = time.monotonic() + 5 * 11 / 300 + 330 / 300 + 0.05
    for number in range(261):
        time.sleep(max(0.0, begin + (number + 1) * 11 / 300 - time.monotonic()))  # the pace of the wire
        rig.far.write(bytes([number % 256]))
        assert client.read(1) == bytes([number % 256])  # each before the next: none is held back
    assert client.is_quiet(0.5)


def test_idle_counts_from_the_last_byte_of_a_slow_line(make_rig: MakeRig) -> None:
    # 261 bytes at 300 bit/s take 9.6 s: the client sends once and hears nothing until the wire is through.
    rig = make_rig(tunnel__disconnect_timeout="200", line__baud_rate="300")
    client = rig.connected()
    client.send(bytes(60))  # 2.2 s on the wire
    rig.far.read(60)
    assert client.is_quiet(1.5), "cut while its request was on the wire"
    assert client.ending() == "fin"


def test_a_timeout_of_zero_never_closes(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__disconnect_timeout="0")
    client = rig.connected()
    assert client.is_quiet(1.0)
    rig.far.write(b"still here")
    assert client.read(10) == b"still here"


def test_the_thread_sleeps_when_nothing_happens(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__disconnect_timeout="0")
    rig.connected()
    thread = next(t for t in threading.enumerate() if t.name == "tunnel")
    assert thread.native_id

    def switches() -> int:
        text = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
        return int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])

    before = switches()
    time.sleep(1.0)
    assert switches() == before


def test_keep_alive_is_set_on_the_connection(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__keep_alive="45000")
    rig.connected()
    (session,) = rig.tunnel._clients.published
    sock = session.connection._socket
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 45
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
    rig.settings.set({"tunnel.keep_alive": "0"}, save=False)
    rig.wait_for(lambda: not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), "keep-alive off on a live client")


def test_a_client_that_stops_reading_holds_no_memory_and_no_port(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__disconnect_timeout="500")
    client = rig.connected()

    def pour() -> None:
        while rig.tunnel.snapshot().clients:
            rig.far.fill()
            time.sleep(0.01)

    pouring = threading.Thread(target=pour)
    pouring.start()
    rig.wait_for(lambda: any(s.pending for s in rig.tunnel._clients.published), "the client's buffers to be full")
    held = max((len(s.pending) for s in rig.tunnel._clients.published), default=0)
    assert held <= 8192
    rig.wait_for(lambda: not rig.tunnel.snapshot().clients, "the stalled client to be let go")
    pouring.join(10)
    client.close()
    rig.connected()
