"""What a line of the log would look like, and what may be in its format."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from flask import request

from appliance.errors import SettingError
from appliance.httpd.exchange import Exchange
from appliance.httpd.log_format import LineFormat
from appliance.settings import http
from appliance.web.context import context
from appliance.web.languages import N_
from appliance.web.pages.http.server_state import server

if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECTIVES = (
    ("%a", N_("Address of the client")),
    ("%h", N_("Host of the client: its address, for names are not looked up")),
    ("%t", N_("Time of day")),
    ("%r", N_("First line: method, path with query, version")),
    ("%m", N_("Method")),
    ("%U", N_("Path")),
    ("%q", N_("Query with its question mark, or nothing")),
    ("%s", N_("Status of the answer")),
    ("%b", N_("Bytes of the answer without headers")),
    ("%B", N_("The same, with - for 0")),
    ("%u", N_("User who is logged in")),
    ("%p", N_("Local port")),
    ("%{Referer}i", N_("Header of the request, here Referer; passwords and cookies are left out")),
)
"""What a format may have in it."""


def preview(text: str) -> str:
    """Write the line of a made-up request of this visitor in the format `text`; empty for a text that is none."""
    defaults = context().device.settings.defaults
    try:
        line_format = LineFormat(http.LOG_FORMAT.read(text, defaults[http.LOG_FORMAT]))
    except SettingError:
        return ""
    sample = Exchange(
        peer=request.remote_addr or "192.0.2.7",
        port=server().http_port or http.PORT.default,
        method="GET",
        target="/http/log?page=2",
        version="HTTP/1.1",
        headers=cast("Mapping[str, str]", request.headers),  # in what the log asks of it, it is one
        user=request.environ.get("REMOTE_USER") or "admin",
        status=200,
        body_bytes=5063,
    )
    return line_format.line(sample, time.localtime())
