"""Where clients come in: the listening sockets in the server's loop."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from functools import partial
from typing import TYPE_CHECKING

from appliance.httpd.connection import Connection
from appliance.httpd.crowd import neighbourhood_of
from appliance.httpd.environ import Route

if TYPE_CHECKING:
    import asyncio

    from appliance.httpd.shared import Shared
    from appliance.ports import Listener

log = logging.getLogger(__name__)


MOST_AT_ONCE = 64
"""Clients accepted in a row before others get their turn."""


SEND_BUFFER = 131_072
"""Bytes that the kernel keeps of what one client does not take; it doubles the number for its own use.

Left to itself it keeps four megabytes: two hundred clients that do not read would have what a small board has in all.
"""


class Doors:
    """Accepts clients as long as there is room."""

    def __init__(self, shared: Shared) -> None:
        """Begin with no listeners."""
        self._shared = shared
        self._listeners: tuple[Listener, ...] = ()
        self._at_once = 1
        self._pause: asyncio.TimerHandle | None = None

    def listen(self, *listeners: Listener) -> None:
        """Accept on `listeners` from now on; those of before that are not among them are closed."""
        self._ignore()
        former, self._listeners = self._listeners, listeners
        for listener in former:
            if listener not in listeners:
                listener.close()
        self._heed()

    def close(self) -> None:
        """Accept nobody any more."""
        if self._pause is not None:
            self._pause.cancel()
        self.listen()

    def _heed(self) -> None:
        if self._pause is None:
            for listener in self._listeners:
                self._shared.loop.add_reader(listener.fd, partial(self._accept, listener))

    def _ignore(self) -> None:
        for listener in self._listeners:
            self._shared.loop.remove_reader(listener.fd)

    def _accept(self, listener: Listener) -> None:
        """Take clients: the more of them came of late, the more in a row.

        Mostly there is one, and to ask for another would be in vain.
        """
        for _ in range(self._at_once):
            try:
                accepted = listener.accept()
            except OSError as error:
                # The client stays in the queue: without a pause the loop would run hot on it.
                self._shared.counters.socket_error += 1
                log.warning("cannot accept a client: %s", os.strerror(error.errno or 0))
                self._ignore()
                self._pause = self._shared.loop.call_later(self._shared.limits.accept_pause, self._go_on)
                return
            if accepted is None:
                self._at_once = 1
                return
            self._admit(listener, *accepted)
        self._at_once = min(2 * self._at_once, MOST_AT_ONCE)

    def _go_on(self) -> None:
        self._pause = None
        self._heed()

    def _admit(self, listener: Listener, sock: socket.socket, address: tuple[str, int]) -> None:
        shared, peer = self._shared, _plain(address[0])
        room = shared.crowd.find_room(neighbourhood_of(peer), shared.loop.time())
        if not isinstance(room, bool):
            shared.counters.connections_evicted += 1
            room.evict()
            room = True
        if not room:
            shared.counters.connections_refused += 1
            sock.close()
            return
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            local = sock.getsockname()
        except OSError:  # it has gone already
            sock.close()
            return
        secure = listener.tls is not None
        route = Route(peer, address[1], _plain(local[0]), local[1], secure)
        connection = Connection(shared, sock, route, listener.tls)
        shared.crowd.add(connection)
        connection.start()


def shut(listener: Listener) -> None:
    """Give the port free from another thread than the loop's, without closing the descriptor under it."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(listener.fd)) as same:
        same.shutdown(socket.SHUT_RDWR)


def _plain(address: str) -> str:
    """Write an address as its owner knows it: an IPv4 one not in IPv6, without a scope."""
    return address.removeprefix("::ffff:") if "." in address else address.partition("%")[0]
