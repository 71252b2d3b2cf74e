"""The app with its gate in front, as the web server takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from appliance.web.context import EXTENSION, Context
from appliance.web.guard import REFUSED
from appliance.web.headers import hardened
from appliance.web.host_check import HostCheck, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask


class Gate(Protocol):
    """Who decides on a login."""

    def check(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        """Give what answers one who may not come in; None lets him, and leaves his name in the environment."""


class GatedApplication:
    """An `appliance.httpd.exchange.Application`: the name asked for is checked, then the login, then the app answers.

    The name comes first, for a password typed on a page that another site shows would be that site's.
    """

    def __init__(self, app: Flask, gate: Gate, *, host_check: HostCheck | None = None) -> None:
        """Put `gate` in front of `app`, which `create_app` has made."""
        shared: Context = app.extensions[EXTENSION]
        self._app = app
        self._gate = gate
        self._host_check = host_check or HostCheck(shared.device)
        self._upload_limits = {
            path: limit for section in shared.sections for path, limit in section.upload_limits.items()
        }

    def admit(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        """Decide on headers alone; see `Application`."""
        host = environ.get("HTTP_HOST", "")
        if not self._host_check.allows(host):
            environ[REFUSED] = 421 if name_of(host) is not None else 400
            return self._app
        refusal = self._gate.check(environ)
        return hardened(refusal) if refusal is not None else None

    def upload_limit(self, path: str) -> int | None:
        """Give what the sections have registered for `path`."""
        return self._upload_limits.get(path)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer."""
        return self._app(environ, start_response)
