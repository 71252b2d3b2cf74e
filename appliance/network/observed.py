"""The network as the system has it, for a device that is not its manager."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.network import system_view
from appliance.network.facts import Fact, NetworkFacts, Source
from appliance.network.interface import find_interface
from appliance.network.snapshot import NetworkSnapshot

if TYPE_CHECKING:
    from appliance.network.link_watch import LinkSnapshot


def observe(link: LinkSnapshot | None, hostname: str) -> NetworkSnapshot:
    """Look at the interface of `link` and change nothing; `hostname` is that of the system.

    Without a link that is watched it is the system's first wired Ethernet.
    """
    interface = link.interface if link is not None else find_interface()
    snapshot = NetworkSnapshot(
        interface=interface,
        mac=link.mac if link is not None else "",
        has_carrier=link.has_carrier if link is not None else None,
        current=NetworkFacts(hostname=_found(hostname)),
        is_managed=False,
    )
    if interface is None:
        return snapshot
    view = system_view.read(interface)
    address = view.addresses[0] if view.addresses else None
    primary, secondary = (*map(_found, view.name_servers), Fact(), Fact())[:2]
    return replace(
        snapshot,
        mac=snapshot.mac or view.mac or "",
        current=NetworkFacts(
            address=_found(address.ip if address is not None else None),
            mask=_found(address.netmask if address is not None else None),
            gateway=_found(view.gateway),
            hostname=_found(hostname),
            search=_found(" ".join(view.search)),
            primary_dns=primary,
            secondary_dns=secondary,
        ),
    )


def _found(value: object) -> Fact:
    return Fact(str(value), Source.SYSTEM) if value else Fact()
