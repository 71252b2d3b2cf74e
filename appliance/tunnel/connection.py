"""A client's TCP connection, plain or under TLS, without blocking."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.tunnel.configuration import TunnelConfiguration

_RESET = struct.pack("ii", 1, 0)
_PROBES = 3
_LONGEST_PROBE_INTERVAL = 5
_UNACKNOWLEDGED_LIMIT = 60_000
"""Milliseconds after which unacknowledged data ends a connection whose keep-alive is off."""


def peer_name(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    """Write a socket address as `192.0.2.7:51512` or `[fe80::1%eth0]:51512`."""
    host, port = address[0], address[1]
    host = host.removeprefix("::ffff:")  # an IPv4 client of a dual-stack listener (RFC 4291, 2.5.5.2)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Connection:
    """A plain TCP connection."""

    is_secure = False
    buffers = False
    """Whether `has_buffered` may ever be true."""

    def __init__(self, sock: socket.socket, peer: str) -> None:
        """Take over the accepted `sock` of the client called `peer`."""
        self.peer = peer
        self._socket = sock
        self.fd = sock.fileno()
        sock.setblocking(False)
        # The socket's own methods: a frame of Python less for each, on the path of every byte.
        self.receive: Callable[[int], bytes] = sock.recv
        """Read at most so many bytes: ``b""`` when the client has ended its side; BlockingIOError when nothing is
        there, another OSError when the connection is broken."""
        self.send: Callable[[bytes | bytearray], int] = sock.send
        """Hand over what the kernel takes now and give its number of bytes; BlockingIOError when it is none, another
        OSError when the connection is broken."""

    def configure(self, configuration: TunnelConfiguration) -> None:
        """Set what keeps the connection quick and tells a dead client (RFC 9293, 3.8.4; RFC 5482)."""
        keep_alive = configuration.keep_alive
        limit = _UNACKNOWLEDGED_LIMIT
        with contextlib.suppress(OSError):  # a client that has already gone is noticed where it is read
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, bool(keep_alive))
            if keep_alive:
                idle = max(1, -(-keep_alive // 1000))  # the kernel counts in whole seconds
                interval = min(_LONGEST_PROBE_INTERVAL, max(1, idle // _PROBES))
                limit = (idle + _PROBES * interval) * 1000
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit)

    @property
    def has_buffered(self) -> bool:
        """Whether bytes were received that a poll of the descriptor does not show."""
        return False

    def has_left(self) -> bool:
        """Look whether the client has closed, its FIN perhaps still behind bytes that were not read."""
        poll = select.poll()
        poll.register(self.fd, select.POLLRDHUP)
        return bool(poll.poll(0))

    def has_nothing_more(self) -> bool:
        """Look whether the client has closed and every byte of it was read. Under TLS that cannot be told."""
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return False

    def close(self) -> None:
        """End gracefully: what was sent arrives, then a FIN."""
        self._socket.close()

    def reset(self) -> None:
        """End at once with a TCP reset; bytes that the client has not got yet are lost."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()


class TlsConnection(Connection):
    """A connection under TLS whose handshake may still be under way."""

    is_secure = buffers = True

    def __init__(self, sock: socket.socket, peer: str, context: ssl.SSLContext) -> None:
        """Take over the accepted `sock`; `handshake` brings TLS up."""
        sock.setblocking(False)
        self._tls = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        super().__init__(self._tls, peer)
        self.receive = self._receive
        self.send = self._send

    def handshake(self) -> int:
        """Go on with the handshake: 0 when it is done, else the poll event to wait for.

        :raises OSError: when it failed (`ssl.SSLError` among them).
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return select.EPOLLIN
        except ssl.SSLWantWriteError:
            return select.EPOLLOUT
        return 0

    def _receive(self, size: int) -> bytes:
        try:
            return self._tls.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except ssl.SSLEOFError:
            return b""

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self._tls.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def has_nothing_more(self) -> bool:
        """Say no: only reading tells, and that is for the client's turn."""
        return False

    @property
    def has_buffered(self) -> bool:
        """Whether decrypted bytes wait in the TLS layer."""
        return self._tls.pending() > 0

    def close(self) -> None:
        """Say goodbye in TLS too, without waiting for the client's."""
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()
        super().close()
