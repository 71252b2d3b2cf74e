"""What is said of the web server on more than one page: its state, its addresses, whether HTTPS is served."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request

from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.settings import http
from appliance.web.certificate_words import certificate_text
from appliance.web.context import context
from appliance.web.languages import N_, _

if TYPE_CHECKING:
    from appliance.settings import Values

DEFAULT_PORTS = {"http": 80, "https": 443}

RUNNING = N_("On (running)")
_BUSY = re.compile(r"cannot listen on port (?P<port>\d+): (?P<reason>.*)", re.DOTALL)


def server() -> HttpSnapshot:
    """Give state and counts of the server; where something else serves the pages, those of one that is off."""
    http_server = context().device.http
    if http_server is None:
        return HttpSnapshot("Off", False, None, None, 0, 0, HttpCounters())
    return http_server.snapshot()


def state_text(state: str) -> str:
    """Write the state in the visitor's language."""
    if parts := _BUSY.fullmatch(state):
        reason = certificate_text(parts["reason"])
        return _("cannot listen on port %(port)s: %(reason)s") % {"port": parts["port"], "reason": reason}
    return _(state)


def https_trouble() -> str:
    """Say why HTTPS is not served, in the visitor's language; empty when it is."""
    device = context().device
    settings, snapshot = device.settings, server()
    if snapshot.https_port is not None:
        return ""
    if not settings[http.ENABLED]:
        return _("The server is off.")
    if not (settings[http.TLS_1_2] or settings[http.TLS_1_3]):
        return _("No protocol version is switched on.")
    if not device.certificate.exists:
        return _("There is no certificate.")
    if device.certificate.problem:
        return certificate_text(device.certificate.problem)
    return state_text(snapshot.state)


def serves_https(values: Values) -> bool:
    """Say whether HTTPS would be served with `values`, as far as settings and certificate decide on it."""
    is_wanted = values[http.ENABLED] and (values[http.TLS_1_2] or values[http.TLS_1_3])
    certificate = context().device.certificate
    return is_wanted and certificate.exists and certificate.facts() is not None


def url_on(scheme: str, port: int, path: str = "/") -> str:
    """Write the URL of `path` on this device, by the name under which the visitor knows it."""
    host = urlsplit(request.host_url).hostname or "localhost"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}{f':{port}' if port != DEFAULT_PORTS[scheme] else ''}{path}"
