"""Status > Traffic: what went over the M-Bus and the network, and what went wrong, over an hour, a day or a week."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from flask import render_template

from appliance.recorder import Span
from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.pages.status import section

if TYPE_CHECKING:
    from appliance.recorder.recording import Hour

__all__ = ["section", "traffic"]


class Series(NamedTuple):
    """A line of a plot and a column of the table."""

    name: str
    """In the recording."""
    label: str
    column: str
    """A shorter label."""


class Plot(NamedTuple):
    """A plot of one or two series of the same unit."""

    name: str
    title: str
    unit: str
    factor: int
    """What makes the unit of a rate in seconds."""
    series: tuple[Series, ...]


UNKNOWN = "\u2013"
PER_SECOND, PER_MINUTE = 1, 60

PLOTS = (
    Plot(
        "line",
        N_("Bytes on the M-Bus"),
        N_("bytes/s"),
        PER_SECOND,
        (
            Series("line_rx_bytes", N_("from the meters"), N_("Bytes from the meters")),
            Series("line_tx_bytes", N_("to the meters"), N_("Bytes to the meters")),
        ),
    ),
    Plot(
        "errors",
        N_("Errors and refusals"),
        N_("per minute"),
        PER_MINUTE,
        (
            Series("line_errors", N_("line errors"), N_("Line errors")),
            Series("tunnel_dropped_accepts", N_("dropped accepts"), N_("Dropped accepts")),
        ),
    ),
    Plot(
        "connections",
        N_("Connections and requests"),
        N_("per minute"),
        PER_MINUTE,
        (
            Series("tunnel_accepts", N_("completed accepts"), N_("Completed accepts")),
            Series("http_requests", N_("HTTP requests"), N_("HTTP requests")),
        ),
    ),
    Plot(
        "network",
        N_("Frames on the network"),
        N_("frames/s"),
        PER_SECOND,
        (Series("network_frames", N_("received and sent"), N_("Network frames")),),
    ),
)

SPANS = ((Span.HOUR, N_("Hour")), (Span.DAY, N_("Day")), (Span.WEEK, N_("Week")))


@section.get("/traffic")
@reads
def traffic() -> str:
    """Show the table of the hours; a script draws the plots above it."""
    hours = context().device.history.day().hours()[:24]
    return render_template(
        "status/traffic.html",
        plots=PLOTS,
        spans=SPANS,
        heads=[*(_(series.column) for plot in PLOTS for series in plot.series), _("Clients, mean"), _("Link up")],
        rows=[(hour_text(hour.begin), cells(hour)) for hour in hours],
    )


def cells(hour: Hour) -> list[str]:
    """Write the sums of an hour, then the means."""
    clients, link = hour.means.get("tunnel_clients"), hour.means.get("link_up")
    return [
        *(sum_text(hour.sums.get(series.name)) for plot in PLOTS for series in plot.series),
        f"{clients:.1f}" if clients is not None else UNKNOWN,
        f"{link:.0%}" if link is not None else UNKNOWN,
    ]


def sum_text(number: float | None) -> str:
    """Write a count, with its thousands apart; a dash where it is not known."""
    return f"{round(number):,}".replace(",", "\u202f") if number is not None else UNKNOWN


def hour_text(begin: float) -> str:
    """Write which hour it is, of universal time: the device may not know in which zone it stands."""
    return dt.datetime.fromtimestamp(begin, dt.UTC).strftime("%m-%d %H:00")
