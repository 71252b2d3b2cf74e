"""A client's socket in the loop: it never waits, counts what passes, and is left the polite way."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from appliance.httpd.statistics import HttpCounters

READ_SIZE = 16384
"""Bytes of one read; what TLS packs at most into a record (RFC 8446, 5.1)."""

READS_AT_ONCE = 8
"""Reads in a row before others get their turn."""

_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ConnectionLost(Exception):  # noqa: N818 (called by what happened, as those of appliance.errors)
    """The client cannot be reached any more."""


class Owner(Protocol):
    """Whoever looks after the connection."""

    def data_came(self, data: bytes) -> None:
        """Take what the client sent."""

    def input_ended(self) -> None:
        """Hear that the client has ended its half of the connection."""

    def note_activity(self) -> None:
        """Hear that bytes moved."""

    def stream_closed(self) -> None:
        """Hear that the socket is closed."""


class Stream:
    """Reads and writes a socket, under TLS or not, in the loop's thread. It reads after `begin`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, *, owner: Owner, counters: HttpCounters
    ) -> None:
        """Serve `sock`, a non-blocking one, for `owner`."""
        self.socket = sock
        self.is_closed = False
        self.sent = 0
        """Bytes that the system took."""
        self._loop = loop
        self._fd = sock.fileno()
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self._owner = owner
        self._counters = counters
        self._is_reading = False
        self._outbox = bytearray()
        self._drained: asyncio.Future[None] | None = None
        self._dropped: asyncio.Future[None] | None = None
        self._left_to_drop = 0

    # What comes in.

    def begin(self) -> None:
        """Read what is there already, and then what comes."""
        self._is_reading = True
        self._readable()
        if self._is_reading:
            self._loop.add_reader(self._fd, self._readable)

    def resume(self) -> None:
        """Read what comes, after a pause."""
        if self._is_reading or self.is_closed:
            return
        self._is_reading = True
        self._loop.add_reader(self._fd, self._readable)
        if self._tls is not None and self._tls.pending():  # the loop does not see what is out of the socket already
            self._loop.call_soon(self._readable)

    def pause(self) -> None:
        """Read no more for now; soon the client cannot send more either."""
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._fd)

    def _readable(self) -> None:
        for _ in range(READS_AT_ONCE):
            if not self._is_reading:
                return
            data = self._receive()
            if data is None:
                return
            if not data:
                self.pause()
                self._end_input()
                return
            self._counters.rx_bytes += len(data)
            self._owner.note_activity()
            if self._dropped is not None:
                self._left_to_drop -= len(data)
                if self._left_to_drop <= 0:
                    self._end_input()
            else:
                self._owner.data_came(data)
            if len(data) < READ_SIZE and (self._tls is None or not self._tls.pending()):
                return
        if self._is_reading and self._tls is not None and self._tls.pending():
            self._loop.call_soon(self._readable)

    def _receive(self) -> bytes | None:
        try:
            if self._dropped is not None:
                return socket.socket.recv(self.socket, READ_SIZE)  # past TLS, which was said goodbye to
            return self.socket.recv(READ_SIZE)
        except _LATER:
            return None
        except OSError:
            self.abort()
            return None

    def _end_input(self) -> None:
        if self._dropped is None:
            self._owner.input_ended()
        elif not self._dropped.done():
            self._dropped.set_result(None)

    @property
    def has_unread(self) -> bool:
        """Whether the client has sent more than was read; closed now, it would lose its answer (RFC 9112, 9.6)."""
        try:
            return bool(socket.socket.recv(self.socket, 1, socket.MSG_PEEK))
        except OSError:
            return False

    # What goes out.

    def write(self, data: bytes | memoryview) -> None:
        """Send `data`, now or as soon as the client takes it."""
        if self.is_closed:
            return
        if not self._outbox:
            data = memoryview(data)[self._send(data) :]
        if data and not self.is_closed:
            if not self._outbox:
                self._loop.add_writer(self._fd, self._writable)
            self._outbox += data

    @property
    def is_writing(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._outbox)

    async def drained(self) -> None:
        """Wait until nothing waits to be sent, or the socket is closed."""
        if not self._outbox or self.is_closed:
            return
        self._drained = self._loop.create_future()
        await self._drained

    def _writable(self) -> None:
        with memoryview(self._outbox) as view:
            sent = self._send(view)
        if self.is_closed:
            return
        del self._outbox[:sent]
        if not self._outbox:
            self._loop.remove_writer(self._fd)
            self._end_wait()

    def _send(self, data: bytes | memoryview) -> int:
        """Send as much as goes; give the number of bytes."""
        sent = 0
        try:
            while sent < len(data):  # TLS takes a record at a time
                sent += self.socket.send(data[sent:] if sent else data)
        except _LATER:
            pass
        except OSError:
            self.abort()
        if sent:
            self.sent += sent
            self._counters.tx_bytes += sent
            self._owner.note_activity()
        return sent

    def _end_wait(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # The end.

    def finish_sending(self) -> None:
        """Tell the client that nothing more will come."""
        with contextlib.suppress(OSError, ValueError):
            if self._tls is not None:
                self._tls.unwrap()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    async def drop_input(self, limit: int) -> None:
        """Read and forget up to `limit` bytes, or until the client has ended its half or the socket is closed."""
        if self.is_closed:
            return
        self._left_to_drop, self._dropped = limit, self._loop.create_future()
        self.resume()
        await self._dropped

    def abort(self) -> None:
        """Close the socket now."""
        if self.is_closed:
            return
        self.is_closed = True
        self.pause()
        if self._outbox:
            self._loop.remove_writer(self._fd)
            self._outbox = bytearray()
        if self._tls is not None:
            with contextlib.suppress(OSError, ValueError):
                self._tls.unwrap()  # says goodbye, if there is room for it; the answer is not waited for
        with contextlib.suppress(OSError):
            self.socket.close()
        self._end_wait()
        if self._dropped is not None and not self._dropped.done():
            self._dropped.set_result(None)
        self._owner.stream_closed()
