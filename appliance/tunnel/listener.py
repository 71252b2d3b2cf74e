"""A TCP port that clients of the tunnel connect to."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from appliance.errors import ListenError

if TYPE_CHECKING:
    import ssl

RECEIVE_BUFFER = 2048
"""Bytes that the kernel keeps of a client that sends faster than the line; it doubles the number for its own use."""

SEGMENT = 1024
"""Largest TCP segment asked for (RFC 9293, 3.7.1). It keeps the sender's own kernel from taking much on credit:
with it, a client on loopback got rid of 50 KB before it had to wait, without it of 1.7 MB."""

BACKLOG = 32


class Listener:
    """A bound and listening port."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen on `port` of `host`; an empty host is every address, IPv4 and IPv6. Port 0 takes a free one.

        :raises ListenError: when the port cannot be had; the text names it and the reason.
        """
        self.wanted = port
        self.tls = tls
        try:
            self._socket = _listen(host, port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise ListenError(f"cannot listen on port {port}: {reason}") from error
        self._socket.setblocking(False)
        self.fd = self._socket.fileno()
        self.port: int = self._socket.getsockname()[1]

    def accept(self) -> tuple[socket.socket, tuple[str, int]] | None:
        """Take the next client; `None` when there is none after all.

        :raises OSError: when the system has no room for another (EMFILE and the like).
        """
        try:
            return self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def _listen(host: str, port: int) -> socket.socket:
    everywhere = not host
    family = socket.AF_INET6 if (everywhere and socket.has_dualstack_ipv6()) or ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not everywhere)
        # Both must be set before the first client connects: they are told in its SYN-ACK.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock
