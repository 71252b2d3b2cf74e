"""Whether a client would get through to the M-Bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.settings import tunnel as declared
from appliance.web.checks.finding import Finding, Quote, Result, message
from appliance.web.languages import N_

if TYPE_CHECKING:
    from appliance.web.checks.finding import Message
    from appliance.web.checks.observations import Observations


def reachable(seen: Observations) -> Finding:
    """Judge the tunnel as one who cannot connect would (device.md 8: port, address)."""
    name, title = "tunnel", N_("M-Bus TCP/IP")
    tunnel, settings = seen.tunnel, seen.settings
    if settings[declared.ACCEPT_MODE] is declared.AcceptMode.DISABLED:
        return Finding(
            name,
            title,
            Result.ATTENTION,
            (message(N_("Accept mode is disabled: no client can connect.")),),
            (message(N_("Switch it on under M-Bus TCP/IP > Accept Mode.")),),
        )
    if tunnel.port is None and tunnel.tls_port is None:
        return Finding(
            name,
            title,
            Result.BAD,
            (message(N_("No port is open: %(state)s."), state=Quote(tunnel.state)),),
            (message(N_("Choose a port that nothing else on the device uses, under M-Bus TCP/IP > Accept Mode.")),),
        )
    evidence = [_port(seen)]
    if not seen.line.is_up:
        evidence.append(message(N_("Clients are turned away, for there is no serial line.")))
        return Finding(name, title, Result.BAD, tuple(evidence), (message(N_("See to the serial ports first.")),))
    evidence += [
        message(
            N_("Client %(peer)s has been connected for %(minutes)d min."),
            peer=client.peer,
            minutes=client.seconds // 60,
        )
        for client in tunnel.clients
    ]
    if not tunnel.counters.dropped_accepts:
        return Finding(name, title, Result.GOOD, tuple(evidence))
    evidence.append(
        message(N_("Clients turned away since the start: %(count)d."), count=tunnel.counters.dropped_accepts)
    )
    advice = []
    if settings[declared.ALLOW]:
        advice.append(
            message(N_("Look whether the client is on the list of allowed ones, M-Bus TCP/IP > Accept Mode."))
        )
    if settings[declared.POLICY] is declared.AcceptPolicy.REFUSE:
        advice += [
            message(
                N_("One client at a time has the M-Bus: end the other, or wait until its time without traffic is over.")
            ),
            message(N_("Let clients share the bus or take it over, with the accept policy.")),
        ]
        if not settings[declared.DISCONNECT_TIMEOUT]:
            advice.append(
                message(N_("A client that is silent is never disconnected: set a time under Disconnect Mode."))
            )
    is_blocked = bool(tunnel.clients) or bool(settings[declared.ALLOW])
    return Finding(
        name, title, Result.ATTENTION if is_blocked and advice else Result.GOOD, tuple(evidence), tuple(advice)
    )


def _port(seen: Observations) -> Message:
    tunnel = seen.tunnel
    if tunnel.port is None:
        return message(N_("TLS port %(tls_port)d is open, and no other."), tls_port=tunnel.tls_port or 0)
    if tunnel.tls_port is None:
        return message(N_("Port %(port)d is open."), port=tunnel.port)
    return message(
        N_("Port %(port)d is open, and port %(tls_port)d with TLS."), port=tunnel.port, tls_port=tunnel.tls_port
    )
