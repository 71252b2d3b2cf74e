"""A web server on loopback with a small Flask application, and a client that speaks raw bytes."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from appliance.certificate import Certificate
from appliance.httpd.access_log import AccessLog
from appliance.httpd.limits import Limits
from appliance.httpd.server import WebServer
from appliance.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from appliance.httpd.statistics import HttpCounters

DEADLINE = 10.0
UPLOAD_LIMIT = 64 * 1024 * 1024


def wait_until(condition: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    """Wait for something that has no event to wait on."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"waited {deadline} s for {what}"
        time.sleep(0.005)


class Endless:
    """A body that says what became of it."""

    def __init__(self, chunk: bytes, count: int) -> None:
        self.left = count
        self.taken = 0
        self.closed = threading.Event()
        self._chunk = chunk

    def __iter__(self) -> Endless:
        return self

    def __next__(self) -> bytes:
        if not self.left:
            raise StopIteration
        self.left -= 1
        self.taken += 1
        return self._chunk

    def close(self) -> None:
        self.closed.set()


class Site:
    """What is served: an application in the server's sense, whose doings a test can watch and steer."""

    def __init__(self) -> None:
        self.flask = _pages(self)
        self.gate: Callable[[WSGIEnvironment], WSGIApplication | None] = lambda _environ: None
        self.instead: WSGIApplication | None = None
        self.environ: WSGIEnvironment = {}
        self.called = 0
        self.entered = threading.Semaphore(0)
        self.hold = threading.Event()
        self.body: Endless = Endless(b"", 0)

    def admit(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        return self.gate(environ)

    def upload_limit(self, path: str) -> int | None:
        return UPLOAD_LIMIT if path == "/upload" else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.called += 1
        self.environ = environ
        return (self.instead or self.flask)(environ, start_response)


def _pages(site: Site) -> Flask:
    app = Flask("pages")

    @app.get("/")
    def home() -> str:
        return "home"

    @app.post("/echo")
    def echo() -> bytes:
        return request.get_data()

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("broken on purpose")

    @app.get("/hold")
    def hold() -> str:
        site.entered.release()
        assert site.hold.wait(DEADLINE)
        return "held"

    @app.get("/stream")
    def stream() -> Response:
        return Response(site.body, direct_passthrough=True)

    @app.post("/upload")
    def upload() -> str:
        size = 0
        while data := request.stream.read(65536):
            size += len(data)
        return str(size)

    @app.get("/<path:name>")
    def named(name: str) -> str:
        return f"page {name}" if name.startswith("page") else ("", 404)  # type: ignore[return-value]

    return app


@dataclass
class Reply:
    """An answer, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes
    trailing: bytes = b""


@dataclass
class Rig:
    """A running server."""

    folder: Path
    limits: Limits = field(default_factory=Limits)
    texts: dict[str, str] = field(default_factory=dict)
    https: bool = False
    counters: HttpCounters | None = None

    def __post_init__(self) -> None:
        self.site = Site()
        self.settings = Settings(self.folder / "state")
        self.settings.override(
            {"http.port": "0", "http.https_port": "0", "http.log_format": "%h %r %s %B", **self.texts}
        )
        self.certificate = Certificate(self.folder / "state", lambda: ["localhost", "127.0.0.1"])
        if self.https:
            self.certificate.context(makes_one=True)
        self.log = AccessLog(self.settings)
        self.spool = self.folder / "spool"
        self.server = WebServer(
            self.settings,
            application=self.site,
            certificate=self.certificate,
            host="127.0.0.1",
            spool=self.spool,
            counters=self.counters,
            access_log=self.log,
            limits=self.limits,
        )
        self.clients: list[socket.socket] = []

    def start(self) -> Rig:
        self.server.listen()
        self.server.start()
        return self

    def stop(self) -> None:
        self.site.hold.set()
        self.server.stop()
        for client in self.clients:
            client.close()

    @property
    def port(self) -> int:
        port = self.server.snapshot().http_port
        assert port is not None
        return port

    @property
    def https_port(self) -> int:
        port = self.server.snapshot().https_port
        assert port is not None
        return port

    @property
    def count(self) -> HttpCounters:
        return self.server.snapshot().counters

    def connect(self, data: bytes = b"", *, port: int | None = None, receive: int | None = None) -> socket.socket:
        """Connect, and send `data`."""
        client = socket.socket()
        client.settimeout(DEADLINE)
        if receive is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        client.connect(("127.0.0.1", port or self.port))
        self.clients.append(client)
        if data:
            client.sendall(data)
        return client

    def connect_tls(self, data: bytes = b"") -> ssl.SSLSocket:
        """Connect through TLS, and send `data`."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = context.wrap_socket(self.connect(port=self.https_port), server_hostname="localhost")
        self.clients.append(client)
        if data:
            client.sendall(data)
        return client

    def talk(self, data: bytes) -> bytes:
        """Send `data` and read until the server ends."""
        with self.connect(data) as client:
            return read_all(client)

    def ask(self, data: bytes) -> Reply:
        """Send a request; give the answer."""
        with self.connect(data) as client:
            return read_reply(client)

    def get(self, path: str = "/") -> Reply:
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def read_all(client: socket.socket) -> bytes:
    """Read until the other end closes, however it does."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            data += part
    return data


def read_reply(client: socket.socket, *, has_body: bool = True) -> Reply:
    """Read one answer, and no byte more than that."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        assert byte, f"closed after {head!r}"
        head += byte
    status, headers = parse_head(head)
    body = b""
    if has_body and "content-length" in headers:
        body = read_exactly(client, int(headers["content-length"]))
    elif has_body and headers.get("transfer-encoding") == "chunked":
        while size := int(_line(client), 16):
            body += read_exactly(client, size)
            assert _line(client) == b""
        assert _line(client) == b""
    return Reply(status, headers, body)


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Give status and headers."""
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    assert first.startswith("HTTP/1.1 "), first
    pairs = (line.split(": ", 1) for line in lines)
    return int(first.split(" ")[1]), {name.lower(): value for name, value in pairs}


def statuses(data: bytes) -> list[int]:
    """Give the statuses of all answers in `data`."""
    return [int(part.split(b" ", 1)[0]) for part in data.split(b"HTTP/1.1 ")[1:]]


def read_exactly(client: socket.socket, size: int) -> bytes:
    """Read `size` bytes."""
    data = b""
    while len(data) < size:
        part = client.recv(min(65536, size - len(data)))
        assert part, f"closed after {len(data)} of {size} bytes"
        data += part
    return data


def _line(client: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\r\n"):
        byte = client.recv(1)
        assert byte, f"closed after {line!r}"
        line += byte
    return line[:-2]


def descriptors() -> int:
    """Count this process's descriptors."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (a Path of it would open one more)


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    limits: Limits | None = None,
    https: bool = False,
    counters: HttpCounters | None = None,
    **texts: str,
) -> Iterator[Rig]:
    """Run a server with these settings (`__` stands for the dot)."""
    named = {name.replace("__", "."): text for name, text in texts.items()}
    rig = Rig(folder, limits or Limits(), named, https, counters)
    try:
        yield rig.start()
    finally:
        rig.stop()
