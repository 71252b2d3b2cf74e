"""One client's connection, from accept to close."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from appliance.httpd.budget import Budget
from appliance.httpd.crowd import neighbourhood_of
from appliance.httpd.exchange import Exchange
from appliance.httpd.head import HeadReader
from appliance.httpd.opening import TLS_HANDSHAKE, first_byte, shake_hands
from appliance.httpd.refusal import Refusal, farewell
from appliance.httpd.stream import READ_SIZE, ConnectionLost, Stream
from appliance.httpd.turn import Turn

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Coroutine

    from appliance.httpd.body import Body
    from appliance.httpd.environ import Route
    from appliance.httpd.shared import Shared
    from appliance.httpd.upload import Upload

UPLOAD_LOOKS = 5.0
"""Seconds between two looks at how fast an upload comes."""


class Connection:
    """Looks after one client: what it sends, its deadline, its turn, and its end.

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
        self.configuration = shared.configuration
        self.redirects = False
        """Whether the client speaks plain HTTP where it should speak TLS."""
        self.must_close = False
        """Whether the present answer is the last."""
        self.owes_answer = False
        self.may_part_quickly = False
        """Whether the client said that it would send nothing more: then nothing of its can be lost on the way."""
        self.budget = Budget(0)
        """Of the present request."""
        self._socket: socket.socket | None = sock
        self._context = context
        self._inbox = bytearray()
        """What came and was not looked at yet."""
        self._head: HeadReader | None = None
        self._turn: Turn | None = None
        self._body: Body | None = None
        self._is_held = False
        """Whether what comes must wait: there is something to do with what came before."""
        self._has_met_end = False
        self._is_leaving = False
        self._has_said_all = False
        self._has_gone = False
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._upload_watch: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve."""
        self.expect(self.configuration.max_timeout)
        if self._context is None:
            self._serve()
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

    def _serve(self) -> None:
        sock, self._socket = self._socket, None
        assert sock is not None  # noqa: S101 (only `drop` takes it away, and then nothing begins)
        self.stream = Stream(self.shared.loop, sock, owner=self, counters=self.shared.counters)
        self.stream.begin()

    async def _open(self, context: ssl.SSLContext) -> None:
        """See whether the client speaks TLS, and shake hands if so."""
        loop, sock = self.shared.loop, self._socket
        assert sock is not None  # noqa: S101 (`drop` takes it away and cancels this)
        first = await first_byte(loop, sock)
        if first is None:
            self.drop()
        elif first != TLS_HANDSHAKE:
            self.redirects = True
            self._serve()
        else:
            try:
                self._socket = secure = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                await shake_hands(loop, secure)
            except OSError:  # as every scanner's is; there is nobody to tell
                self.drop()
            else:
                self._serve()

    # The deadline.

    def expect(self, seconds: float | None) -> None:
        """Set the deadline; None takes it away.

        The timer stays where it is until it fires, if that is not too late: a busy connection would otherwise have two
        new ones for every request.
        """
        if seconds is None:
            self._due = None
            return
        self._due = self.shared.loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.shared.loop.call_at(self._due, self._look_at_time)

    def _look_at_time(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._due > self.shared.loop.time():
            self._timer = self.shared.loop.call_at(self._due, self._look_at_time)
        elif self._head is not None and self._head.has_begun and self.stream is not None:
            self.leave(Refusal(408, "The request did not arrive in time."))
        else:
            self.drop()

    # What the stream tells.

    def data_came(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._is_leaving:
            return
        self._inbox += data
        self._go_on()
        # After the last request nothing that comes counts.
        if self._is_held and (self.must_close or len(self._inbox) >= READ_SIZE) and self.stream is not None:
            self.stream.pause()

    def input_ended(self) -> None:
        """Hear that the client has ended its half; it may still wait for an answer (RFC 9112, 9.6)."""
        self._has_met_end = True
        self._go_on()

    def note_activity(self) -> None:
        """Hear that bytes moved."""
        self.active_at = self.shared.loop.time()

    def stream_closed(self) -> None:
        """Hear that the socket is closed."""
        self.drop()

    # The request.

    def _go_on(self) -> None:
        """Do with what has come all that can be done with it now."""
        try:
            while not (self._is_held or self._is_leaving):
                if not self._read_some():
                    if self._has_met_end:  # what is missing will never come
                        self.drop()
                    break
        except Refusal as refusal:
            self.leave(refusal)

    def _read_some(self) -> bool:
        """Look at head or body; say whether there may be more to look at."""
        if self._body is None:
            head = self._head
            if head is None:
                head = self._head = HeadReader(self._head_begins)
            end = head.find_end(self._inbox)
            if end is None:
                return False
            del self._inbox[:end]
            self.budget.spend(end)
            self._turn = Turn(self)
            self._body = self._turn.begin(head)
            return True
        assert self._turn is not None  # noqa: S101 (it has made the body)
        data = self._body.take(self._inbox, self.budget)
        if data:
            self._turn.take(data)
        if not self._body.is_over:
            return False
        if not self._is_held:
            self._turn.finish()
        return True

    def _head_begins(self) -> int:
        """Put the settings of now to use for the request that has begun to come."""
        self.configuration = self.shared.configuration
        self.budget = Budget(self.configuration.max_bytes)
        return self.configuration.max_bytes

    # The turn's part.

    def hold(self) -> None:
        """Let what comes wait, until `go_on` or the end of the answer."""
        self._is_held = True

    def go_on(self) -> None:
        """Look again at what comes."""
        self._is_held = False
        if self.stream is not None and not self._is_leaving:
            if not self._has_met_end:
                self.stream.resume()
            self._go_on()

    def request_is_whole(self) -> None:
        """Hear that the request has arrived: the deadline has done its duty."""
        self._is_held = self.owes_answer = True
        self.expect(None)

    def answer_has_gone(self, exchange: Exchange) -> None:
        """Hear that the answer is through; the time for the next request begins."""
        self.owes_answer = False
        self.shared.note(exchange)
        self._head = self._turn = self._body = None
        if self._is_leaving:
            return
        if self.must_close:
            self.leave()
            return
        self.expect(self.configuration.max_timeout)
        if self._inbox or self._has_met_end:  # not at once: a thousand requests in a row would call each other
            self.shared.loop.call_soon(self.go_on)
        else:
            self._is_held = False

    def expect_upload(self, limit: int, upload: Upload) -> None:
        """Let a body of up to `limit` bytes come, as long as it comes on."""
        # With as much again for what lies around chunks: it is dropped, so that it costs nothing but time.
        self.budget = Budget(2 * limit + 65536)
        limits, loop = self.shared.limits, self.shared.loop
        began = loop.time()

        def look() -> None:
            elapsed = loop.time() - began
            if upload.is_over or self.owes_answer or self._is_leaving:
                return
            if elapsed > limits.upload_seconds or upload.received < limits.upload_rate * elapsed:
                self.leave(Refusal(408, "The file came too slowly."))
            else:
                self._upload_watch = loop.call_later(UPLOAD_LOOKS, look)

        self._upload_watch = loop.call_later(limits.upload_grace, look)

    async def flushed(self) -> None:
        """Wait until what was written has gone to the system, as long as the client takes some of it now and then.

        :raises ConnectionLost: when the connection is lost.
        """
        stream = self.stream
        assert stream is not None  # noqa: S101 (written to just now)
        loop, patience = self.shared.loop, self.configuration.max_timeout
        if stream.is_writing:
            sent = stream.sent
            watch: asyncio.TimerHandle

            def look() -> None:
                nonlocal sent, watch  # the timer of now is the one to cancel
                if stream.sent == sent:
                    self.drop()
                sent = stream.sent
                watch = loop.call_later(patience, look)

            watch = loop.call_later(patience, look)
            try:
                await stream.drained()
            finally:
                watch.cancel()
        if stream.is_closed:
            raise ConnectionLost

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
        if stream is None or stream.is_closed:
            self.drop()
            return
        if refusal is None and self.may_part_quickly and not (stream.is_writing or self._inbox or stream.has_unread):
            self.drop()
            return
        self._leave_turn()
        self.spawn(self._leave(stream, refusal))

    async def _leave(self, stream: Stream, refusal: Refusal | None) -> None:
        limits = self.shared.limits
        self.expect(None)
        watch = self.shared.loop.call_later(self.configuration.max_timeout, self.drop)
        try:
            if refusal is not None:
                self._say(stream, refusal)
            await stream.drained()
            self._has_said_all = True
            if not (self.shared.is_closing or stream.is_closed):
                stream.finish_sending()
                watch.cancel()
                watch = self.shared.loop.call_later(limits.linger_seconds, self.drop)
                if not self._has_met_end:
                    await stream.drop_input(limits.linger_bytes)
        finally:
            watch.cancel()
            self.drop()

    def _say(self, stream: Stream, refusal: Refusal) -> None:
        exchange = self._turn.exchange if self._turn is not None and self._turn.exchange else self.exchange()
        data, body = farewell(refusal, with_body=exchange.method != "HEAD")
        exchange.status, exchange.body_bytes = refusal.status, body
        self.shared.note(exchange)
        stream.write(data)

    def _leave_turn(self) -> None:
        if self._turn is not None:
            self._turn.client_left()

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
        if self._has_gone:
            return
        self._has_gone = self._is_leaving = True
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._upload_watch is not None:
            self._upload_watch.cancel()
        if self._socket is not None:
            if self._opening is not None:
                self._opening.cancel()
            sock, self._socket = self._socket, None
            self.shared.loop.remove_reader(sock.fileno())
            self.shared.loop.remove_writer(sock.fileno())
            with contextlib.suppress(OSError):
                sock.close()
        if self.stream is not None:
            self.stream.abort()
        self._leave_turn()
        self.shared.crowd.remove(self)
