"""Network > Interface > Status: what the network is like now, and what it will be after a reboot."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, NamedTuple

from flask import render_template, url_for

from appliance.network.configuration import Method, method_of
from appliance.network.facts import NONE, facts_after_reboot
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.frame import duration
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.network.next_address import next_address
from appliance.web.pages.network.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.network.facts import Fact

FACTS = (
    ("bootp_client", N_("BOOTP client")),
    ("dhcp_client", N_("DHCP client")),
    ("address", N_("IP address")),
    ("mask", N_("Network mask")),
    ("gateway", N_("Default gateway")),
    ("hostname", N_("Hostname")),
    ("domain", N_("Domain")),
    ("search", N_("DNS suffix search list")),
    ("dhcp_client_id", N_("DHCP client ID")),
    ("primary_dns", N_("Primary DNS")),
    ("secondary_dns", N_("Secondary DNS")),
    ("time_servers", N_("Time servers")),
)
"""The rows: fields of `NetworkFacts`, and their labels."""

ASKED = N_("The DHCP server is being asked. When it has answered, the end of the lease below moves.")
NOT_ON = N_("The DHCP client is off, so nobody was asked.")
NO_LINK = N_("There is no link, so the DHCP server cannot be asked.")
NOT_OURS = N_("The network of this machine is left alone, so nobody was asked.")


class Comparison(NamedTuple):
    """A row of the table."""

    name: str
    label: str
    current: str
    after: str


@section.get("/network/interface")
@reads
def interface_status() -> str:
    """Show the table."""
    network = context().network()
    return render_template(
        "network/interface_status.html",
        rows=rows(),
        is_managed=network.is_managed,
        may_renew=_refusal() is None,
        next_address=next_address(),
    )


@section.post("/network/interface/renew")
@changes
def renew() -> Response:
    """Ask the DHCP server now, whatever time is left of the lease."""
    refusal = _refusal()
    if refusal is None:
        context().device.renew()
    return redirect_with_notice(url_for("network.interface_status"), _(refusal or ASKED))


def rows() -> list[Comparison]:
    """Compare each fact of now with that after a reboot."""
    here = context()
    network = here.network()
    after = facts_after_reboot(here.device.settings.after_reboot)
    compared = [
        Comparison(name, _(label), fact_text(getattr(network.current, name)), fact_text(getattr(after, name)))
        for name, label in FACTS
    ]
    if network.lease_ends_at is not None:
        next_method = method_of(here.device.settings.after_reboot)
        end = lease_end(network.lease_ends_at, time.time())
        compared.append(
            Comparison("lease_end", _("Lease end"), end, f"<{next_method}>" if next_method is Method.DHCP else NONE)
        )
    return compared


def fact_text(fact: Fact) -> str:
    """Write a fact with its source; a switch in the visitor's language."""
    return _(fact.value) if fact.value in ("On", "Off") else str(fact)


def lease_end(ends_at: float, now: float) -> str:
    """Write when a lease ends, and how long that is from `now`; both in seconds of the wall clock."""
    end = dt.datetime.fromtimestamp(ends_at, dt.UTC)
    return _("%(time)s UTC, in %(duration)s") % {
        "time": end.strftime("%Y-%m-%d %H:%M:%S"),
        "duration": duration(ends_at - now),
    }


def _refusal() -> str | None:
    """Say why a renewal is not possible; None when it is."""
    here = context()
    network = here.network()
    if not network.is_managed:
        return NOT_OURS
    if method_of(here.device.settings.in_force) is not Method.DHCP:
        return NOT_ON
    return NO_LINK if network.has_carrier is False else None
