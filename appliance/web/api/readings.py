"""Builds the resources from the snapshots of the device."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from appliance.network.facts import facts_after_reboot
from appliance.web.context import context

if TYPE_CHECKING:
    from appliance.network.facts import NetworkFacts
    from appliance.web.api import shapes


def status() -> shapes.Status:
    """Say what the device is and how it goes."""
    device = context().device
    product, last, panel = device.product, device.journal.last, device.panel
    return {
        "product": {
            "type": product.type,
            "version": product.version,
            "build_date": product.build_date.isoformat() if product.build_date is not None else None,
            "serial_number": product.serial_number,
            "board": product.board,
        },
        "uptime": round(device.uptime, 3),
        "is_saved": device.settings.is_saved,
        "faults": list(device.faults),
        "last_restart": (
            {"kind": last.kind, "why": last.why, "when": last.when, "uptime": last.uptime} if last is not None else None
        ),
        "leds": (
            [
                {
                    "name": shown.led.value,
                    "colour": shown.led.colour,
                    "rhythm": shown.rhythm.name.lower(),
                    "is_lit": shown.is_lit,
                    "meaning": shown.meaning,
                }
                for shown in panel.snapshot().leds
            ]
            if panel is not None
            else None
        ),
    }


def network() -> shapes.Network:
    """Say how the device is reached."""
    snapshot = context().network()
    modes = snapshot.link_modes
    return {
        "interface": snapshot.interface,
        "mac": snapshot.mac,
        "is_managed": snapshot.is_managed,
        "link": {
            "has_carrier": snapshot.has_carrier,
            "speed": modes.speed if modes is not None else None,
            "duplex": modes.duplex if modes is not None else None,
            "negotiates": modes.negotiates if modes is not None else None,
        },
        "current": _facts(snapshot.current),
        "after_reboot": _facts(facts_after_reboot(context().device.settings.after_reboot)),
        "lease_ends_at": snapshot.lease_ends_at,
        "troubles": list(snapshot.troubles),
    }


def http() -> shapes.Http:
    """Say how the web server does."""
    device = context().device
    entries, octets = device.access_log.size
    facts = device.certificate.facts()
    return {
        "server": device.http.snapshot() if device.http is not None else None,
        "log_size": {"entries": entries, "bytes": octets},
        "certificate": (
            {
                "subject": facts.subject,
                "issuer": facts.issuer,
                "names": list(facts.names),
                "not_before": facts.not_before.isoformat(),
                "not_after": facts.not_after.isoformat(),
                "sha256": facts.sha256,
                "is_self_signed": facts.is_self_signed,
            }
            if facts is not None
            else None
        ),
    }


def _facts(facts: NetworkFacts) -> dict[str, shapes.Fact]:
    return {
        one.name: {"value": getattr(facts, one.name).value, "source": getattr(facts, one.name).source}
        for one in fields(facts)
    }
