"""One request and its answer, as the access log and the counters see them, and what answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(slots=True)
class Exchange:
    """What is known of a request when its answer has gone out. Everything from the client is as it sent it."""

    peer: str
    """The client's address, an IPv4 one never as IPv4 in IPv6."""
    port: int
    """The local TCP port."""
    method: str = ""
    """Empty, as target and version, where no request line could be read."""
    target: str = ""
    """Path and query as sent, still percent-coded."""
    version: str = ""
    """``HTTP/1.1``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The request's; looked up without regard to case."""
    user: str = ""
    """Who logged in."""
    status: int = 0
    body_bytes: int = 0
    """Bytes of the answer without its headers, as sent."""


class Application(Protocol):
    """What answers requests: a WSGI application (PEP 3333) that can say early who may come in."""

    def admit(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        """Decide on headers alone, in a worker thread and once for each request, before a body is taken.

        :return: what answers instead, for one who may not come in; its answer closes the connection if a body is due.
        """

    def upload_limit(self, path: str) -> int | None:
        """Give the bytes that a body for `path` may have where that is not for *max bytes* to say, else None."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request that was admitted."""
