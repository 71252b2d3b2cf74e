"""A bundle in the body of a request: as it is, or as the file of a form; it is read once, as it comes.

Werkzeug's own parser of forms would copy the file to /tmp first, which on the device lies in memory.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from flask import g, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from appliance.update.shelf import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer
    from werkzeug.sansio.multipart import Event

RAW = "application/octet-stream"
FORM = "multipart/form-data"
MEDIA = (RAW, FORM)
"""What a bundle may be sent as."""

MOST = LARGEST + 65_536
"""Bytes of a body: a bundle, and what a form has around it."""
NAME_HEADER = "X-File-Name"

_CHUNK = 65_536
_MOST_FIELDS = 20
_LONGEST_FIELDS = 16_384
"""Bytes of all fields before the file."""


class BundleUpload(NamedTuple):
    """A bundle that can be read."""

    name: str
    """Of the file, as the sender has it."""
    stream: BinaryIO
    size: int | None
    """Bytes, where that is told."""


class _Body(NamedTuple):
    """What a request brought."""

    fields: dict[str, str]
    bundle: BundleUpload | None


def fields() -> dict[str, str]:
    """Give the fields of the form that stand before its file."""
    return _body().fields


def bundle() -> BundleUpload | None:
    """Give the file; None where there is none."""
    return _body().bundle


def _body() -> _Body:
    if "bundle_upload" not in g:
        g.bundle_upload = _read()
    return cast("_Body", g.bundle_upload)


def _read() -> _Body:
    if request.mimetype == FORM:
        return _FormReader(_stream(), request.mimetype_params.get("boundary", "")).begin()
    if request.mimetype != RAW:
        return _Body({}, None)
    name = request.args.get("name") or request.headers.get(NAME_HEADER, "")
    return _Body({}, BundleUpload(name, _stream(), request.content_length))


def _stream() -> BinaryIO:
    """Give the body, itself a file where the web server has put it into one; it has minded the limit then."""
    if request.environ.get("wsgi.input_terminated"):
        return cast("BinaryIO", request.environ["wsgi.input"])
    return cast("BinaryIO", request.stream)


class _FormReader:
    """Reads a form (RFC 7578) up to its file, and then that."""

    def __init__(self, stream: BinaryIO, boundary: str) -> None:
        if not boundary:
            raise BadRequest
        self._stream = stream
        self._decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), 4 * _CHUNK, max_parts=_MOST_FIELDS)

    def begin(self) -> _Body:
        """Read the fields; the file only begins.

        :raises BadRequest: when it is no form.
        :raises RequestEntityTooLarge: when the fields are too large.
        """
        found: dict[str, str] = {}
        name, text = "", bytearray()
        try:
            for event in self.events():
                if isinstance(event, File):
                    part = io.BufferedReader(_FilePart(self), _CHUNK)
                    return _Body(found, BundleUpload(event.filename, part, None) if event.filename else None)
                if isinstance(event, Field):
                    name, text = event.name, bytearray()
                elif isinstance(event, Data):
                    text += event.data
                    if len(text) + sum(map(len, found.values())) > _LONGEST_FIELDS:
                        raise RequestEntityTooLarge
                    if not event.more_data:
                        found[name] = text.decode("utf-8", "replace")
        except (ValueError, AttributeError) as error:  # the second is how the decoder takes a part without a line break
            raise BadRequest from error
        return _Body(found, None)

    def events(self) -> Iterator[Event]:
        """Give the parts of the form as they come.

        :raises ValueError: when it is no form, or ends too early.
        """
        while True:
            event = self._decoder.next_event()
            if isinstance(event, NeedData):
                self._decoder.receive_data(self._stream.read(_CHUNK) or None)
                continue
            yield event
            if isinstance(event, Epilogue):
                return


class _FilePart(io.RawIOBase):
    """The file of a form, to be read until it ends."""

    def __init__(self, form: _FormReader) -> None:
        super().__init__()
        self._events = form.events()
        self._rest = memoryview(b"")
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Give some of it.

        :raises OSError: when the form ends before the file does.
        """
        while not self._rest and not self._is_over:
            try:
                event = next(self._events)
            except (ValueError, AttributeError, StopIteration) as error:
                raise ConnectionError("the form ends in its file") from error
            if isinstance(event, Data):
                self._rest, self._is_over = memoryview(event.data), not event.more_data
        room = memoryview(buffer).cast("B")
        length = min(len(room), len(self._rest))
        room[:length] = self._rest[:length]
        self._rest = self._rest[length:]
        return length
