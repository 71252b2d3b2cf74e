"""One request and its answer on a connection."""

from __future__ import annotations

import logging
import time
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import StreamClosedError

from appliance.httpd.answer import STEP_BYTES, Answer, ApplicationFailed, Part
from appliance.httpd.environ import build_environ
from appliance.httpd.refusal import SERVER, Refusal, error_headers, error_page
from appliance.httpd.request import ALLOW, read_request
from appliance.httpd.target import host_without_port
from appliance.httpd.upload import Upload
from appliance.httpd.workers import WorkQueueFull, WorkStuck

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from wsgiref.types import WSGIEnvironment

    from tornado.http1connection import HTTP1Connection

    from appliance.httpd.connection import Connection
    from appliance.httpd.exchange import Exchange
    from appliance.httpd.request import Request

log = logging.getLogger(__name__)

T = TypeVar("T")

_WITHOUT_BODY = (204, 304)
_HTTPS = 443


class Turn(HTTPMessageDelegate):
    """Takes a request from Tornado, has the application answer it, and sends that as fast as the client reads."""

    def __init__(self, connection: Connection, http: HTTP1Connection) -> None:
        """Wait for a request on `connection`."""
        self.exchange: Exchange | None = None
        """The record of it, once its head has come."""
        self.upload: Upload | None = None
        self._connection = connection
        self._shared = connection.shared
        self._http = http
        self._request: Request | None = None
        self._answer: Answer | None = None
        self._environ: WSGIEnvironment = {}
        self._body = bytearray()

    # From Tornado.

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Look at the head, before anything of a body is taken."""
        assert isinstance(start_line, RequestStartLine)  # noqa: S101 (no client is served here)
        self.exchange = self._connection.exchange()
        self.exchange.headers = headers
        try:
            request = self._request = read_request(start_line, headers)
            self.exchange.target = request.target.sent
            if self._connection.redirects:
                raise self._redirect(request)
            if request.wants_close:
                self._connection.must_close = self._connection.may_part_quickly = True
            self._environ = build_environ(request, self._connection.route)
            self._answer = Answer(self._shared.application, self._environ)
            limit = self._shared.application.upload_limit(request.target.path) if request.has_body else None
            if limit is None:
                self._connection.check_size(request.content_length)
                return None
        except Refusal as refusal:
            self._refuse(refusal)
            return None
        return self._begin_upload(request, limit)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Take some of the body."""
        if self.upload is None:
            self._body += chunk
            return None
        return self._spool(chunk) if self.upload.add(chunk) else None

    def finish(self) -> None:
        """Answer, for the request is whole."""
        self._connection.request_is_whole()
        self._connection.spawn(self._respond())

    def on_connection_close(self) -> None:
        """Hear that the request will never be whole."""
        if self.upload is not None:
            self._connection.spawn(self._drop_upload())

    # Uploads.

    async def _begin_upload(self, request: Request, limit: int) -> None:
        """Ask whether the client may upload; only then let it go on (RFC 9110, 10.1.1)."""
        answer, connection, shared = self._answer, self._connection, self._shared
        assert answer is not None  # noqa: S101 (made with the request)
        connection.expect(None)
        try:
            instead = await self._work(answer.admit, is_new=True)
            if instead is not None:
                connection.must_close = True
                connection.request_is_whole()
                await self._respond(partial(answer.begin, instead))
                return
            if request.content_length > limit:
                raise Refusal(413, f"The file is larger than {limit} bytes.")  # noqa: TRY301 (so are those of others)
            if shared.has_upload:
                raise Refusal(503, "Another upload is under way.", self._retry_after)  # noqa: TRY301 (likewise)
            shared.has_upload = True
            self.upload = Upload()
            await self._work(partial(self.upload.open, shared.spool, request.content_length))
            connection.expect_upload(limit, self.upload)
        except Refusal as refusal:
            await self._drop_upload()
            self._refuse(refusal)

    async def _spool(self, chunk: bytes | None) -> None:
        upload = self.upload
        assert upload is not None  # noqa: S101 (there is no other way here)
        try:
            await self._work(upload.flush)
        except Refusal as refusal:
            if chunk is None:
                raise
            self._connection.leave(refusal)

    async def _drop_upload(self) -> None:
        upload, self.upload = self.upload, None
        if upload is not None:
            upload.is_over = True
            try:
                await self._shared.workers.run(upload.close, is_new=False)
            except (WorkQueueFull, WorkStuck):
                upload.close()
            self._shared.has_upload = False

    # The answer.

    async def _respond(self, begin: Callable[[], Part] | None = None) -> None:
        connection, answer, exchange = self._connection, self._answer, self.exchange
        assert answer is not None  # noqa: S101 (made with the request)
        assert exchange is not None  # noqa: S101 (likewise)
        try:
            if begin is None:
                part = await self._first_part(answer)
            else:
                part = await self._tried(begin)
            exchange.user = str(self._environ.get("REMOTE_USER") or "")
            if part.is_last:
                await self._drop_upload()  # before the client knows that it may send the next
            await self._send(answer, part, exchange)
        except Refusal as refusal:
            connection.leave(refusal)
        except StreamClosedError:
            if not self._shared.is_closing:
                self._shared.counters.socket_error += 1
            if answer.status:
                exchange.status = exchange.status or answer.status
                self._shared.note(exchange)
            connection.drop()
        except (ApplicationFailed, MemoryError, WorkStuck, WorkQueueFull):
            # In the middle of the answer. That it is cut is all that the client can still be told.
            self._shared.note(exchange)
            connection.drop()
        except Exception:
            log.exception("the answer to %s %r could not be sent", exchange.method, exchange.target)
            connection.drop()
        finally:
            await self._clean_up(answer)

    async def _first_part(self, answer: Answer) -> Part:
        request = self._request
        assert request is not None  # noqa: S101 (read before)
        if request.target.is_asterisk:
            answer.status, answer.headers = 200, HTTPHeaders({"Allow": ALLOW})
            return Part(b"", is_last=True)
        if self.upload is not None:
            await self._spool(None)
            self._environ["wsgi.input"], size = self.upload.reader(), self.upload.received
            begin: Callable[[], Part] = partial(answer.begin, is_admitted=True)
        else:
            self._environ["wsgi.input"], size = BytesIO(self._body), len(self._body)
            self._body = bytearray()
            begin = answer.begin
        if request.has_body:
            self._environ["CONTENT_LENGTH"] = str(size)
        return await self._tried(begin, is_new=self.upload is None)

    async def _tried(self, begin: Callable[[], Part], *, is_new: bool = False) -> Part:
        """Do the application's first step, or say why it cannot be done."""
        try:
            return await self._work(begin, is_new=is_new)
        except Refusal as refusal:
            return self._instead(refusal)

    async def _work(self, work: Callable[[], T], *, is_new: bool = False) -> T:
        """Have a worker do `work`; what goes wrong becomes a `Refusal`."""
        shared = self._shared
        try:
            return await shared.workers.run(work, is_new=is_new)
        except WorkQueueFull:
            if not shared.is_closing:
                shared.counters.work_queue_full += 1
            raise Refusal(503, "The device is busy. Please try again.", self._retry_after) from None
        except WorkStuck:
            raise Refusal(503, "The device took too long for this.", self._retry_after) from None
        except MemoryError:
            shared.counters.memory_error += 1
            log.error("there is no memory for a request")  # noqa: TRY400 (the traceback would ask for more)
            raise Refusal(503, "The device has no memory for this.", self._retry_after) from None
        except ApplicationFailed:
            raise Refusal(500, "Something went wrong on the device. Its log says what.") from None
        except StreamClosedError:  # a refusal among them
            raise
        except OSError as error:
            log.error("an upload could not be kept: %s", error)  # noqa: TRY400 (the reason says all)
            raise Refusal(500, "The device could not keep the file.") from None

    def _instead(self, refusal: Refusal) -> Part:
        """Answer in the application's place; the request is whole, so the connection may stay."""
        answer = self._answer
        assert answer is not None  # noqa: S101 (made with the request)
        body = error_page(refusal.status, refusal.sentence)
        answer.status, answer.reason, answer.headers = refusal.status, "", HTTPHeaders()
        for name, value in error_headers(body, refusal.headers):
            answer.headers.add(name, value)
        return Part(body, is_last=True)

    async def _send(self, answer: Answer, part: Part, exchange: Exchange) -> None:
        connection, request = self._connection, self._request
        assert request is not None  # noqa: S101 (read before)
        exchange.status = answer.status
        has_body = request.method != "HEAD" and answer.status not in _WITHOUT_BODY
        length = self._settle_length(answer, part, has_body=has_body)
        headers = self._finish_headers(answer.headers, knows_length=length is not None or not has_body)
        reason = answer.reason or HTTPStatus(answer.status).phrase
        first = part.data[:STEP_BYTES] if has_body else b""
        if length is not None:
            first = first[:length]
        await connection.flushed(
            self._http.write_headers(ResponseStartLine("", answer.status, reason), headers, first or None)
        )
        exchange.body_bytes += len(first)
        rest = memoryview(part.data)[len(first) :]
        while has_body:
            if length is not None and exchange.body_bytes + len(rest) > length:
                log.error("the answer to %s %r is longer than it said", exchange.method, exchange.target)
                rest, part = rest[: length - exchange.body_bytes], Part(b"", is_last=True)
            while rest:
                await connection.flushed(self._http.write(bytes(rest[:STEP_BYTES])))
                exchange.body_bytes += len(rest[:STEP_BYTES])
                rest = rest[STEP_BYTES:]
            if part.is_last:
                break
            part = await self._shared.workers.run(answer.go_on, is_new=False)
            rest = memoryview(part.data)
        if has_body and length is not None and exchange.body_bytes < length:
            log.error("the answer to %s %r is shorter than it said", exchange.method, exchange.target)
            self._shared.note(exchange)
            connection.drop()
            return
        connection.answer_has_gone(exchange)
        self._http.finish()

    @staticmethod
    def _settle_length(answer: Answer, part: Part, *, has_body: bool) -> int | None:
        """Make the length of the answer known where it can be; give it."""
        headers = answer.headers
        if answer.status in _WITHOUT_BODY:
            headers.pop("Content-Length", None)
            return None
        if part.is_last and (has_body or part.data):
            headers["Content-Length"] = str(len(part.data))
        said = headers.get("Content-Length")
        return int(said) if said is not None else None

    def _finish_headers(self, headers: HTTPHeaders, *, knows_length: bool) -> HTTPHeaders:
        connection, request = self._connection, self._request
        assert request is not None  # noqa: S101 (read before)
        assert self._answer is not None  # noqa: S101 (made with the request)
        if self._answer.wants_close or self._shared.is_closing or (request.version == "HTTP/1.0" and not knows_length):
            connection.must_close = True
        headers["Server"] = SERVER
        headers["Date"] = formatdate(time.time(), usegmt=True)
        if connection.must_close:
            headers["Connection"] = "close"
            if "Connection" in request.headers:  # else Tornado would promise to stay, to a client of HTTP/1.0
                request.headers["Connection"] = "close"
        return headers

    async def _clean_up(self, answer: Answer) -> None:
        await self._drop_upload()
        if not answer.is_closed:
            try:
                await self._shared.workers.run(answer.close, is_new=False)
            except (WorkQueueFull, WorkStuck):
                answer.close()

    # Refusals.

    @property
    def _retry_after(self) -> tuple[tuple[str, str], ...]:
        return (("Retry-After", str(self._shared.limits.retry_after)),)

    def _refuse(self, refusal: Refusal) -> None:
        self._connection.leave(refusal)
        self._http.detach()

    def _redirect(self, request: Request) -> Refusal:
        """Send a client that spoke plain HTTP on the port for TLS to the right door."""
        if not request.host:
            return Refusal(400, "This port speaks HTTPS.")
        port = self._connection.route.local_port
        place = host_without_port(request.host) + ("" if port == _HTTPS else f":{port}")
        return Refusal(308, "This port speaks HTTPS.", (("Location", f"https://{place}{request.target.sent}"),))
