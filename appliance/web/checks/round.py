"""All checks, in one round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.web.checks import bus, device, meters, network, tunnel

if TYPE_CHECKING:
    from appliance.web.checks.finding import Finding
    from appliance.web.checks.observations import Observations

CHECKS = (
    device.power,
    bus.short_circuit,
    bus.serial_ports,
    bus.line_errors,
    meters.answers,
    network.link,
    network.address,
    network.other_troubles,
    tunnel.reachable,
    device.web_server,
    device.program,
    device.settings,
    device.storage,
    device.clock,
    device.certificate,
    device.password,
    device.other_faults,
)
"""In the order in which somebody with a dead gateway would go through them."""


def findings(seen: Observations) -> tuple[Finding, ...]:
    """Make every check, the worst first."""
    return tuple(sorted((check(seen) for check in CHECKS), key=lambda finding: finding.result.severity, reverse=True))
