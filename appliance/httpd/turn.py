"""One request and its answer on a connection."""

from __future__ import annotations

import logging
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from appliance.httpd.answer import STEP_BYTES, Answer, ApplicationFailed, Part
from appliance.httpd.body import Body, ChunkedBody, PlainBody
from appliance.httpd.environ import build_environ
from appliance.httpd.refusal import Refusal, error_headers, error_page
from appliance.httpd.reply import CONTINUE, Reply
from appliance.httpd.request import ALLOW, read_request
from appliance.httpd.stream import ConnectionLost
from appliance.httpd.target import host_without_port
from appliance.httpd.upload import Upload
from appliance.httpd.workers import WorkQueueFull, WorkStuck

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from appliance.httpd.connection import Connection
    from appliance.httpd.exchange import Exchange
    from appliance.httpd.head import HeadReader
    from appliance.httpd.request import Request

log = logging.getLogger(__name__)

_HTTPS = 443


class Turn:
    """Takes a request, has the application answer it, and sends that as fast as the client reads.

    What is whole at once, as nearly every request and every answer is, is done in callbacks; a task is made where there
    is something to wait for. Half of the time that a small page took was spent between tasks.
    """

    def __init__(self, connection: Connection) -> None:
        """Wait for a request on `connection`."""
        self.exchange: Exchange | None = None
        """The record of it, once its head has come."""
        self.upload: Upload | None = None
        self._connection = connection
        self._shared = connection.shared
        self._request: Request | None = None
        self._answer: Answer | None = None
        self._environ: WSGIEnvironment = {}
        self._received = bytearray()
        self._is_whole = False
        self._is_at_work = False
        """Whether a worker has the upload in hand."""
        self._has_client = True

    # The request.

    def begin(self, head: HeadReader) -> Body:
        """Look at the head, before anything of a body is taken.

        :raises Refusal: when the request cannot be met.
        """
        connection = self._connection
        exchange = self.exchange = connection.exchange()
        exchange.headers = head.headers
        request = self._request = read_request(head)
        exchange.target = request.target.sent
        if connection.redirects:
            raise self._redirect(request)
        if request.wants_close:
            connection.must_close = connection.may_part_quickly = True
        self._environ = build_environ(request, connection.route)
        self._answer = Answer(self._shared.application, self._environ)
        if not request.has_body:
            return PlainBody(0)
        limit = self._shared.application.upload_limit(request.target.path)
        if limit is None:
            connection.budget.check(request.content_length)
            self._ask_for_body(request)
        else:
            connection.hold()
            connection.spawn(self._begin_upload(request, self._answer, limit))
        return ChunkedBody() if request.is_chunked else PlainBody(request.content_length)

    def take(self, data: bytes) -> None:
        """Take some of the body."""
        if self.upload is None:
            self._received += data
        elif self.upload.add(data):
            self._connection.hold()
            self._is_at_work = True
            self._connection.spawn(self._flush(self.upload))

    def finish(self) -> None:
        """Answer, for the request is whole."""
        request, answer = self._request, self._answer
        assert request is not None  # noqa: S101 (read before)
        assert answer is not None  # noqa: S101 (made with it)
        self._is_whole = True
        self._connection.request_is_whole()
        if request.target.is_asterisk:
            answer.status, answer.headers, answer.is_closed = 200, [("Allow", ALLOW)], True
            self._respond(Part(b"", is_last=True), None)
        elif self.upload is not None:
            self._connection.spawn(self._answer_upload(self.upload, answer))
        else:
            if request.has_body:
                self._environ["CONTENT_LENGTH"] = str(len(self._received))
                self._environ["wsgi.input"] = BytesIO(self._received)
                self._received = bytearray()
            try:
                self._shared.workers.submit(answer.begin, self._respond, is_new=True)
            except WorkQueueFull as full:
                self._respond(None, full)

    def client_left(self) -> None:
        """Hear that the client has gone, or will be gone soon; a request that is not whole never will be."""
        self._has_client = False
        if self.upload is not None and not (self._is_whole or self._is_at_work):
            self._connection.spawn(self._drop_upload())

    def _ask_for_body(self, request: Request) -> None:
        if request.expects_continue and self._connection.stream is not None:
            self._connection.stream.write(CONTINUE)

    # Uploads.

    async def _begin_upload(self, request: Request, answer: Answer, limit: int) -> None:
        """Ask whether the client may upload; only then let it go on (RFC 9110, 10.1.1)."""
        connection, shared = self._connection, self._shared
        connection.expect(None)
        self._is_at_work = True
        try:
            instead = await self._work(answer.admit, is_new=True)
            if instead is not None:
                self._is_whole = connection.must_close = True
                connection.request_is_whole()
                self._respond(*await self._tried(partial(answer.begin, instead)))
                return
            if request.content_length > limit:
                raise Refusal(413, f"The file is larger than {limit} bytes.")  # noqa: TRY301 (so are those of others)
            if shared.has_upload:
                raise Refusal(503, "Another upload is under way.", self._retry_after)  # noqa: TRY301 (likewise)
            shared.has_upload = True
            self.upload = Upload(limit)
            await self._work(partial(self.upload.open, shared.spool, request.content_length))
        except Refusal as refusal:
            await self._drop_upload()
            connection.leave(refusal)
            return
        self._is_at_work = False
        if not self._has_client:
            await self._drop_upload()
            return
        self._ask_for_body(request)
        connection.expect_upload(limit, self.upload)
        connection.go_on()

    async def _flush(self, upload: Upload) -> None:
        """Bring to the disk what was gathered; the client waits meanwhile."""
        try:
            await self._work(upload.flush)
        except Refusal as refusal:
            self._connection.leave(refusal)
        self._is_at_work = False
        if self._has_client:
            self._connection.go_on()
        else:
            await self._drop_upload()

    async def _answer_upload(self, upload: Upload, answer: Answer) -> None:
        try:
            await self._work(upload.flush)
        except Refusal as refusal:
            await self._drop_upload()
            self._connection.leave(refusal)
            return
        self._environ["wsgi.input"], self._environ["CONTENT_LENGTH"] = upload.reader(), str(upload.received)
        part, error = await self._tried(partial(answer.begin, is_admitted=True))
        if part is None or part.is_last:
            await self._drop_upload()  # before the client knows that it may send the next
        self._respond(part, error)

    async def _drop_upload(self) -> None:
        upload, self.upload = self.upload, None
        if upload is not None:
            upload.is_over = True
            try:
                await self._shared.workers.run(upload.close, is_new=False)
            except (WorkQueueFull, WorkStuck):
                upload.close()
            self._shared.has_upload = False

    async def _work(
        self, work: Callable[[], WSGIApplication | None], *, is_new: bool = False
    ) -> WSGIApplication | None:
        """Have a worker do `work`; what goes wrong becomes a `Refusal`."""
        try:
            return await self._shared.workers.run(work, is_new=is_new)
        except Exception as error:  # noqa: BLE001 (the refusal says which it was, or the log)
            raise self._refusal_for(error) from None

    async def _tried(self, begin: Callable[[], Part]) -> tuple[Part | None, Exception | None]:
        try:
            return await self._shared.workers.run(begin, is_new=False), None
        except Exception as error:  # noqa: BLE001 (`_respond` looks at it)
            return None, error

    # The answer.

    def _respond(self, part: Part | None, error: Exception | None) -> None:
        """Send the first part, or say why there is none."""
        connection, answer, exchange = self._connection, self._answer, self.exchange
        assert answer is not None  # noqa: S101 (made with the request)
        assert exchange is not None  # noqa: S101 (likewise)
        if part is None:
            part = self._instead(answer, self._refusal_for(error))
        exchange.user = str(self._environ.get("REMOTE_USER") or "")
        try:
            is_done = self._send_first(answer, part, exchange)
        except Exception as trouble:  # noqa: BLE001 (it is looked at)
            self._break_off(trouble, answer, exchange)
            is_done = True
        if is_done and not answer.is_closed:
            connection.spawn(self._clean_up(answer))

    def _send_first(self, answer: Answer, part: Part, exchange: Exchange) -> bool:
        """Send the head and what comes with it; say whether that was all."""
        connection, request, stream = self._connection, self._request, self._connection.stream
        assert request is not None  # noqa: S101 (read before)
        assert stream is not None  # noqa: S101 (it came through it)
        exchange.status = answer.status
        reply = Reply(request, answer, part)
        if answer.wants_close or self._shared.is_closing or reply.ends_with_connection:
            connection.must_close = True
        first = part.data[:STEP_BYTES] if reply.has_body else b""
        if reply.length is not None:
            first = first[: reply.length]
        is_all = not reply.has_body or (part.is_last and len(first) == len(part.data))
        stream.write(reply.head(closes=connection.must_close) + reply.framed(first) + (reply.end if is_all else b""))
        if stream.is_closed:
            raise ConnectionLost
        exchange.body_bytes += len(first)
        if is_all and not stream.is_writing:
            connection.answer_has_gone(exchange)
            return True
        connection.spawn(
            self._send_rest(reply, answer, Part(part.data[len(first) :], part.is_last), exchange, is_all=is_all)
        )
        return False

    async def _send_rest(self, reply: Reply, answer: Answer, part: Part, exchange: Exchange, *, is_all: bool) -> None:
        connection = self._connection
        assert connection.stream is not None  # noqa: S101 (written to before)
        try:
            await connection.flushed()
            while not is_all:
                rest = part.data
                if reply.length is not None and exchange.body_bytes + len(rest) > reply.length:
                    log.error("the answer to %s %r is longer than it said", exchange.method, exchange.target)
                    rest, part = rest[: reply.length - exchange.body_bytes], Part(b"", is_last=True)
                view = memoryview(rest)
                while view:
                    connection.stream.write(reply.framed(bytes(view[:STEP_BYTES])))
                    await connection.flushed()
                    exchange.body_bytes += len(view[:STEP_BYTES])
                    view = view[STEP_BYTES:]
                if part.is_last:
                    connection.stream.write(reply.end)
                    await connection.flushed()
                    break
                part = await self._shared.workers.run(answer.go_on, is_new=False)
            if reply.has_body and reply.length is not None and exchange.body_bytes < reply.length:
                log.error("the answer to %s %r is shorter than it said", exchange.method, exchange.target)
                self._shared.note(exchange)
                connection.drop()
            else:
                connection.answer_has_gone(exchange)
        except Exception as trouble:  # noqa: BLE001 (it is looked at)
            self._break_off(trouble, answer, exchange)
        finally:
            await self._clean_up(answer)

    def _break_off(self, trouble: Exception, answer: Answer, exchange: Exchange) -> None:
        """End an answer that cannot be ended well; that it is cut is all that the client can still be told."""
        if isinstance(trouble, ConnectionLost):
            if not self._shared.is_closing:
                self._shared.counters.socket_error += 1
            exchange.status = exchange.status or answer.status
            self._shared.note(exchange)
        elif isinstance(trouble, (ApplicationFailed, MemoryError, WorkStuck, WorkQueueFull)):
            self._shared.note(exchange)
        else:
            log.error("the answer to %s %r could not be sent", exchange.method, exchange.target, exc_info=trouble)
        self._connection.drop()

    async def _clean_up(self, answer: Answer) -> None:
        await self._drop_upload()
        if not answer.is_closed:
            try:
                await self._shared.workers.run(answer.close, is_new=False)
            except (WorkQueueFull, WorkStuck):
                answer.close()

    # Refusals.

    def _refusal_for(self, error: Exception | None) -> Refusal:
        """Say to the client what went wrong in a worker."""
        shared = self._shared
        if isinstance(error, Refusal):
            return error
        if isinstance(error, WorkQueueFull):
            if not shared.is_closing:
                shared.counters.work_queue_full += 1
            return Refusal(503, "The device is busy. Please try again.", self._retry_after)
        if isinstance(error, WorkStuck):
            return Refusal(503, "The device took too long for this.", self._retry_after)
        if isinstance(error, MemoryError):
            shared.counters.memory_error += 1
            log.error("there is no memory for a request")
            return Refusal(503, "The device has no memory for this.", self._retry_after)
        if isinstance(error, OSError):
            log.error("an upload could not be kept: %s", error)
            return Refusal(500, "The device could not keep the file.")
        if not isinstance(error, ApplicationFailed):
            log.error("a request could not be answered", exc_info=error)
        return Refusal(500, "Something went wrong on the device. Its log says what.")

    def _instead(self, answer: Answer, refusal: Refusal) -> Part:
        """Answer in the application's place; the request is whole, so the connection may stay."""
        body = error_page(refusal.status, refusal.sentence)
        answer.status, answer.reason, answer.length = refusal.status, "", None
        answer.headers = [
            (name, value) for name, value in error_headers(body, refusal.headers) if name != "Content-Length"
        ]
        return Part(body, is_last=True)

    @property
    def _retry_after(self) -> tuple[tuple[str, str], ...]:
        return (("Retry-After", str(self._shared.limits.retry_after)),)

    def _redirect(self, request: Request) -> Refusal:
        """Send a client that spoke plain HTTP on the port for TLS to the right door."""
        if not request.host:
            return Refusal(400, "This port speaks HTTPS.")
        port = self._connection.route.local_port
        place = host_without_port(request.host) + ("" if port == _HTTPS else f":{port}")
        return Refusal(308, "This port speaks HTTPS.", (("Location", f"https://{place}{request.target.sent}"),))
