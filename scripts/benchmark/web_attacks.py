"""Clients that a web server has to live with: many connections that do next to nothing, and one large upload.

Each kind runs in a process of its own, for a time that is given, and is ended with it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING

from benchmark.web_client import HOST, ask, connect, get

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

PAUSE = 0.5
"""Seconds between two bytes."""
SLOW_READ = 256
"""Bytes that a slow reader takes at a time."""
SMALL_WINDOW = 4096
HEAD = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: ".encode()
BODY = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 30000\r\n\r\n".encode()


def _plain(port: int, _secure_port: int) -> socket.socket:
    return connect(port)


def _header(port: int, _secure_port: int) -> socket.socket:
    return _said(connect(port), HEAD)


def _body(port: int, _secure_port: int) -> socket.socket:
    return _said(connect(port), BODY)


def _secure_idle(_port: int, secure_port: int) -> socket.socket:
    return connect(secure_port)


def _secure(_port: int, secure_port: int) -> socket.socket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return _said(context.wrap_socket(connect(secure_port)), HEAD)


def _reader(port: int, _secure_port: int) -> socket.socket:
    return _said(connect(port, receive=SMALL_WINDOW), get("/large"))


def _said(sock: socket.socket, data: bytes) -> socket.socket:
    sock.sendall(data)
    return sock


def _wait(sock: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        if not sock.recv(1, socket.MSG_PEEK):
            raise ConnectionError


def _drip(sock: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        sock.send(b"x")


def _sip(sock: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        if not sock.recv(SLOW_READ):
            raise ConnectionError


ATTACKS: dict[str, tuple[Callable[[int, int], socket.socket], Callable[[socket.socket], None]]] = {
    "idle": (_plain, _wait),
    "header drip": (_header, _drip),
    "body drip": (_body, _drip),
    "TLS idle": (_secure_idle, _wait),
    "TLS drip": (_secure, _drip),
    "slow reader": (_reader, _sip),
}
"""How a connection begins, and what is done with it every `PAUSE` seconds."""


def attack(report: Connection, kind: str, ports: tuple[int, int], count: int, seconds: float) -> None:
    """Hold `count` connections, new ones in the place of those that are closed; report when all were made."""
    begin, go_on = ATTACKS[kind]
    held: list[socket.socket | None] = [None] * count
    end = time.monotonic() + seconds
    is_first = True
    while time.monotonic() < end:
        for number, sock in enumerate(held):
            try:
                if sock is None:
                    held[number] = made = begin(*ports)
                    made.setblocking(False)
                else:
                    go_on(sock)
            except OSError:
                if sock is not None:
                    sock.close()
                held[number] = None
        if is_first:
            report.send(None)
            is_first = False
        time.sleep(PAUSE)


def ask_again_and_again(report: Connection, port: int, path: str) -> None:
    """Ask for one page after the other, without end."""
    request = get(path)
    with connect(port) as client:
        report.send(None)
        while True:
            ask(client, request)


def upload(report: Connection, port: int, size: int) -> None:
    """Upload `size` bytes; report the seconds that it took, or what was answered instead."""
    block = bytes(1 << 20)
    with connect(port) as client:
        report.send(None)
        began, left = time.monotonic(), size
        client.sendall(f"POST /upload HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {size}\r\n\r\n".encode())
        while left:
            client.sendall(block[:left])
            left -= len(block[:left])
        answer = client.recv(65536)
        took = time.monotonic() - began
        report.send(took if answer.startswith(b"HTTP/1.1 200") and str(size).encode() in answer else answer)
