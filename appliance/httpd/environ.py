"""A request as a WSGI application sees it (PEP 3333)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from appliance.httpd.request import Request

_NOT_FROM_CLIENTS = frozenset({"proxy", "content-length", "content-type", "transfer-encoding", "host", "expect"})
"""`HTTP_PROXY` is a setting of many programs, which a client must not make (httpoxy); the others have their own keys,
or were dealt with by the server."""


@dataclass(frozen=True, slots=True)
class Route:
    """Both ends of a connection."""

    peer: str
    peer_port: int
    local: str
    local_port: int
    is_secure: bool


def build_environ(request: Request, route: Route) -> WSGIEnvironment:
    """Make the environ of `request`; its body is empty until `wsgi.input` is put in."""
    target = request.target
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        # PEP 3333 has texts of one byte a character.
        "PATH_INFO": target.path.encode().decode("latin-1"),
        "QUERY_STRING": target.query,
        "SERVER_NAME": route.local,
        "SERVER_PORT": str(route.local_port),
        "SERVER_PROTOCOL": request.version,
        "REMOTE_ADDR": route.peer,
        "REMOTE_PORT": str(route.peer_port),
        "CONTENT_LENGTH": str(request.content_length) if request.has_body else "",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if route.is_secure else "http",
        "wsgi.input": BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "cme3000.target": target.sent,
    }
    if request.host:
        environ["HTTP_HOST"] = request.host
    for name in request.headers:
        # With the underscore, two headers could claim one key.
        if "_" not in name and name not in _NOT_FROM_CLIENTS:
            environ["HTTP_" + name.upper().replace("-", "_")] = request.headers[name]
    if "cookie" in request.headers:
        environ["HTTP_COOKIE"] = "; ".join(request.headers.each("cookie"))
    return environ
