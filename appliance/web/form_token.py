"""Keeps other sites from posting our forms: a token in each form, and a look at where the request comes from.

As OWASP's cheat sheet on cross-site request forgery advises: a token bound to the user, and Fetch Metadata with Origin.
"""

from __future__ import annotations

import secrets
import time
from enum import Enum, auto
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

FIELD = "form_token"
HEADER = "X-Form-Token"
LIFETIME = 12 * 3600
"""Seconds that a form may lie open in a browser."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Verdict(Enum):
    """What a token is worth."""

    GOOD = auto()
    EXPIRED = auto()
    """Ours and this user's, but too old."""
    FOREIGN = auto()
    """Missing, forged, another user's, or from before the last start."""


class _Signer(TimestampSigner):
    """Takes the time from a clock that nobody sets: a device without a battery may start in any year."""

    clock: Callable[[], float] = staticmethod(time.monotonic)

    def get_timestamp(self) -> int:
        """Whole seconds of the clock."""
        return int(self.clock())


class FormTokens:
    """Makes and checks the tokens. The secret lasts for one run of the program."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Choose a secret."""
        self._secret = secrets.token_bytes(32)
        self._clock = clock

    def token(self, user: str) -> str:
        """Make a token for a form that `user` gets; empty is a page that asks nobody's name."""
        return self._signer(user).sign("1").decode("ascii")

    def verdict(self, token: str, user: str) -> Verdict:
        """Judge a token that `user` sent."""
        try:
            self._signer(user).unsign(token, max_age=LIFETIME)
        except SignatureExpired:
            return Verdict.EXPIRED
        except BadSignature:
            return Verdict.FOREIGN
        return Verdict.GOOD

    def _signer(self, user: str) -> TimestampSigner:
        signer = _Signer(self._secret, salt=b"form of " + user.encode("utf-8", "replace"))
        signer.clock = self._clock
        return signer


def comes_from_our_pages(request: Request) -> bool:
    """Judge by what the browser says of the page that sent the request; a client that says nothing passes.

    Browsers tell `Sec-Fetch-Site` over HTTPS alone, and `Origin` with every POST.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or _origin(origin) == _origin(f"{request.scheme}://{request.headers.get('Host', '')}")


def _origin(text: str) -> tuple[str, str, int] | str:
    """Take an origin apart (RFC 6454 section 4); a text that is none, `null` too, equals no origin of ours."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path or parts.query or parts.fragment:
        return "no origin"
    return parts.scheme, parts.hostname, port if port is not None else _DEFAULT_PORTS[parts.scheme]
