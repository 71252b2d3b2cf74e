"""A sentence for the page after a redirect: signed, in a cookie that goes when it is shown."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import redirect, request
from itsdangerous import BadSignature, URLSafeSerializer

from appliance.web.context import context

if TYPE_CHECKING:
    from flask import Request
    from werkzeug.wrappers import Response

COOKIE = "notice"
LIFETIME = 60
"""Seconds; whoever does not follow the redirect in this time has done something else."""
LONGEST = 300
"""Characters; a cookie has little room."""


class Notices:
    """Puts a notice into an answer and takes it out of the next request."""

    def __init__(self) -> None:
        self._serializer = URLSafeSerializer(secrets.token_bytes(32), salt="notice")

    def put(self, response: Response, text: str, *, is_secure: bool) -> None:
        """Send `text` along; signed, for else a neighbour on the same host name could write on our pages."""
        value = self._serializer.dumps(text[:LONGEST])
        assert isinstance(value, str)  # noqa: S101 (it is, for a serializer of text)
        response.set_cookie(
            COOKIE, value, max_age=LIFETIME, httponly=True, samesite="Strict", secure=is_secure, path="/"
        )

    def take(self, request: Request) -> str:
        """Read the notice, empty when there is none. The page that shows it must `clear` it."""
        try:
            text = self._serializer.loads(request.cookies.get(COOKIE, ""))
        except BadSignature:
            return ""
        return text if isinstance(text, str) else ""

    @staticmethod
    def clear(response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict")


def redirect_with_notice(path: str, text: str) -> Response:
    """Answer a form that was carried out: go to `path`, where `text`, in the visitor's language, is shown once."""
    response = redirect(path, 303)
    context().notices.put(response, text, is_secure=request.is_secure)
    return response
