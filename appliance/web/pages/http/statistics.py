"""HTTP > Statistics: what the web server counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template

from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.languages import N_, _, ngettext
from appliance.web.pages.http.section import section
from appliance.web.pages.http.server_state import server
from appliance.web.row import Row

if TYPE_CHECKING:
    from appliance.httpd.statistics import HttpSnapshot

COUNTERS = (
    ("rx_bytes", N_("Rx bytes")),
    ("tx_bytes", N_("Tx bytes")),
    ("status_200", N_("200 OK")),
    ("status_400", N_("400 Bad request")),
    ("status_401", N_("401 Login required")),
    ("status_404", N_("404 Not found")),
    ("status_408", N_("408 Request timeout")),
    ("status_413", N_("413 Request too large")),
    ("status_501", N_("501 Not implemented")),
    ("status_unknown", N_("Status unknown")),
    ("work_queue_full", N_("Work queue full")),
    ("socket_error", N_("Socket error")),
    ("memory_error", N_("Memory error")),
)
"""Fields of `HttpCounters`, with their labels, in the order of the reference device."""

ADDITIONS = (
    ("connections_refused", N_("Connections refused")),
    ("connections_evicted", N_("Connections closed to make room")),
)


@section.get("/http/statistics")
@reads
def statistics() -> str:
    """Show the counters, and how large the log is."""
    snapshot = server()
    return render_template(
        "http/statistics.html",
        counters=counter_rows(snapshot),
        load=load_rows(snapshot),
        log=[Row(_("Log size"), log_size(), live="http.log_size")],
    )


def counter_rows(snapshot: HttpSnapshot) -> list[Row]:
    """Give the counters of the reference device."""
    return [Row(_(label), str(getattr(snapshot.counters, name)), live=f"http.{name}") for name, label in COUNTERS]


def load_rows(snapshot: HttpSnapshot) -> list[Row]:
    """Say how busy the server is, and whom it had to turn away."""
    return [
        Row(_("Open connections"), str(snapshot.connections), live="http.connections"),
        Row(_("Answers being made"), str(snapshot.busy_workers), live="http.busy_workers"),
        *(Row(_(label), str(getattr(snapshot.counters, name)), live=f"http.{name}") for name, label in ADDITIONS),
    ]


def log_size() -> str:
    """Write the size of the log: ``32 entries (5063 bytes)``."""
    entries, octets = context().device.access_log.size
    text = ngettext("%(num)d entry (%(octets)d bytes)", "%(num)d entries (%(octets)d bytes)", entries)
    return text % {"num": entries, "octets": octets}
