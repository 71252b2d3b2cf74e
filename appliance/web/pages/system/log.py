"""System > Log: what the program wrote, why it last began anew, and what was restarted since."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from flask import Response, render_template

from appliance.network.facts import NONE
from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.frame import duration
from appliance.web.languages import _
from appliance.web.pages.system.file_name import file_name
from appliance.web.pages.system.section import section
from appliance.web.row import Row

if TYPE_CHECKING:
    from appliance.supervision.ward import WardSnapshot

SHOWN = 200
"""Lines on the page; the download has all that are kept."""


class ServiceRow(NamedTuple):
    """A row of the table of services."""

    name: str
    state: str
    is_bad: bool
    restarts: str
    trouble: str
    when: str


@section.get("/system/log")
@reads
def log() -> str:
    """Show the last lines, the newest last."""
    lines = context().device.log_lines()
    return render_template(
        "system/log.html",
        restart=restart_rows(),
        services=[service_row(ward) for ward in context().device.services()],
        lines=lines[-SHOWN:],
        total=len(lines),
    )


@section.get("/system/log/download")
@reads
def download_log() -> Response:
    """Give all lines as a text file."""
    text = "".join(f"{line}\n" for line in context().device.log_lines())
    answer = Response(text.encode("utf-8", "replace"), mimetype="text/plain")
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name("log", "txt")}"'
    return answer


def restart_rows() -> list[Row]:
    """Say why the program last began anew."""
    device = context().device
    last = device.journal.last
    if last is None:
        return [Row(_("Last restart"), NONE)]
    rows = [Row(_("Last restart"), _(last.why), is_bad=last.kind.is_failure)]
    if last.when is not None:
        rows.append(Row(_("When"), time_text(last.when)))
    if last.uptime is not None:
        rows.append(Row(_("It had run for"), duration(last.uptime)))
    rows.append(Row(_("Uptime"), duration(device.uptime), live="system.uptime"))
    return rows


def service_row(ward: WardSnapshot) -> ServiceRow:
    """Write the state of a service."""
    return ServiceRow(
        ward.name,
        _("running") if ward.is_alive else _("not running"),
        not ward.is_alive,
        str(ward.restarts),
        _(ward.trouble) if ward.trouble else "",
        time_text(ward.trouble_at) if ward.trouble_at is not None else "",
    )


def time_text(when: float) -> str:
    """Write seconds of the wall clock; the file that they came from may have any."""
    try:
        moment = dt.datetime.fromtimestamp(when, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return NONE
    return _("%(time)s UTC") % {"time": moment.strftime("%Y-%m-%d %H:%M:%S")}
