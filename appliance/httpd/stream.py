"""A client's socket under Tornado's connection: counted, checked, and left the polite way."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any, Protocol, cast

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from appliance.httpd.head import HeadReader, is_field_line
from appliance.httpd.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from appliance.httpd.statistics import HttpCounters

READ_SIZE = 16384
"""Bytes of one read; what TLS packs at most into a record (RFC 8446, 5.1)."""

LONGEST_CHUNK_LINE = 256

_TORNADOS_OWN = b"HTTP/1.1 400 Bad Request\r\n\r\n"


class Owner(Protocol):
    """Whoever looks after the connection."""

    def begin_request(self) -> HeadReader:
        """Prepare for another request.

        :raises StreamClosedError: when there shall be none.
        """

    def note_activity(self) -> None:
        """Hear that bytes moved."""

    def leave(self, refusal: Refusal | None = None) -> None:
        """End the connection, after a last answer if there is one to give."""

    def stream_closed(self) -> None:
        """Hear that the socket is closed."""

    @property
    def owes_answer(self) -> bool:
        """Whether a request has come whole and its answer has not gone."""


class Stream(IOStream):
    """The way between the socket and Tornado's `HTTP1Connection`.

    Tornado reads through three methods. They are answered from a buffer of our own, so that every byte is checked
    before Tornado sees it: what is malformed or too large ends in a `Refusal`, and never in one of Tornado's own terse
    answers, of which nobody would hear.
    """

    def __init__(self, sock: socket.socket, *, owner: Owner, counters: HttpCounters, **options: Any) -> None:
        """Serve `sock` for `owner`."""
        self._owner = owner
        self._counters = counters
        self._inbox = bytearray()
        self._reading: asyncio.Future[bytes] | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._interruption: StreamClosedError | None = None
        self._has_met_end = False
        self._is_draining = False
        self.sent = 0
        """Bytes that the system took."""
        self.budget: int | None = None
        """Bytes that may still come for this request; None is as many as the body needs."""
        super().__init__(sock, max_buffer_size=8 * READ_SIZE, read_chunk_size=READ_SIZE, **options)

    # What Tornado's connection reads with.

    async def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> bytes:  # noqa: ARG002
        """Read the head of a request, in the form that Tornado finds nothing to object to."""
        return await self._minded(self._read_head())

    async def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> bytes:  # noqa: ARG002
        """Read the size of a chunk (RFC 9112, 7.1); extensions and trailers are dropped."""
        return await self._minded(self._read_chunk_size())

    async def read_bytes(self, num_bytes: int, partial: bool = False) -> bytes:
        """Read some of the body, or the end of a chunk."""
        return await self._minded(self._read_some(num_bytes) if partial else self._read_chunk_end())

    async def _minded(self, reading: Coroutine[object, object, bytes]) -> bytes:
        try:
            return await reading
        except Refusal as refusal:
            self._owner.leave(refusal)
            raise

    async def _read_head(self) -> bytes:
        reader = self._owner.begin_request()
        while (end := reader.find_end(self._inbox)) is None:
            await self._fill()
        return self._take(end)

    async def _read_some(self, limit: int) -> bytes:
        while not self._inbox:
            await self._fill()
        return self._take(min(limit, len(self._inbox)))

    async def _read_chunk_end(self) -> bytes:
        while len(self._inbox) < len(b"\r\n"):
            await self._fill()
        found = self._take(len(b"\r\n"))
        if found != b"\r\n":
            raise Refusal(400, "A chunk does not end where it should.")
        return found

    async def _read_chunk_size(self) -> bytes:
        line = await self._read_line()
        size = line.partition(b";")[0].rstrip(b" \t")
        if not 1 <= len(size) <= 16 or size.strip(b"0123456789abcdefABCDEF"):
            raise Refusal(400, "The size of a chunk is no number.")
        if self.budget is not None and int(size, 16) > self.budget:
            raise Refusal(413, "The request is too large.")
        if not size.strip(b"0"):
            while trailer := await self._read_line():
                if not is_field_line(trailer):
                    raise Refusal(400, "A trailer line is malformed.")
            self._inbox[:0] = b"\r\n"
            self._spend(-2)
        return size + b"\r\n"

    async def _read_line(self) -> bytes:
        while (end := self._inbox.find(b"\r\n")) < 0:
            if len(self._inbox) > LONGEST_CHUNK_LINE:
                raise Refusal(400, "A line in the body is too long.")
            if b"\n" in self._inbox:
                raise Refusal(400, "A line in the body does not end as it should.")
            await self._fill()
        line = self._take(end + 2)[:-2]
        if b"\n" in line or b"\r" in line or b"\0" in line:
            raise Refusal(400, "A line in the body does not end as it should.")
        return line

    def _take(self, size: int) -> bytes:
        self._spend(size)
        found = bytes(self._inbox[:size])
        del self._inbox[:size]
        return found

    def _spend(self, size: int) -> None:
        if self.budget is not None:
            self.budget -= size
            if self.budget < 0:
                raise Refusal(413, "The request is too large.")

    async def _fill(self) -> None:
        """Wait for more bytes."""
        if self._interruption is not None:
            raise self._interruption
        if self._has_met_end:
            raise StreamClosedError
        if self._reading is None:
            try:
                self._reading = cast("asyncio.Future[bytes]", super().read_bytes(READ_SIZE, partial=True))
            except StreamClosedError:
                raise
            except OSError as error:  # of TLS, mostly; to Tornado anything but a closed stream is our mistake
                raise StreamClosedError(error) from error
        reading = self._reading
        if not reading.done():
            self._waiting = waiting = asyncio.get_running_loop().create_future()
            reading.add_done_callback(self._end_wait)
            try:
                await waiting
            finally:
                self._waiting = None
        self._reading = None
        self._inbox += reading.result()

    def _end_wait(self, _reading: asyncio.Future[bytes]) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def interrupt(self, error: StreamClosedError) -> None:
        """Have whoever reads, now or later, get `error`; the stream stays open."""
        self._interruption = error
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    @property
    def has_unread(self) -> bool:
        """Whether the client has sent more than was asked for; closed now, it would lose its answer (RFC 9112, 9.6)."""
        if self._inbox or (self._reading is not None and self._reading.done()):
            return True
        try:
            return bool(socket.socket.recv(self.socket, 1, socket.MSG_PEEK))
        except OSError:
            return False

    # What goes out.

    def write(self, data: bytes | memoryview) -> asyncio.Future[None]:
        """Send `data`; Tornado's own way to say 400 becomes ours."""
        if data == _TORNADOS_OWN:
            self._owner.leave(Refusal(400, "The request is malformed."))
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        return super().write(data)

    def write_to_fd(self, data: memoryview) -> int:
        """Send and count."""
        count = super().write_to_fd(data)
        self.sent += count
        self._counters.tx_bytes += count
        self._owner.note_activity()
        return count

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Receive and count."""
        if self._is_draining and isinstance(self.socket, ssl.SSLSocket):
            try:  # past TLS, which was said goodbye to
                count: int | None = socket.socket.recv_into(self.socket, buf)
            except BlockingIOError:
                return None
        else:
            count = super().read_from_fd(buf)
        if count:
            self._counters.rx_bytes += count
            self._owner.note_activity()
        elif count == 0:
            self._has_met_end = True
        return count

    # The end.

    def close(self, exc_info: Any = False) -> None:
        """End the connection: at once after an error or when the client has gone, else when all is sent."""
        if exc_info:
            self.abort(exc_info)
        elif not self._has_met_end:
            self._owner.leave()
        elif self._owner.owes_answer:  # it may have closed its half only, and wait for the answer (RFC 9112, 9.6)
            self.io_loop.add_callback(self._listen_no_more)
        else:
            self.abort()

    def abort(self, exc_info: Any = False) -> None:
        """Close the socket now."""
        if not self.closed() and isinstance(self.socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self.socket.unwrap()  # says goodbye, if there is room for it; the answer is not waited for
        super().close(exc_info)

    def close_fd(self) -> None:
        """Close the socket and say so."""
        super().close_fd()
        self._owner.stream_closed()

    def _listen_no_more(self) -> None:
        # The end of the client's half stays readable for ever; the loop would never rest.
        if not self.closed():
            self.io_loop.update_handler(
                self.fileno(), self.io_loop.ERROR | (self.io_loop.WRITE if self.writing() else 0)
            )

    def finish_sending(self) -> None:
        """Tell the client that nothing more will come."""
        with contextlib.suppress(OSError, ValueError):
            if isinstance(self.socket, ssl.SSLSocket):
                self.socket.unwrap()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    async def drop_input(self, limit: int) -> None:
        """Read and forget up to `limit` bytes, or until the client has ended its half."""
        self._inbox.clear()
        self._interruption, self._is_draining = None, True
        with contextlib.suppress(StreamClosedError, OSError):
            while limit > 0:
                await self._fill()
                limit -= len(self._inbox)
                self._inbox.clear()


class SecureStream(Stream, SSLIOStream):
    """The same under TLS."""

    def handshake(self) -> Awaitable[SSLIOStream]:
        """Wait for the end of the handshake."""
        return self.wait_for_handshake()
