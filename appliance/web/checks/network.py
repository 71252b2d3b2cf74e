"""Checks of the way into the device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.network.configuration import method_of
from appliance.network.facts import Source
from appliance.network.kernel.link_modes import FORCED_WARNING
from appliance.settings.link import Duplex
from appliance.web.checks.finding import Finding, Quote, Result, message
from appliance.web.languages import N_

if TYPE_CHECKING:
    from appliance.web.checks.observations import Observations

CONFLICT = re.compile(r"is used by another device")
"""How the network room words a conflict of addresses (RFC 5227)."""
ABOUT_ADDRESS = re.compile(r"is used by another device|server|lease")


def link(seen: Observations) -> Finding:
    """Judge the Ethernet port."""
    name, title = "link", N_("Ethernet link")
    network = seen.network
    modes = network.link_modes
    interface = network.interface or ""
    if network.has_carrier is None:
        evidence = message(N_("The system does not tell about its network port."))
        return Finding(name, title, Result.UNKNOWN, (evidence,), (message(N_("Look at LINK: it is lit with a link.")),))
    if not network.has_carrier:
        return Finding(
            name,
            title,
            Result.BAD,
            (message(N_("No link on %(interface)s; LINK is off."), interface=interface),),
            (
                message(N_("Look at both ends of the cable, and try another cable and another port of the switch.")),
                message(N_("Compare speed and duplex under Network > Link with those of the switch; best is auto.")),
            ),
        )
    if modes is None or modes.speed is None:
        return Finding(
            name, title, Result.GOOD, (message(N_("There is a link on %(interface)s."), interface=interface),)
        )
    is_half = modes.duplex is Duplex.HALF
    text = (
        N_("%(interface)s has a link: %(speed)d Mbit/s, half duplex.")
        if is_half
        else N_("%(interface)s has a link: %(speed)d Mbit/s, full duplex.")
    )
    evidence = message(text, interface=interface, speed=modes.speed)
    if not is_half and FORCED_WARNING not in network.troubles:
        return Finding(name, title, Result.GOOD, (evidence,))
    return Finding(
        name,
        title,
        Result.ATTENTION,
        (evidence,),
        (message(N_("One end may be fixed and the other on auto: set both to auto, or both to the same values.")),),
    )


def address(seen: Observations) -> Finding:
    """Judge whether there is an address, and the one that was wanted."""
    name, title = "address", N_("IP address")
    fact, troubles = seen.network.current.address, seen.network.troubles
    quoted = tuple(message(N_("%(trouble)s."), trouble=Quote(text)) for text in troubles if ABOUT_ADDRESS.search(text))
    if any(CONFLICT.search(text) for text in troubles):
        advice = message(N_("Find the other device by its MAC address, and give one of the two another address."))
        return Finding(name, title, Result.BAD, quoted, (advice,))
    if not fact.value:
        return Finding(
            name,
            title,
            Result.BAD,
            (*quoted, message(N_("There is no address."))),
            (
                message(
                    N_("Look at the link first. Then switch DHCP on, or enter an address, under Network > Interface.")
                ),
            ),
        )
    wants_server = method_of(seen.settings).asks_a_server
    if fact.source is Source.AUTOIP and wants_server:
        method = str(method_of(seen.settings))
        return Finding(
            name,
            title,
            Result.ATTENTION,
            (message(N_("%(address)s was chosen by the device: no server has answered."), address=fact.value), *quoted),
            (
                message(
                    N_("Look whether there is a %(method)s server in this network, with addresses left."), method=method
                ),
                message(
                    N_("Or enter an address under Network > Interface > Configuration, and switch the client off.")
                ),
            ),
        )
    evidence = (
        message(N_("%(address)s, from %(source)s."), address=fact.value, source=Quote(fact.source))
        if fact.source is not None
        else message(N_("%(address)s."), address=fact.value)
    )
    if quoted:
        advice = message(N_("The address still works. Look at the server before its lease ends."))
        return Finding(name, title, Result.ATTENTION, (evidence, *quoted), (advice,))
    return Finding(name, title, Result.GOOD, (evidence,))


def other_troubles(seen: Observations) -> Finding:
    """Pass on what else the network room has to say."""
    name, title = "network", N_("Network settings")
    troubles = [text for text in seen.network.troubles if text != FORCED_WARNING and not ABOUT_ADDRESS.search(text)]
    if troubles:
        evidence = tuple(message(N_("%(trouble)s."), trouble=Quote(text.rstrip("."))) for text in troubles)
        advice = message(N_("Compare the settings under Network with what the port and the network can do."))
        return Finding(name, title, Result.ATTENTION, evidence, (advice,))
    if not seen.network.is_managed:
        evidence = (message(N_("The network of this machine is only looked at; its own system sets it.")),)
        return Finding(name, title, Result.GOOD, evidence)
    return Finding(name, title, Result.GOOD, (message(N_("They are in force as configured.")),))
