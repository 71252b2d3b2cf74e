"""HTTP > Log: the last requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, render_template, url_for

from appliance.settings import http
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.http.section import section
from appliance.web.pages.http.statistics import log_size

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

FILE_NAME = "http-log.txt"
CLEARED = N_("The log is cleared.")


@section.get("/http/log")
@reads
def log() -> str:
    """Show the lines, the newest first: what somebody looks for has just happened."""
    device = context().device
    return render_template(
        "http/log.html",
        lines=device.access_log.lines()[::-1],
        size=log_size(),
        is_on=device.settings[http.LOGGING],
        most=device.settings[http.MAX_LOG_ENTRIES],
    )


@section.get("/http/log/download")
@reads
def download_log() -> Response:
    """Give the lines as a file, the oldest first as in every log file."""
    text = "".join(f"{line}\n" for line in context().device.access_log.lines())
    answer = Response(text, content_type="text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return answer


@section.post("/http/log/clear")
@changes
def clear_log() -> AnyResponse:
    """Forget all lines."""
    context().device.access_log.clear()
    return redirect_with_notice(url_for("http.log"), _(CLEARED))
