"""Whatever clients do, an honest one is served within a second afterwards, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from appliance.console.line_editor import LONGEST
from tests.console.rig import Client, Rig, running
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from pathlib import Path

WITHIN = 1.0
"""Seconds for an honest client, from its connection to the answer of its command."""


def honest(rig: Rig) -> None:
    began = time.monotonic()
    client = Client(rig.port)
    try:
        client.send("admin\nadmin\nshow version\n")
        client.until("Serial number     0001", WITHIN)
    finally:
        client.close()
    assert time.monotonic() - began < WITHIN


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def flood(rig: Rig, data: bytes, *, first: bytes = b"") -> None:
    """Send for a while without reading, as long as it is taken."""
    with socket.create_connection(("127.0.0.1", rig.port), 5) as sock:
        sock.settimeout(0.3)
        with contextlib.suppress(OSError):
            sock.sendall(first)
            for _ in range(40):
                sock.sendall(data)


@pytest.mark.parametrize("first", [b"", b"admin\nadmin\n"], ids=["before the login", "after it"])
@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfd\x18" * 20_000,
        b"\xff\xfb\x22" * 20_000,
        b"\xff\xfd\x01\xff\xfe\x01" * 10_000,
        b"\xff\xf6" * 20_000,
        b"\xff\xfa\x1f" + bytes(60_000),
        b"x" * 60_000,
        b"?" * 20_000,
        b"\xff\xfd\x01" + b"?\t\t" * 20_000,
        b"\r\n" * 20_000,
        b"show configuration\nshow settings\n" * 1000,
        b"\x1b[" * 30_000,
        "漢\u0301".encode() * 10_000,
        bytes(60_000),
        b"\xff" * 60_000,
    ],
    ids=lambda data: repr(data[:12])[2:-1],
)
def test_floods(rig: Rig, data: bytes, first: bytes) -> None:
    flood(rig, data, first=first)
    honest(rig)


def test_a_line_of_a_megabyte(rig: Rig) -> None:
    client = rig.enabled()
    client.send(b"configure" + b"x" * 1_000_000 + b"\nshow version\n")
    assert f"% a line has at most {LONGEST} characters" in client.until("Serial number")
    terminal = rig.enabled(terminal=True)
    sender = threading.Thread(target=terminal.send, args=(b"x" * 1_000_000 + b"\rshow version\r",))
    sender.start()
    terminal.until("% a line has at most", 30)
    terminal.until("Serial number")
    sender.join()
    honest(rig)


def test_200_connections_at_once(rig: Rig) -> None:
    crowd = [socket.create_connection(("127.0.0.1", rig.port), 5) for _ in range(200)]
    honest(rig)
    for sock in crowd:
        with contextlib.suppress(OSError):
            sock.send(b"admin\n")
    honest(rig)
    for sock in crowd:
        reset(sock)
    honest(rig)
    wait_until(lambda: not rig.console.snapshot().sessions, "the sessions to end")
    assert len(rig.console._sessions) == 0


def test_a_fifth_session_is_busy_and_the_four_go_on(rig: Rig) -> None:
    four = [rig.enabled() for _ in range(4)]
    fifth = rig.client()
    assert fifth.rest() == "% busy: the console has all the sessions that it can have\r\n"
    assert rig.console.snapshot().refused == 1
    for client in four:
        assert "Serial number" in client.run("show version")
    four[0].send("exit\n")
    four[0].rest()
    wait_until(lambda: len(rig.console.snapshot().sessions) == 3, "the end of a session")
    honest(rig)


def test_who_has_not_logged_in_makes_room(rig: Rig) -> None:
    logged_in = [rig.enabled() for _ in range(2)]
    half = rig.client()
    half.until("login: ")
    half.send("admin\n")
    half.until("Password: ")
    silent = rig.client()
    silent.until("login: ")
    rig.enabled()  # takes the place of the one that never said a word
    assert "% another client takes the place" in silent.rest()
    half.send("admin\n")
    half.until("> ")
    for client in logged_in:
        assert "Serial number" in client.run("show version")


def test_a_client_that_does_not_read_is_cut(tmp_path: Path) -> None:
    with running(tmp_path, patient_for=0.3) as rig:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.connect(("127.0.0.1", rig.port))
        sock.settimeout(0.2)
        with contextlib.suppress(OSError):
            sock.sendall(b"admin\nadmin\n" + b"show settings\n" * 20_000)
        honest(rig)
        wait_until(lambda: not rig.console.snapshot().sessions, "the cut")
        sock.close()


def test_slow_typing_is_served_and_the_login_has_an_end(tmp_path: Path) -> None:
    with running(tmp_path, login_time=0.5) as rig:
        slow, never = rig.client(), rig.client()
        slow.login()
        for byte in b"show version\n":
            slow.send(bytes((byte,)))
        slow.until("Serial number")
        never.until("login: ")
        began = time.monotonic()
        for byte in b"adm":
            never.send(bytes((byte,)))
        never.send(b"\xff\xf1" * 10)
        assert "% the time for the login is over" in never.rest(2.0)
        assert time.monotonic() - began < 2.0
        slow.until("> ")
        assert "Serial number" in slow.run("show version")


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xff",
        b"\xff\xfa\x1f",
        b"admin",
        b"admin\n",
        b"admin\nadm",
        b"admin\nadmin\n",
        b"admin\nadmin\nshow conf",
        b"admin\nadmin\nenable\nconfigure\nbegin\nlink\nspeed 10\n",
        b"\xff\xfd\x01admin\radmin\renable\rreload\r",
        b"\xff\xfd\x01admin\radmin\renable\rpassword\r",
        b"\xff\xfd\x01admin\radmin\rshow settings\r",  # at --more--
        b"\xff\xfd\x01admin\radmin\ren\rconf\rlink\rspeed 10\rend\rexit\r",
    ],
)
def test_disconnects_in_every_state(rig: Rig, before: bytes) -> None:
    for end in (reset, socket.socket.close, lambda sock: sock.shutdown(socket.SHUT_WR)):
        sock = socket.create_connection(("127.0.0.1", rig.port), 5)
        sock.sendall(before)
        sock.settimeout(0.05)
        with contextlib.suppress(OSError):
            while sock.recv(65536):
                pass
        with contextlib.suppress(OSError):  # it may have hung up itself
            end(sock)
        honest(rig)
        wait_until(lambda: not rig.console.snapshot().sessions, "the session to end", 2.0)
        sock.close()
    assert rig.device.done == []
    assert rig.settings.saved == rig.settings.defaults


def test_random_bytes(tmp_path: Path) -> None:
    words = [
        b"admin\n",
        b"enable\n",
        b"\xff\xfd\x01",
        b"\xff\xfa\x1f",
        b"show ",
        b"?",
        b"\t",
        b"\x1b[A",
        b"\r",
        b"configure\n",
    ]

    @hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(parts=strategies.lists(strategies.sampled_from(words) | strategies.binary(max_size=300), max_size=60))
    def attack(parts: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", rig.port), 5) as sock:
            sock.settimeout(0.5)
            with contextlib.suppress(OSError):
                sock.sendall(b"admin\nadmin\n" + b"".join(parts))
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
        honest(rig)

    with running(tmp_path) as rig:
        attack()
        assert rig.console.failure is None


def test_many_at_once_with_rubbish(rig: Rig) -> None:
    rng = random.Random(7)
    deadline = time.monotonic() + 1.5

    def attack(seed: int) -> None:
        own = random.Random(seed)
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", rig.port), 1) as sock:
                sock.settimeout(0.1)
                sock.sendall(own.choice([b"admin\nadmin\n", b""]) + own.randbytes(own.randrange(4000)))
                if own.random() < 0.5:
                    sock.recv(4096)
                if own.random() < 0.5:
                    reset(sock)

    attackers = [threading.Thread(target=attack, args=(rng.random(),)) for _ in range(8)]
    for thread in attackers:
        thread.start()
    for thread in attackers:
        thread.join()
    honest(rig)


def test_no_room_for_descriptors_is_overcome(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = rig.console._listener
    assert listener is not None
    accept, failures = listener.accept, iter([OSError(24, os.strerror(24))] * 3)

    def fail() -> object:
        for failure in failures:
            raise failure
        return accept()

    monkeypatch.setattr(listener, "accept", fail)
    client = rig.client()
    client.login()
    assert rig.console.is_alive
