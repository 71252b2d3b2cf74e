"""The head of an answer, and how its body is framed (RFC 9112, 4 and 7)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from appliance.httpd.refusal import SERVER, http_date

if TYPE_CHECKING:
    from appliance.httpd.answer import Answer, Part
    from appliance.httpd.request import Request

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_WITHOUT_BODY = (204, 304)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Reply:
    """How one answer is put on the wire."""

    def __init__(self, request: Request, answer: Answer, first: Part) -> None:
        """Decide on it, now that the `first` part is there."""
        self.has_body = request.method != "HEAD" and answer.status not in _WITHOUT_BODY
        self.length = answer.length
        """Bytes of the body, None where that is not known."""
        if answer.status in _WITHOUT_BODY:
            self.length = None
        elif first.is_last and (self.has_body or first.data):
            self.length = len(first.data)
        self.is_chunked = self.has_body and self.length is None and request.version == "HTTP/1.1"
        self.ends_with_connection = self.length is None and self.has_body and not self.is_chunked
        self._is_old = request.version == "HTTP/1.0"
        self._answer = answer

    def head(self, *, closes: bool) -> bytes:
        """Write status line and headers; they say so if the connection `closes` afterwards."""
        answer = self._answer
        lines = [f"HTTP/1.1 {answer.status} {answer.reason or _PHRASES.get(answer.status, '')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if self.length is not None:
            lines.append(f"Content-Length: {self.length}")
        elif self.is_chunked:
            lines.append("Transfer-Encoding: chunked")
        lines += [f"Server: {SERVER}", f"Date: {http_date()}"]
        if closes:
            lines.append("Connection: close")
        elif self._is_old:
            lines.append("Connection: keep-alive")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def framed(self, data: bytes) -> bytes:
        """Give a piece of the body as it is sent."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.is_chunked and data else data

    @property
    def end(self) -> bytes:
        """What comes after the body."""
        return b"0\r\n\r\n" if self.is_chunked else b""
