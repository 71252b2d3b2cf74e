"""M-Bus Serial > Statistics: what the serial ports have counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import render_template

from appliance.settings import line as declared
from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.pages.serial.section import section

if TYPE_CHECKING:
    from appliance.line.branch import BranchSnapshot
    from appliance.settings import Setting

COUNTERS = (
    ("rx_bytes", "receiver_bytes", N_("Receiver bytes")),
    ("tx_bytes", "transmitter_bytes", N_("Transmitter bytes")),
    ("rx_breaks", "receiver_breaks", N_("Receiver breaks")),
    ("tx_breaks", "transmitter_breaks", N_("Transmitter breaks")),
    ("rx_parity_errors", "parity_errors", N_("Receiver parity errors")),
    ("rx_framing_errors", "framing_errors", N_("Receiver framing errors")),
    ("rx_overrun_errors", "overrun_errors", N_("Receiver overrun errors")),
    ("rx_no_buffer_errors", "no_buffer_errors", N_("Receiver no-Rx-buffer errors")),
    ("rx_queued", "queued_receive_bytes", N_("Queued receive bytes")),
    ("tx_queued", "queued_transmit_bytes", N_("Queued transmit bytes")),
)
"""Fields of `PortStatistics`, their names as live values, and their labels."""


class Cell(NamedTuple):
    """A value of one port."""

    value: str
    live: str
    is_bad: bool = False


@section.get("/serial/statistics")
@reads
def statistics() -> str:
    """Show the counters of each port."""
    line = context().device.line.snapshot()
    ports = [port for port in line.branches if port.url] or list(line.branches[:1])
    return render_template(
        "serial/statistics.html", heads=[_(setting_of(port).label) for port in ports], rows=counter_rows(ports)
    )


def counter_rows(ports: list[BranchSnapshot]) -> list[tuple[str, list[Cell]]]:
    """Give a row for each counter, with a value for each port."""
    rows = [
        (
            _(label),
            [Cell(count_text(getattr(port.statistics, field)), f"serial.{key_of(port)}_{name}") for port in ports],
        )
        for field, name, label in COUNTERS
    ]
    states = [Cell(state_text(port), f"serial.{key_of(port)}_state", is_bad=bool(port.fault)) for port in ports]
    return [(_("State"), states), *rows]


def count_text(count: int | None) -> str:
    """Write a count; a device that does not count says so."""
    return str(count) if count is not None else _("not available")


def state_text(port: BranchSnapshot) -> str:
    """Say how a port does."""
    if not port.url:
        return _("no serial port is configured")
    return _(port.fault) if port.fault else _("in use")


def key_of(port: BranchSnapshot) -> str:
    """Give the part of a live value's key that names the port."""
    return port.name.replace("-", "_")


def setting_of(port: BranchSnapshot) -> Setting[str]:
    """Give the setting that says where the port is."""
    return declared.OPTICAL if port.name == "optical" else declared.TWO_WIRE
