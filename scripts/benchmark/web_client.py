"""Clients of a web server that cost little themselves: one thread, plain sockets, requests written beforehand."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
PATIENCE = 30.0
"""Seconds that an answer may take before it counts as failed."""
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_PARAMETER = re.compile(r'(\w+)="?([^",]*)"?')


def get(path: str = "/", *, keeps: bool = True, authorization: str = "") -> bytes:
    """Write a request."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}", "Accept: text/html", "User-Agent: bench"]
    lines += [] if keeps else ["Connection: close"]
    lines += [f"Authorization: {authorization}"] if authorization else []
    return "\r\n".join([*lines, "", ""]).encode()


def connect(port: int, *, receive: int | None = None) -> socket.socket:
    """Connect; what follows gives up after `PATIENCE`."""
    client = socket.socket()
    try:
        client.settimeout(PATIENCE)
        if receive is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        client.connect((HOST, port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        client.close()
        raise
    return client


def wanted(data: bytes | bytearray) -> int | None:
    """Give the length of the whole answer that begins with `data`; None when its head has not come."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    match = _LENGTH.search(data, 0, end)
    return end + 4 + (int(match[1]) if match else 0)


def ask(client: socket.socket, request: bytes) -> bytes:
    """Send a request, and give its whole answer.

    :raises OSError: when it does not come.
    """
    client.sendall(request)
    data = bytearray()
    while (length := wanted(data)) is None or len(data) < length:
        part = client.recv(262144)
        if not part:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        data += part
    return bytes(data)


@dataclass
class Tally:
    """What clients got."""

    seconds: list[float] = field(default_factory=list)
    """Of each answer with status 200, from its request on; with a new connection from before it is made."""
    failures: int = 0
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed


@dataclass
class _Client:
    sock: socket.socket
    began: float
    data: bytearray = field(default_factory=bytearray)


def load(port: int, request: Callable[[], bytes], *, clients: int, seconds: float, keeps: bool) -> Tally:
    """Have `clients` ask one request after the other for `seconds`; without `keeps` each on a new connection."""
    tally, clock = Tally(), time.perf_counter
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.EpollSelector())
        began = clock()
        end = began + seconds

        def start(sock: socket.socket | None = None) -> None:
            at = clock()
            sock = sock or connect(port)
            client = _Client(sock, at)
            if sock.fileno() in selector.get_map():
                selector.modify(sock, selectors.EVENT_READ, client)
            else:
                selector.register(sock, selectors.EVENT_READ, client)
            sock.sendall(request())

        def close(client: _Client) -> None:
            selector.unregister(client.sock)
            client.sock.close()

        for _ in range(clients):
            start()
        while (now := clock()) < end:
            for key, _events in selector.select(end - now):
                client: _Client = key.data
                try:
                    part = client.sock.recv(262144)
                except OSError:
                    part = b""
                client.data += part
                length = wanted(client.data)
                is_whole = length is not None and len(client.data) >= length
                if part and not (is_whole and keeps):
                    continue
                if is_whole and client.data.startswith(b"HTTP/1.1 200"):
                    tally.seconds.append(clock() - client.began)
                else:
                    tally.failures += 1
                if part:
                    client.data.clear()
                    client.began = clock()
                    client.sock.sendall(request())
                else:
                    close(client)
                    start()
        tally.elapsed = clock() - began
        for key in list(selector.get_map().values()):
            close(key.data)
    return tally


def probe(port: int, request: Callable[[], bytes], *, seconds: float, pause: float = 0.0, keeps: bool = True) -> Tally:
    """Ask one request after the other, `pause` seconds between them, as one visitor does."""
    tally = Tally()
    began = time.perf_counter()
    client: socket.socket | None = None
    try:
        while time.perf_counter() - began < seconds:
            at = time.perf_counter()
            try:
                client = client or connect(port)
                answer = ask(client, request())
            except OSError:
                answer = b""
            if answer.startswith(b"HTTP/1.1 200"):
                tally.seconds.append(time.perf_counter() - at)
            else:
                tally.failures += 1
            if client is not None and (not answer or not keeps):
                client.close()
                client = None
            if pause:
                time.sleep(pause)
    finally:
        if client is not None:
            client.close()
    tally.elapsed = time.perf_counter() - began
    return tally


class DigestVisitor:
    """A browser that has logged in with Digest and SHA-256 (RFC 7616)."""

    def __init__(self, port: int, name: str, password: str) -> None:
        """Log in on `port`.

        :raises ConnectionError: when it is refused.
        """
        with contextlib.closing(connect(port)) as client:
            answer = ask(client, get()).decode("latin-1")
            challenge = next(line for line in answer.split("\r\n") if "algorithm=SHA-256" in line)
            self._fields = dict(_PARAMETER.findall(challenge))
            self._secret = _sha256(f"{name}:{self._fields['realm']}:{password}")
            self._name, self._count, self._cnonce = name, 0, secrets.token_hex(8)
            if not ask(client, self.request()).startswith(b"HTTP/1.1 200"):
                raise ConnectionError("the login was refused")

    def request(self) -> bytes:
        """Write the next request for the home page."""
        self._count += 1
        fields, count = self._fields, f"{self._count:08x}"
        inner = _sha256("GET:/")
        response = _sha256(f"{self._secret}:{fields['nonce']}:{count}:{self._cnonce}:auth:{inner}")
        return get(
            authorization=f'Digest username="{self._name}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", '
            f'uri="/", algorithm=SHA-256, response="{response}", opaque="{fields["opaque"]}", qop=auth, '
            f'nc={count}, cnonce="{self._cnonce}"'
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
