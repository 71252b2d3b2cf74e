"""From a listening port to a client that may knock: allow-list and TLS handshake."""

from __future__ import annotations

import logging
import select
from typing import TYPE_CHECKING

from appliance.ports import SocketOptions
from appliance.tunnel.connection import Connection, TlsConnection, peer_name

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from appliance.ports import Listener
    from appliance.tunnel.configuration import TunnelConfiguration
    from appliance.tunnel.poller import Poller

log = logging.getLogger(__name__)

LISTENING = SocketOptions(receive_buffer=2048, segment=1024, backlog=32)
"""So little is taken from a client that sends faster than the line. With such segments, one on loopback got rid of
50 KB before it had to wait, without of 1.7 MB."""

HANDSHAKE_TIME = 5.0
"""Seconds that a client has to bring TLS up."""

HANDSHAKES = 8
"""Clients that may be in their handshake at a time; they do not keep others from the plain port."""

EXHAUSTED_PAUSE = 0.5
"""Seconds without accepting after the system had no descriptor or memory for a client."""


class Admission:
    """Accepts on the listening ports, turns away who is not on the allow-list, and completes TLS handshakes.

    Lives in the tunnel's thread.
    """

    def __init__(
        self,
        poller: Poller,
        *,
        admit: Callable[[Connection], None],
        dropped: Callable[[], None],
    ) -> None:
        """Give each client that got through to `admit`; call `dropped` for each that did not."""
        self._poller = poller
        self._admit = admit
        self._dropped = dropped
        self._configuration: TunnelConfiguration | None = None
        self._handshakes: dict[TlsConnection, float] = {}
        self._resume_at: float | None = None
        self.plain: Listener | None = None
        self.secure: Listener | None = None

    def configure(self, configuration: TunnelConfiguration) -> None:
        """Use these settings for clients that come from now on."""
        self._configuration = configuration

    def listen(self, plain: Listener | None, secure: Listener | None) -> None:
        """Serve these ports from now on and close those served before."""
        for old in (self.plain, self.secure):
            if old is not None and old not in (plain, secure):
                self._poller.forget(old.fd)
                old.close()
        for new in (plain, secure):
            if new is not None and new not in (self.plain, self.secure):
                self._watch(new)
        self.plain, self.secure = plain, secure

    def check(self, now: float) -> None:
        """End handshakes that take too long; accept again after a pause."""
        for connection, due in list(self._handshakes.items()):
            if now >= due:
                self._abandon(connection, "no TLS handshake in time")
            else:
                self._poller.at(due)
        if self._resume_at is not None and now >= self._resume_at:
            self._resume_at = None
            for listener in (self.plain, self.secure):
                if listener is not None:
                    self._poller.change(listener.fd, select.EPOLLIN)
        elif self._resume_at is not None:
            self._poller.at(self._resume_at)

    def close(self) -> None:
        """Stop listening and let go of unfinished handshakes."""
        self.listen(None, None)
        for connection in list(self._handshakes):
            self._abandon(connection, "shutting down")

    def _watch(self, listener: Listener) -> None:
        self._poller.watch(listener.fd, select.EPOLLIN, lambda _: self._accept(listener), last=True)

    def _accept(self, listener: Listener) -> None:
        try:
            accepted = listener.accept()
        except OSError as error:
            # The client stays in the backlog, so the port stays readable: look again later in place of spinning.
            log.warning("cannot accept a client on port %d: %s", listener.port, error.strerror)
            self._resume_at = self._poller.now + EXHAUSTED_PAUSE
            self._poller.at(self._resume_at)
            for paused in (self.plain, self.secure):
                if paused is not None:
                    self._poller.change(paused.fd, 0)
            return
        if accepted is None:
            return
        sock, address = accepted
        peer = peer_name(address)
        assert self._configuration is not None  # noqa: S101 (set before the first listener is)
        if not self._configuration.allows(address[0]):
            log.warning("client %s is not on the allow-list, dropped", peer)
            self._dropped()
            Connection(sock, peer).reset()
        elif listener.tls is None:
            self._admit(Connection(sock, peer))
        else:
            self._begin_handshake(sock, peer, listener.tls)

    def _begin_handshake(self, sock: socket.socket, peer: str, context: ssl.SSLContext) -> None:
        if len(self._handshakes) >= HANDSHAKES:
            log.warning("client %s dropped: %d other TLS handshakes are under way", peer, HANDSHAKES)
            self._dropped()
            Connection(sock, peer).reset()
            return
        connection = TlsConnection(sock, peer, context)
        self._handshakes[connection] = self._poller.now + HANDSHAKE_TIME
        self._poller.at(self._poller.now + HANDSHAKE_TIME)
        # Among the last of a round: what it hands on ends others and begins a session.
        self._poller.watch(connection.fd, select.EPOLLIN, lambda _: self._go_on(connection), last=True)

    def _go_on(self, connection: TlsConnection) -> None:
        try:
            wanted = connection.handshake()
        except OSError as error:  # ssl.SSLError is one
            self._abandon(connection, getattr(error, "reason", None) or str(error))
            return
        if wanted:
            self._poller.change(connection.fd, wanted)
            return
        self._poller.forget(connection.fd)
        del self._handshakes[connection]
        self._admit(connection)

    def _abandon(self, connection: TlsConnection, reason: str) -> None:
        log.warning("client %s dropped: %s", connection.peer, reason)
        self._poller.forget(connection.fd)
        del self._handshakes[connection]
        self._dropped()
        connection.reset()
