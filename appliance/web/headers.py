"""The headers that every answer has: what the browser may do with a page, and who may keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content Security Policy Level 3: everything from this device alone, nothing inline, in nobody's frame."""

ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
OVER_TLS = {"Cross-Origin-Opener-Policy": "same-origin"}
"""Browsers do not heed it over plain HTTP, and complain of it on their console as an error."""
NOT_KEPT = "no-store"
"""For pages: they show what is now, to one who has logged in."""


def harden(headers: Headers, *, is_secure: bool) -> None:
    """Add those that the answer does not have; one that is stricter, or may be kept for longer, says so itself."""
    for name, value in {**ALWAYS, **(OVER_TLS if is_secure else {}), "Cache-Control": NOT_KEPT}.items():
        headers.setdefault(name, value)


def hardened(application: WSGIApplication) -> WSGIApplication:
    """Wrap an application that knows nothing of these headers."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_secure = environ.get("wsgi.url_scheme") == "https"

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            all_headers = Headers(headers)
            harden(all_headers, is_secure=is_secure)
            return start_response(status, all_headers.to_wsgi_list(), exc_info)

        return application(environ, start)

    return answer
