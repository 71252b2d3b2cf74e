"""M-Bus TCP/IP: what the tunnel counted, who gets in, and when he is shown out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import make_response, render_template, url_for

from appliance.network.facts import NONE
from appliance.settings import tunnel as declared
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.form import SettingsForm
from appliance.web.form_layout import Beside, Group, in_force_text
from appliance.web.frame import duration
from appliance.web.languages import N_, _
from appliance.web.menu import Section, Tab
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.status import tunnel_state
from appliance.web.row import Row

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.settings import Setting
    from appliance.tunnel.statistics import ClientSnapshot, TunnelSnapshot

section = Section(
    "tunnel",
    __name__,
    label=N_("M-Bus TCP/IP"),
    order=30,
    tabs=(
        Tab("statistics", N_("Statistics")),
        Tab("accept", N_("Accept Mode")),
        Tab("disconnect", N_("Disconnect Mode")),
    ),
)

ACCEPT = (declared.ACCEPT_MODE, declared.PORT, declared.KEEP_ALIVE)
ADDITIONS = (declared.POLICY, declared.LEASE_QUIET, declared.ALLOW, declared.TLS_PORT)
DISCONNECT = (declared.DISCONNECT_TIMEOUT,)

COUNTERS = (
    ("completed_accepts", N_("Completed accepts")),
    ("completed_connects", N_("Completed connects")),
    ("disconnects", N_("Disconnects")),
    ("dropped_accepts", N_("Dropped accepts")),
    ("dropped_connects", N_("Dropped connects")),
    ("octets_from_serial", N_("Octets forwarded from serial")),
    ("octets_from_network", N_("Octets forwarded from network")),
)
"""Fields of `Counters`, with their labels."""

SAVED = N_("The settings are saved and in force.")


@section.get("/tunnel/statistics")
@reads
def statistics() -> str:
    """Show counters and state."""
    tunnel = context().device.tunnel.snapshot()
    return render_template(
        "tunnel/statistics.html",
        counters=counter_rows(tunnel),
        state=state_rows(tunnel),
        clients=[Row(client.peer, duration(client.seconds), note=client_note(client)) for client in tunnel.clients],
    )


@section.get("/tunnel/accept")
@reads
def accept() -> Response:
    """Show the form."""
    return _accept_page(SettingsForm((*ACCEPT, *ADDITIONS)))


@section.post("/tunnel/accept")
@changes(give_back=lambda sentence: _accept_page(SettingsForm.posted((*ACCEPT, *ADDITIONS), trouble=sentence)))
def change_accept() -> Response:
    """Save the form; a new port is bound before that, or it is refused."""
    form = SettingsForm.posted((*ACCEPT, *ADDITIONS))
    if not form.save():
        return _accept_page(form)
    return redirect_with_notice(url_for("tunnel.accept"), _(SAVED))


@section.get("/tunnel/disconnect")
@reads
def disconnect() -> Response:
    """Show the form."""
    return _disconnect_page(SettingsForm(DISCONNECT))


@section.post("/tunnel/disconnect")
@changes(give_back=lambda sentence: _disconnect_page(SettingsForm.posted(DISCONNECT, trouble=sentence)))
def change_disconnect() -> Response:
    """Save the form."""
    form = SettingsForm.posted(DISCONNECT)
    if not form.save():
        return _disconnect_page(form)
    return redirect_with_notice(url_for("tunnel.disconnect"), _(SAVED))


def counter_rows(tunnel: TunnelSnapshot) -> list[Row]:
    """Give the aggregate counters, in the order of the reference device."""
    rows = [Row(_(label), str(getattr(tunnel.counters, name)), live=f"tunnel.{name}") for name, label in COUNTERS]
    rows.append(
        Row(
            _("Accept connection time"),
            duration(tunnel.accept_connection_seconds),
            live="tunnel.accept_connection_time",
        )
    )
    rows += [
        Row(
            _("Connect %(number)d connection time") % {"number": number},
            duration(seconds),
            live=f"tunnel.connect_{number}_connection_time",
        )
        for number, seconds in enumerate(tunnel.connect_connection_seconds, 1)
    ]
    dropped = str(tunnel.counters.octets_dropped)
    rows.append(Row(_("Octets from serial without a client"), dropped, live="tunnel.octets_dropped"))
    return rows


def state_rows(tunnel: TunnelSnapshot) -> list[Row]:
    """Say what both modes are doing."""
    is_well = tunnel.state.startswith(("Connected", "Waiting", "Disabled"))
    return [
        Row(_("Connect mode"), tunnel_state(tunnel.connect_state), live="tunnel.connect_state"),
        Row(_("Accept mode"), tunnel_state(tunnel.state), is_bad=not is_well, live="tunnel.accept_state"),
        Row(_("Local port"), str(tunnel.port or NONE), live="tunnel.port"),
        Row(_("TLS port"), str(tunnel.tls_port or NONE), live="tunnel.tls_port"),
    ]


def client_note(client: ClientSnapshot) -> str:
    """Say how a client is connected."""
    return ", ".join([*([_("TLS")] if client.is_secure else []), *([_("has the bus")] if client.has_bus else [])])


def _accept_page(form: SettingsForm) -> Response:
    tunnel = context().device.tunnel.snapshot()
    beside: dict[Setting[Any], Beside] = {
        setting: Beside(current=in_force_text(setting)) for setting in (*ACCEPT, *ADDITIONS)
    }
    # What is really listened on: it may be any free one, or none where it could not be had.
    beside[declared.ACCEPT_MODE] = Beside(current=tunnel_state(tunnel.state), live="tunnel.accept_state")
    beside[declared.PORT] = Beside(current=str(tunnel.port or NONE), live="tunnel.port")
    beside[declared.TLS_PORT] = Beside(current=str(tunnel.tls_port or NONE), live="tunnel.tls_port")
    page = render_template(
        "tunnel/accept.html",
        form=form,
        groups=(Group("", ACCEPT), Group(_("Additions"), ADDITIONS)),
        beside=beside,
    )
    return make_response(page, form.status)


def _disconnect_page(form: SettingsForm) -> Response:
    page = render_template(
        "tunnel/disconnect.html",
        form=form,
        groups=(Group("", DISCONNECT),),
        beside={setting: Beside(current=in_force_text(setting)) for setting in DISCONNECT},
    )
    return make_response(page, form.status)
