"""What this device is and how it goes (device.md 5.1 and 5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.display import safe, table
from appliance.console.report.statistics import duration
from appliance.network.facts import NONE, facts_after_reboot
from appliance.settings import link as link_settings

if TYPE_CHECKING:
    from appliance.device_view import DeviceView
    from appliance.network.facts import Fact
    from appliance.network.snapshot import NetworkSnapshot

FRAMING = "Even, 8, 1, None"
"""Parity, data bits, stop bits and flow control: EN 13757-2 section 5 leaves no choice."""

_FACTS = (
    ("BOOTP client", "bootp_client"),
    ("DHCP client", "dhcp_client"),
    ("IP address", "address"),
    ("Network mask", "mask"),
    ("Default gateway", "gateway"),
    ("Hostname", "hostname"),
    ("Domain", "domain"),
    ("DNS suffix search list", "search"),
    ("DHCP client ID", "dhcp_client_id"),
    ("Primary DNS", "primary_dns"),
    ("Secondary DNS", "secondary_dns"),
    ("Time servers", "time_servers"),
)


def version_lines(device: DeviceView) -> list[str]:
    """Write what this device is."""
    product = device.product
    last = device.journal.last
    return table(
        [
            ("Product type", product.type),
            ("Firmware version", product.version),
            ("Build date", product.build_date.isoformat() if product.build_date is not None else NONE),
            ("Serial number", product.serial_number or NONE),
            ("Board", product.board or NONE),
            ("Uptime", duration(device.uptime)),
            ("Last restart", last.why if last is not None else NONE),
            ("Permanent config", "Saved" if device.settings.is_saved else "Unsaved"),
        ]
    )


def status_lines(device: DeviceView) -> list[str]:
    """Write the status, as the home page has it."""
    network, line, tunnel = device.network_snapshot(), device.line.snapshot(), device.tunnel.snapshot()
    facts = network.current
    lines = ["Product information", *_indented(version_lines(device)), "Network settings"]
    lines += table(
        [
            ("Interface", network.interface or NONE),
            ("Link", _link(device, network)),
            ("MAC address", network.mac or NONE),
            ("Host", str(facts.hostname)),
            ("IP address", str(facts.address)),
            ("Network mask", str(facts.mask)),
            ("Default gateway", str(facts.gateway)),
            ("Domain", str(facts.domain)),
            ("Primary DNS", str(facts.primary_dns)),
            ("Secondary DNS", str(facts.secondary_dns)),
        ],
        indent="  ",
    )
    lines += ["Line settings", f"  Line 1: M-Bus, {line.baud}, {FRAMING}"]
    lines += [f"  {safe(branch.name)}: {safe(branch.fault or 'in use')}" for branch in line.branches if branch.url]
    lines += ["Tunneling", *table([("Connect mode", tunnel.connect_state), ("Accept mode", tunnel.state)], indent="  ")]
    panel = device.panel.snapshot() if device.panel is not None else None
    if panel is not None:
        lines.append("Front panel")
        lines += table(
            [(led.led.value, led.rhythm.name.lower().replace("_", " "), led.meaning) for led in panel.leds], indent="  "
        )
    troubles = [*network.troubles, *line.faults, *device.faults, *(panel.faults if panel is not None else ())]
    if troubles:
        lines += ["Faults", *(f"  {safe(trouble)}" for trouble in troubles)]
    return lines


def interface_lines(device: DeviceView) -> list[str]:
    """Write the network's facts, as they are and as they would be after a reboot."""
    network = device.network_snapshot()
    lines = table(
        [
            ("Interface", network.interface or NONE),
            ("Link", _link(device, network)),
            ("MAC address", network.mac or NONE),
        ]
    )
    if network.is_managed:
        after = facts_after_reboot(device.settings.after_reboot)
        rows = [(label, _fact(network.current, name), _fact(after, name)) for label, name in _FACTS]
        lines += ["", *table([("", "Current", "After reboot"), *rows])]
    else:
        lines += ["", *table([(label, _fact(network.current, name)) for label, name in _FACTS])]
        lines.append("The interface is only observed: these are the settings of the system.")
    return [*lines, *(safe(trouble) for trouble in network.troubles)]


def _fact(facts: object, name: str) -> str:
    fact: Fact = getattr(facts, name)
    return str(fact)


def _link(device: DeviceView, network: NetworkSnapshot) -> str:
    settings, modes = device.settings, network.link_modes
    wanted = f"{settings[link_settings.SPEED]} speed, {settings[link_settings.DUPLEX]} duplex"
    if network.has_carrier is False:
        found = "not connected"
    elif modes is not None and modes.speed is not None:
        found = f"{modes.speed} Mbit/s" + (f", {modes.duplex} duplex" if modes.duplex is not None else "")
    else:
        found = "connected" if network.has_carrier else "not known"
    return f"{wanted}: {found}" if network.is_managed else found


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
