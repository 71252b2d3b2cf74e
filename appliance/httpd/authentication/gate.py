"""The door of the web server: who may come in, by the directives of the settings."""

from __future__ import annotations

import math
import re
import time
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import g

from appliance.httpd.authentication.basic import BasicLogin
from appliance.httpd.authentication.desk import Attempt, Desk
from appliance.httpd.authentication.digest import DigestLogin
from appliance.httpd.authentication.refusal import Refusal, english, page
from appliance.httpd.authentication.rule import rule_for
from appliance.settings import DirectiveType, http

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from flask import Flask, Response

    from appliance.httpd.authentication.refusal import Words
    from appliance.settings import Directive, Settings

    Login = BasicLogin | DigestLogin

HTTPS = 443
_HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_SAFE = "/?#[]@!$&'()*+,;=:%-._~"
"""What stands in a URI as it is (RFC 3986 section 2), letters and digits aside."""


class Gate:
    """Looks at each request before anything else does. Safe for threads.

    It is closed by default: a path without a rule is refused, and what cannot be understood is as good as nothing.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        *,
        https_port: Callable[[], int | None],
        on_login: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        words: Words = english,
    ) -> None:
        """Follow the directives of `settings`.

        :param app: in its context the logins run, as flask-httpauth wants it; so its teardown functions run too.
        :param https_port: the port on which HTTPS is served now, None when it is not.
        :param on_login: called with the user's name when a nonce or a password is right for the first time, in the
            thread of the request; it must be quick.
        :param words: the text of a page, for a request that is refused.
        """
        self._app = app
        self._settings = settings
        self._https_port = https_port
        self._words = words
        self._desk = Desk(clock=clock, on_login=on_login)
        self._directives: tuple[Directive, ...] = ()
        self._logins: dict[str, Login] = {}

    def check(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        """Decide on a request by its headers.

        Whoever may come in is named in ``REMOTE_USER``, empty where no login is asked for; ``cme3000.directive`` is the
        rule, ``cme3000.admitted`` is True, and ``HTTP_AUTHORIZATION`` is gone: no page needs to see a password.

        :return: what answers instead; None lets the request in.
        """
        for name in ("REMOTE_USER", "cme3000.directive", "cme3000.admitted"):
            environ.pop(name, None)
        directives, logins = self._current()
        directive = rule_for(directives, _path(environ))
        if directive is None:
            return page(self._words(Refusal.NO_RULE, environ), 403)
        if directive.type.asks_tls and environ["wsgi.url_scheme"] != "https":
            return self._to_https(environ)
        user = ""
        if directive.type.asks_password:
            outcome = self._log_in(logins[directive.uri], environ)
            if not isinstance(outcome, str):
                return outcome
            user = outcome
        environ.pop("HTTP_AUTHORIZATION", None)
        environ.update({"REMOTE_USER": user, "cme3000.directive": directive, "cme3000.admitted": True})
        return None

    def _current(self) -> tuple[tuple[Directive, ...], dict[str, Login]]:
        with self._desk.lock:
            directives = self._settings[http.AUTHENTICATION]
            if directives is not self._directives:
                self._desk.void()
                self._logins = {entry.uri: self._login_for(entry) for entry in directives if entry.type.asks_password}
                self._directives = directives
            return self._directives, self._logins

    def _login_for(self, directive: Directive) -> Login:
        is_basic = directive.type in (DirectiveType.BASIC, DirectiveType.SSL_BASIC)
        login: Login = (BasicLogin if is_basic else DigestLogin)(directive.realm, self._desk)
        login.get_password({unicodedata.normalize("NFC", user.name): user for user in directive.users}.get)
        return login

    def _log_in(self, login: Login, environ: WSGIEnvironment) -> str | Response:
        """Give the user's name, or what to answer instead."""
        scheme = environ["wsgi.url_scheme"]
        attempt = Attempt(
            address=environ.get("REMOTE_ADDR", ""),
            method=environ["REQUEST_METHOD"],
            target=environ["cme3000.target"],
            origin=f"{scheme}://{environ.get('HTTP_HOST', '')}".lower(),
            authorization=environ.get("HTTP_AUTHORIZATION", ""),
        )
        # What the frame needs and no more: a host or a path that Flask stumbles over is not for here.
        minimal = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
        }
        with self._app.request_context(minimal):
            g.attempt = attempt
            # Not through login_required, which lets every OPTIONS in.
            credentials = login.get_auth()
            user: str | None = login.authenticate(credentials, login.get_auth_password(credentials))
        if user is not None:
            return user
        if attempt.refused_for:
            refused = page(self._words(Refusal.TOO_MANY_TRIES, environ), 429)
            refused.headers["Retry-After"] = str(math.ceil(attempt.refused_for))
            return refused
        refused = page(self._words(Refusal.NEEDS_LOGIN, environ), 401)
        for challenge in login.challenges(attempt):
            refused.headers.add("WWW-Authenticate", challenge)
        return refused

    def _to_https(self, environ: WSGIEnvironment) -> Response:
        port = self._https_port()
        host = _HOST.fullmatch(environ.get("HTTP_HOST", ""))
        if port is None:
            return page(self._words(Refusal.NO_HTTPS, environ), 403)
        if host is None:
            return page(self._words(Refusal.NEEDS_HTTPS, environ), 403)
        authority = host[1] if port == HTTPS else f"{host[1]}:{port}"
        link = f"https://{authority}{quote(environ['cme3000.target'], _SAFE, 'latin-1', 'replace')}"
        is_harmless = environ["REQUEST_METHOD"] in ("GET", "HEAD")
        answer = page(self._words(Refusal.NEEDS_HTTPS, environ), 302 if is_harmless else 403, link=link)
        if is_harmless:
            answer.headers["Location"] = link
        return answer


def _path(environ: WSGIEnvironment) -> str:
    """Give the decoded path; WSGI carries its octets as Latin-1 (PEP 3333)."""
    try:
        return str(environ.get("PATH_INFO", "")).encode("latin-1").decode()
    except UnicodeError:
        return ""
