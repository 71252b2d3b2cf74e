"""One run of the application for one request, in steps that each need a worker for a moment only."""

from __future__ import annotations

import contextvars
import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from appliance.httpd.exchange import Application

log = logging.getLogger(__name__)

T = TypeVar("T")

STEP_BYTES = 65536
"""A step ends when it has gathered so much."""

STEP_SECONDS = 0.05
"""A step ends when it has something and took so long: a page that comes slowly is shown as it comes."""

_OURS = frozenset({"connection", "date", "keep-alive", "server", "transfer-encoding", "upgrade"})
"""Headers that the server alone can say (RFC 9110, 7.6.1)."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_REASON = re.compile(r"[\x20-\x7e]*")


class ApplicationFailed(Exception):  # noqa: N818 (called by what happened, as those of appliance.errors)
    """The application broke; the log has it."""


@dataclass(slots=True)
class Part:
    """What one step brought."""

    data: bytes
    is_last: bool


class Answer:
    """What the application says to one request. One step at a time, each in any thread.

    All steps run in one context of their own, so that a context variable set in the first is there in the last.
    """

    def __init__(self, application: Application, environ: WSGIEnvironment) -> None:
        """Prepare the run; nothing is called yet."""
        self.status = 0
        self.reason = ""
        self.headers: list[tuple[str, str]] = []
        """Fit to be sent; without those that are the server's to say."""
        self.length: int | None = None
        """Bytes that the body will have, where the application said so."""
        self.wants_close = False
        self.is_closed = False
        self._application = application
        self._environ = environ
        self._context = contextvars.Context()
        self._iterable: Iterable[bytes] = ()
        self._iterator: Iterator[bytes] = iter(())
        self._written: list[bytes] = []
        self._is_out = False

    def admit(self) -> WSGIApplication | None:
        """Ask whether the client may come in (worker).

        :raises ApplicationFailed: when asking broke.
        """
        return self._guarded(self._application.admit, self._environ)

    def begin(self, instead: WSGIApplication | None = None, *, is_admitted: bool = False) -> Part:
        """Run the application up to the first part of its answer (worker); `instead` answers in its place.

        :raises ApplicationFailed: when it broke, or said what cannot be sent.
        """
        application: WSGIApplication = (
            instead or (self._application if is_admitted else None) or (self.admit() or self._application)
        )
        return self._end_of(self._guarded(self._begin, application))

    def go_on(self) -> Part:
        """Fetch the next part (worker).

        :raises ApplicationFailed: when the application broke.
        """
        return self._end_of(self._guarded(self._gather))

    def close(self) -> None:
        """Tell the application that no more will be fetched (worker)."""
        if self.is_closed:
            return
        self.is_closed = True
        iterable, self._iterable, self._iterator = self._iterable, (), iter(())
        close = getattr(iterable, "close", None)
        if close is not None:
            try:
                self._context.run(close)
            except Exception:
                log.exception("the end of the answer to %s failed", self._name)

    @property
    def _name(self) -> str:
        return f"{self._environ['REQUEST_METHOD']} {self._environ['cme3000.target']!r}"

    def _end_of(self, part: Part) -> Part:
        if part.is_last:
            self.close()
        return part

    def _guarded(self, step: Callable[..., T], *arguments: object) -> T:
        try:
            return self._context.run(step, *arguments)
        except MemoryError:
            self.close()
            raise
        except Exception as error:
            if not isinstance(error, ApplicationFailed):
                log.exception("the answer to %s failed", self._name)
            self.close()
            raise ApplicationFailed from error
        except BaseException:  # this thread was given up; nobody else can end what it began
            self.close()
            raise

    def _begin(self, application: WSGIApplication) -> Part:
        self._iterable = application(self._environ, self._start)
        self._iterator = iter(self._iterable)
        part = self._gather()
        if not self.status:
            raise RuntimeError("the application gave no status")
        self._is_out = True
        return part

    def _start(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None = None,
        /,
    ) -> Callable[[bytes], object]:
        if exc_info is not None and exc_info[1] is not None and self._is_out:
            raise exc_info[1]
        if exc_info is None and self.status:
            raise RuntimeError("the application gave its status twice")
        code, _, reason = status.partition(" ")
        if not (code.isascii() and code.isdecimal() and 200 <= int(code) <= 599) or not reason.isprintable():
            raise ValueError(f"{status!r} is no status")
        self.headers, self.length, self.wants_close = [], None, False
        for name, value in headers:
            self._take_header(name, value.strip(" \t"))
        self.status, self.reason = int(code), reason if _REASON.fullmatch(reason) else ""
        return self._written.append

    def _take_header(self, name: str, value: str) -> None:
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ValueError(f"the application's header {name!r} cannot be sent")
        kind = name.lower()
        if kind == "content-length":
            if self.length is not None or not (value.isascii() and value.isdecimal()):
                raise ValueError(f"the application's length {value!r} is none")
            self.length = int(value)
        elif kind not in _OURS:
            self.headers.append((name, value))
        elif kind == "connection":
            self.wants_close = value.lower() == "close"

    def _gather(self) -> Part:
        began, size, is_last = time.monotonic(), 0, False
        gathered: list[bytes] = []
        while size < STEP_BYTES and not (size and time.monotonic() - began > STEP_SECONDS):
            chunk = next(self._iterator, None)
            if self._written:
                gathered += self._written
                size += sum(map(len, self._written))
                self._written.clear()
            if chunk is None:
                is_last = True
                break
            gathered.append(chunk)
            size += len(chunk)
        return Part(gathered[0] if len(gathered) == 1 else b"".join(gathered), is_last)
