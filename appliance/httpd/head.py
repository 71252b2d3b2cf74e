"""The request line and headers as bytes: where they end, and whether they are what RFC 9112 allows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.httpd.headers import Headers
from appliance.httpd.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) (HTTP/1\.[01])")
_FIELD_LINE = re.compile(_TOKEN + rb":[ \t\x21-\x7e\x80-\xff]*")
_FIELD_LINES = re.compile(rb"(?:" + _TOKEN + rb"+:[ \t\x21-\x7e\x80-\xff]*+\r\n)*+")
"""All at once; possessive, so that no input makes the search go back."""
_FIELD = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*)")

_FORBIDDEN = re.compile(rb"(?<!\r)\n|\r(?=[^\n])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""A line feed alone, a carriage return alone, any other control character but the tabulator.

RFC 9112 2.2 lets a server take a lone line feed for the end of a line. This one does not: a proxy in between that does
not either would see another request than we do.
"""

_END = b"\r\n\r\n"


class HeadReader:
    """Looks at the bytes of one request as they come, each byte once."""

    def __init__(self, on_begin: Callable[[], int]) -> None:
        """Call `on_begin` at the first byte; it gives the bytes that the head may have."""
        self.request_line: tuple[str, str, str] = ("", "", "")
        """Method, target and version, once they are known to be well formed."""
        self.headers = Headers()
        """Once the head is whole."""
        self.has_begun = False
        self._on_begin = on_begin
        self._limit = 0
        self._seen = 0
        self._has_line = False

    def find_end(self, data: bytearray) -> int | None:
        """Look at what has come so far; give the length of the head when it is whole.

        :raises Refusal: when no more bytes could make it a request.
        """
        if not self.has_begun:
            if data[:2] == b"\r\n":  # after the body of the request before (RFC 9112, 2.2); one such line is forgiven
                del data[:2]
            if not data or data == b"\r":
                return None
            self.has_begun = True
            self._limit = self._on_begin()
        start = max(0, self._seen - 3)
        end = data.find(_END, start)
        stop = len(data) if end < 0 else end + len(_END)
        if not self._has_line:
            self._read_line(data)
        # A byte that was the last one before may be found wanting only now, by what follows it.
        bad = _FORBIDDEN.search(data, max(0, self._seen - 1), stop)
        if bad is not None:
            raise Refusal(400, f"The request has a character that it must not have, 0x{bad[0][0]:02x}.")
        self._seen = len(data)
        if stop > self._limit:
            raise Refusal(413, f"The request is larger than {self._limit} bytes.")
        if end < 0:
            return None
        self._read_fields(data, data.find(b"\r\n") + 2, end + 2)
        return stop

    def _read_line(self, data: bytearray) -> None:
        end = data.find(b"\r\n")
        if end < 0:
            return
        if end + 2 > self._limit:
            raise Refusal(413, f"The request is larger than {self._limit} bytes.")
        match = _REQUEST_LINE.fullmatch(data, 0, end)
        if match is None:
            raise Refusal(400, "The request line is not one of HTTP/1.0 or HTTP/1.1.")
        method, target, version = (part.decode("ascii") for part in match.groups())
        self.request_line = (method, target, version)
        self._has_line = True

    def _read_fields(self, data: bytearray, start: int, end: int) -> None:
        if not _FIELD_LINES.fullmatch(data, start, end):
            raise Refusal(400, "A header line is malformed.")
        fields = _FIELD.findall(data[start:end].decode("latin-1"))
        self.headers = Headers((name, value.rstrip(" \t")) for name, value in fields)


def is_field_line(line: bytes) -> bool:
    """Whether `line`, without its end, has the form of a header."""
    return _FIELD_LINE.fullmatch(line) is not None
