"""M-Bus Serial: what the serial ports counted, and how they are driven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from flask import make_response, render_template, url_for

from appliance.settings import line as declared
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.form import SettingsForm
from appliance.web.form_layout import Beside, Group
from appliance.web.languages import N_, _
from appliance.web.menu import Section, Tab
from appliance.web.notice import redirect_with_notice

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.line.branch import BranchSnapshot
    from appliance.line.line import LineSnapshot
    from appliance.settings import Setting

section = Section(
    "serial",
    __name__,
    label=N_("M-Bus Serial"),
    order=40,
    tabs=(Tab("statistics", N_("Statistics")), Tab("configuration", N_("Configuration"))),
)

LINE = (declared.BAUD_RATE,)
PORTS = (declared.TWO_WIRE, declared.OPTICAL)

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

SAVED = N_("The settings are saved. A new baud rate is taken after the frame that is on the wire.")


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
        "serial/statistics.html", heads=[_(_setting_of(port).label) for port in ports], rows=counter_rows(ports)
    )


@section.get("/serial/configuration")
@reads
def configuration() -> Response:
    """Show the form."""
    return _page(SettingsForm((*LINE, *PORTS)))


@section.post("/serial/configuration")
@changes(give_back=lambda sentence: _page(SettingsForm.posted((*LINE, *PORTS), trouble=sentence)))
def change() -> Response:
    """Save the form."""
    form = SettingsForm.posted((*LINE, *PORTS))
    if not form.save():
        return _page(form)
    return redirect_with_notice(url_for("serial.configuration"), _(SAVED))


def counter_rows(ports: list[BranchSnapshot]) -> list[tuple[str, list[Cell]]]:
    """Give a row for each counter, with a value for each port."""
    rows = [
        (
            _(label),
            [Cell(count_text(getattr(port.statistics, field)), f"serial.{_key(port)}_{name}") for port in ports],
        )
        for field, name, label in COUNTERS
    ]
    states = [Cell(state_text(port), f"serial.{_key(port)}_state", is_bad=bool(port.fault)) for port in ports]
    return [(_("State"), states), *rows]


def count_text(count: int | None) -> str:
    """Write a count; a device that does not count says so."""
    return str(count) if count is not None else _("not available")


def state_text(port: BranchSnapshot) -> str:
    """Say how a port does."""
    if not port.url:
        return _("no serial port is configured")
    return _(port.fault) if port.fault else _("in use")


def baud_text(line: LineSnapshot) -> str:
    """Write the speed at which the line runs."""
    return f"{line.baud} {_(declared.BAUD_RATE.unit)}"


def _key(port: BranchSnapshot) -> str:
    return port.name.replace("-", "_")


def _setting_of(port: BranchSnapshot) -> Setting[str]:
    return declared.OPTICAL if port.name == "optical" else declared.TWO_WIRE


def _page(form: SettingsForm) -> Response:
    line = context().device.line.snapshot()
    beside: dict[Setting[Any], Beside] = {
        _setting_of(port): Beside(current=state_text(port), live=f"serial.{_key(port)}_state")
        for port in line.branches
        if port.url
    }
    beside[declared.BAUD_RATE] = Beside(current=baud_text(line), live="serial.baud_rate")
    page = render_template(
        "serial/configuration.html",
        form=form,
        groups=(Group("", LINE), Group(_("Serial ports"), PORTS)),
        beside=beside,
    )
    return make_response(page, form.status)
