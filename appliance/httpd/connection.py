"""One client's connection, from accept to close."""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import TYPE_CHECKING

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters, HTTP1ServerConnection
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate
from tornado.iostream import StreamClosedError

from appliance.httpd.configuration import WebConfiguration
from appliance.httpd.crowd import neighbourhood_of
from appliance.httpd.exchange import Exchange
from appliance.httpd.head import HeadReader
from appliance.httpd.refusal import Refusal, farewell
from appliance.httpd.stream import SecureStream, Stream
from appliance.httpd.turn import Turn

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Coroutine

    from appliance.httpd.environ import Route
    from appliance.httpd.shared import Shared
    from appliance.httpd.upload import Upload

log = logging.getLogger(__name__)

PARAMETERS = HTTP1ConnectionParameters(chunk_size=65536, max_header_size=1 << 30, max_body_size=1 << 62)
"""Tornado's own limits are out of the way: what exceeds ours never reaches it."""

UPLOAD_LOOKS = 5.0
"""Seconds between two looks at how fast an upload comes."""

_TLS_HANDSHAKE = 0x16
"""The first byte of a client's part in TLS (RFC 8446, 5.1)."""


class Connection(HTTPServerConnectionDelegate):
    """Looks after one client: its deadline, its turn, and its end.

    There is one deadline for a request to arrive whole. It is reckoned from accept or from the end of the answer
    before, and nothing that the client sends moves it.
    """

    def __init__(self, shared: Shared, sock: socket.socket, route: Route, context: ssl.SSLContext | None) -> None:
        """Take over `sock`, which is to speak TLS when there is a `context`."""
        self.shared = shared
        self.route = route
        self.neighbourhood = neighbourhood_of(route.peer)
        self.opened_at = self.active_at = shared.loop.time()
        self.stream: Stream | None = None
        self.configuration = WebConfiguration.of(shared.settings.in_force)
        self.redirects = False
        """Whether the client speaks plain HTTP where it should speak TLS."""
        self.must_close = False
        """Whether the present answer is the last."""
        self.owes_answer = False
        self.may_part_quickly = False
        """Whether the client said that it would send nothing more: then nothing of its can be lost on the way."""
        self._socket: socket.socket | None = sock
        self._context = context
        self._head: HeadReader | None = None
        self._turn: Turn | None = None
        self._is_leaving = False
        self._has_said_all = False
        self._deadline: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushing: asyncio.Future[None] | None = None
        self._opening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve."""
        self.expect(self.configuration.max_timeout)
        if self._context is None:
            self._serve_plain()
        else:
            self._opening = self.spawn(self._open(self._context))

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run `work` beside the rest."""
        task = self.shared.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def is_busy(self) -> bool:
        """Whether it must not be closed in favour of another."""
        return self.owes_answer or (self._turn is not None and self._turn.upload is not None)

    def _serve_plain(self) -> None:
        sock, self._socket = self._socket, None
        assert sock is not None  # noqa: S101 (only `drop` takes it away, and then nothing begins)
        self.stream = Stream(sock, owner=self, counters=self.shared.counters)
        self._serve(self.stream)

    async def _open(self, context: ssl.SSLContext) -> None:
        """See whether the client speaks TLS, and shake hands if so."""
        sock = self._socket
        assert sock is not None  # noqa: S101 (`drop` takes it away and cancels this)
        first = await self._peek(sock)
        if first is None:
            self.drop()
        elif first != _TLS_HANDSHAKE:
            self.redirects = True
            self._serve_plain()
        else:
            self._socket = None
            try:
                wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                stream = SecureStream(wrapped, owner=self, counters=self.shared.counters, ssl_options=context)
                self.stream = stream
                await stream.handshake()
            except OSError:  # as every scanner's is; there is nobody to tell
                sock.close()
                self.drop()
            else:
                self._serve(stream)

    def _serve(self, stream: Stream) -> None:
        HTTP1ServerConnection(stream, PARAMETERS, self.route.peer).start_serving(self)

    async def _peek(self, sock: socket.socket) -> int | None:
        """Look at the first byte without taking it; None when the client has gone."""
        while True:
            try:
                return (sock.recv(1, socket.MSG_PEEK) or [None])[0]
            except BlockingIOError:
                pass
            except OSError:
                return None
            ready = self.shared.loop.create_future()
            self.shared.loop.add_reader(sock.fileno(), ready.set_result, None)
            try:
                await ready
            finally:
                if self._socket is not None:
                    self.shared.loop.remove_reader(sock.fileno())

    # The deadline.

    def expect(self, seconds: float | None) -> None:
        """Set the deadline; None takes it away."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.shared.loop.call_later(seconds, self._time_out)

    def _time_out(self) -> None:
        self._deadline = None
        if self._head is not None and self._head.has_begun and self.stream is not None:
            self.leave(Refusal(408, "The request did not arrive in time."))
        else:
            self.drop()

    # What the stream tells.

    def begin_request(self) -> HeadReader:
        """Prepare for a request."""
        if self.must_close or self._is_leaving or self.shared.is_closing:
            raise StreamClosedError
        self._head = HeadReader(self._head_begins)
        return self._head

    def _head_begins(self) -> int:
        """Put the settings of now to use for the request that has begun to come."""
        self.configuration = WebConfiguration.of(self.shared.settings.in_force)
        if self.stream is not None:
            self.stream.budget = self.configuration.max_bytes
        return self.configuration.max_bytes

    def note_activity(self) -> None:
        """Hear that bytes moved."""
        self.active_at = self.shared.loop.time()

    def stream_closed(self) -> None:
        """Hear that the socket is closed."""
        self.expect(None)
        self._end_flush()
        self.shared.crowd.remove(self)

    # What Tornado tells.

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:  # noqa: ARG002
        """Make what follows the next request."""
        assert isinstance(request_conn, HTTP1Connection)  # noqa: S101 (there is no other)
        self._turn = Turn(self, request_conn)
        return self._turn

    def on_close(self, server_conn: object) -> None:  # noqa: ARG002
        """Hear that no request will be read any more."""
        self.leave()

    # The turn's part.

    def request_is_whole(self) -> None:
        """Hear that the request has arrived: the deadline has done its duty."""
        self.owes_answer = True
        self.expect(None)

    def answer_has_gone(self, exchange: Exchange) -> None:
        """Hear that the answer is through; the time for the next request begins."""
        self.owes_answer = False
        self.shared.note(exchange)
        self._head = self._turn = None
        if not self._is_leaving:
            self.expect(self.configuration.max_timeout)

    def check_size(self, body: int) -> None:
        """Refuse a body of `body` bytes that would make the request too large.

        :raises Refusal: with 413.
        """
        budget = self.stream.budget if self.stream is not None else None
        if budget is not None and body > budget:
            raise Refusal(413, f"The request is larger than {self.configuration.max_bytes} bytes.")

    def expect_upload(self, limit: int, upload: Upload) -> None:
        """Let a body of up to `limit` bytes come, as long as it comes on."""
        if self.stream is not None:
            # With as much again for what lies around chunks: it is dropped, so that it costs nothing but time.
            self.stream.budget = 2 * limit + 65536
        limits, began = self.shared.limits, self.shared.loop.time()

        def look() -> None:
            elapsed = self.shared.loop.time() - began
            if upload.is_over or self.owes_answer or self._is_leaving:
                return
            if elapsed > limits.upload_seconds or upload.received < limits.upload_rate * elapsed:
                self.leave(Refusal(408, "The file came too slowly."))
            else:
                self._deadline = self.shared.loop.call_later(UPLOAD_LOOKS, look)

        self._deadline = self.shared.loop.call_later(limits.upload_grace, look)

    async def flushed(self, writing: asyncio.Future[None]) -> None:
        """Wait until what was written has gone to the system, as long as the client takes some of it now and then.

        :raises StreamClosedError: when the connection is lost.
        """
        stream = self.stream
        assert stream is not None  # noqa: S101 (written to just now)
        loop, patience = self.shared.loop, self.configuration.max_timeout
        if stream.writing():
            sent = stream.sent
            watch: asyncio.TimerHandle

            def look() -> None:
                nonlocal sent, watch  # the timer of now is the one to cancel
                if stream.sent == sent:
                    self.drop()
                sent = stream.sent
                watch = loop.call_later(patience, look)

            watch = loop.call_later(patience, look)
            # Not the future itself: Tornado forgets it when the connection goes.
            self._flushing = waiting = loop.create_future()
            writing.add_done_callback(self._end_flush)
            try:
                await waiting
            finally:
                watch.cancel()
                self._flushing = None
        if stream.closed():
            raise StreamClosedError

    def _end_flush(self, _writing: object = None) -> None:
        if self._flushing is not None and not self._flushing.done():
            self._flushing.set_result(None)

    def exchange(self) -> Exchange:
        """Begin the record of a request."""
        method, target, version = self._head.request_line if self._head is not None else ("", "", "")
        return Exchange(self.route.peer, self.route.local_port, method, target, version)

    # The end.

    def leave(self, refusal: Refusal | None = None) -> None:
        """Say `refusal`, if any, and go as soon as all that was said has arrived."""
        if self._is_leaving:
            return
        self._is_leaving = True
        self.owes_answer = False
        stream = self.stream
        if stream is None or stream.closed():
            self.drop()
            return
        if refusal is None and self.may_part_quickly and not stream.writing() and not stream.has_unread:
            self.drop()
            return
        stream.interrupt(StreamClosedError())
        self.spawn(self._leave(stream, refusal))

    async def _leave(self, stream: Stream, refusal: Refusal | None) -> None:
        limits = self.shared.limits
        self.expect(None)
        watch = self.shared.loop.call_later(self.configuration.max_timeout, self.drop)
        try:
            if refusal is not None:
                await self._say(stream, refusal)
            else:
                await stream.write(b"")
            self._has_said_all = True
            if not self.shared.is_closing:
                stream.finish_sending()
                watch.cancel()
                watch = self.shared.loop.call_later(limits.linger_seconds, self.drop)
                await stream.drop_input(limits.linger_bytes)
        except StreamClosedError:
            pass
        finally:
            watch.cancel()
            self.drop()

    async def _say(self, stream: Stream, refusal: Refusal) -> None:
        exchange = self._turn.exchange if self._turn is not None and self._turn.exchange else self.exchange()
        data, body = farewell(refusal, with_body=exchange.method != "HEAD")
        exchange.status, exchange.body_bytes = refusal.status, body
        self.shared.note(exchange)
        await stream.write(data)

    def evict(self) -> None:
        """Go at once, for another."""
        self.drop()

    def dismiss(self) -> None:
        """Go, after the present answer if there is one."""
        self.must_close = True
        if self._has_said_all or not (self.owes_answer or self._is_leaving):
            self.drop()

    def hang_up(self) -> None:
        """Shut the socket from another thread; the descriptor stays with the loop's."""
        stream = self.stream
        sock = self._socket if stream is None else stream.socket
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS's own would want to say goodbye first

    def drop(self) -> None:
        """Close the socket now, whatever is under way."""
        self._is_leaving = True
        self.expect(None)
        if self._opening is not None and self._socket is not None:
            self._opening.cancel()
        if self._socket is not None:
            sock, self._socket = self._socket, None
            self.shared.loop.remove_reader(sock.fileno())
            with contextlib.suppress(OSError):
                sock.close()
        if self.stream is not None:
            self.stream.abort()
        self.shared.crowd.remove(self)
