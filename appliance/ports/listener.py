"""A TCP port that clients connect to."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NamedTuple

from appliance.errors import ListenError

if TYPE_CHECKING:
    import ssl


class SocketOptions(NamedTuple):
    """What a listening socket hands on to its clients' connections; None is the kernel's own choice."""

    receive_buffer: int | None = None
    """Bytes that the kernel keeps of a client that is not read; it doubles the number for its own use."""
    segment: int | None = None
    """Largest TCP segment asked for (RFC 9293, 3.7.1). A small one keeps the sender's own kernel from taking much on
    credit."""
    backlog: int = 128
    """Clients that may wait to be accepted."""


ORDINARY = SocketOptions()


class Listener:
    """A bound and listening port.

    `tls` is what a client that is accepted now gets; whoever accepts reads it for each. It may change at any time:
    with a new certificate, and when plain and secure port change their places.
    """

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None = None, *, options: SocketOptions = ORDINARY
    ) -> None:
        """Listen on `port` of `host`; an empty host is every address, IPv4 and IPv6. Port 0 takes a free one.

        :raises ListenError: when the port cannot be had; the text names it and the reason.
        """
        self.wanted = port
        self.tls = tls
        try:
            self._socket = _listen(host, port, options)
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


def _listen(host: str, port: int, options: SocketOptions) -> socket.socket:
    everywhere = not host
    family = socket.AF_INET6 if (everywhere and socket.has_dualstack_ipv6()) or ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not everywhere)
        # Both must be set before the first client connects: they are told in its SYN-ACK.
        if options.receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options.receive_buffer)
        if options.segment is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, options.segment)
        sock.bind((host, port))
        sock.listen(options.backlog)
    except BaseException:
        sock.close()
        raise
    return sock
