"""A service that has ports, as small as can be, and clients."""

from __future__ import annotations

import contextlib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from appliance.certificate import Certificate
from appliance.httpd.listening import wants as http_wants
from appliance.ports import Listener, Ports
from appliance.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from appliance.ports import Wanted
    from appliance.settings import Values

DEADLINE = 10.0
HOST = "127.0.0.1"


class Service:
    """Holds the listeners that it is told of, and closes those that it is told of no more."""

    def __init__(
        self, settings: Settings, certificate: Certificate | None, wants: Callable[[Values], Wanted] = http_wants
    ) -> None:
        self.listeners: tuple[Listener | None, Listener | None] = (None, None)
        self.changes = 0
        self.ports = Ports(settings, wants=wants, host=HOST, certificate=certificate, on_change=self._take)

    def _take(self, plain: Listener | None, secure: Listener | None) -> None:
        former, self.listeners = self.listeners, (plain, secure)
        self.changes += 1
        for listener in former:
            if listener is not None and listener not in self.listeners:
                listener.close()

    @property
    def plain(self) -> Listener:
        assert self.listeners[0] is not None
        return self.listeners[0]

    @property
    def secure(self) -> Listener:
        assert self.listeners[1] is not None
        return self.listeners[1]

    def close(self) -> None:
        self.ports.close()
        self._take(None, None)


class Rig:
    """Settings, a certificate that is not there yet, and a service with the ports of the web server."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.settings = Settings(folder / "state")
        self.settings.override(
            {"http.port": "0", "http.https_port": "0", **{n.replace("__", "."): t for n, t in settings.items()}}
        )
        self.certificate = Certificate(folder / "state", lambda: ["gateway", HOST])
        self.service = Service(self.settings, self.certificate)
        self.ports = self.service.ports

    def set(self, **texts: str) -> None:
        self.settings.set({name.replace("__", "."): text for name, text in texts.items()}, save=False)


@contextlib.contextmanager
def running(folder: Path, **settings: str) -> Iterator[Rig]:
    """Listen with these settings (`__` stands for the dot)."""
    rig = Rig(folder, **settings)
    try:
        rig.ports.listen()
        yield rig
    finally:
        rig.service.close()


def answers(port: int) -> bool:
    """Whether somebody listens on the port."""
    try:
        socket.create_connection((HOST, port), timeout=DEADLINE).close()
    except ConnectionRefusedError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def any_client() -> ssl.SSLContext:
    """Make a client that trusts whoever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextlib.contextmanager
def secured(
    listener: Listener, context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """Connect a client under TLS and give its end and the server's."""
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(socket.create_connection((HOST, listener.port), timeout=DEADLINE))
        accepted = listener.accept()
        assert accepted is not None
        assert listener.tls is not None
        accepted[0].settimeout(DEADLINE)
        server = stack.enter_context(
            listener.tls.wrap_socket(accepted[0], server_side=True, do_handshake_on_connect=False)
        )
        with ThreadPoolExecutor(1) as other:
            done = other.submit(server.do_handshake)
            try:
                client = stack.enter_context((context or any_client()).wrap_socket(raw, session=session))
            finally:
                with contextlib.suppress(OSError):
                    done.result(DEADLINE)
        yield client, server


def shown_by(listener: Listener) -> bytes:
    """Give the certificate that a new client is shown, in DER."""
    with secured(listener) as (client, _):
        shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return shown
