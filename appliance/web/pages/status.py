"""Status, the home page: what this device is, and how it goes."""

from __future__ import annotations

from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

from flask import render_template

from appliance.network.facts import NONE, Fact
from appliance.panel.rhythm import Rhythm
from appliance.settings import link as link_settings
from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.frame import duration
from appliance.web.languages import N_, _, option_text
from appliance.web.live import LiveValue
from appliance.web.menu import Section, Tab
from appliance.web.row import Row

if TYPE_CHECKING:
    from appliance.network.kernel.link_modes import LinkModes
    from appliance.network.snapshot import NetworkSnapshot
    from appliance.panel.snapshot import LedSnapshot

section = Section(
    "status",
    __name__,
    label=N_("Status"),
    order=10,
    tabs=(Tab("show", N_("Status")), Tab("traffic", N_("Traffic"))),
)

FRAMING = "Even, 8, 1, None"
"""Parity, data bits, stop bits and flow control: EN 13757-2 section 5 leaves no choice."""


@section.get("/")
@reads
def show() -> str:
    """Show the page."""
    return render_template(
        "status.html",
        product=product_rows(),
        network=network_rows(context().network()),
        line=line_rows(),
        tunnel=tunnel_rows(),
        health=health_rows(),
        leds=[(value.key.removeprefix("panel.").upper(), value) for value in panel_values()],
    )


def product_rows() -> list[Row]:
    """Say what this device is."""
    device = context().device
    product = device.product
    return [
        Row(_("Product type"), product.type),
        Row(_("Firmware version"), product.version),
        Row(_("Build date"), product.build_date.isoformat() if product.build_date is not None else NONE),
        Row(_("Serial number"), product.serial_number or NONE),
        Row(_("Board"), product.board or NONE),
        Row(_("Uptime"), duration(device.uptime), live="status.uptime"),
        Row(_("Permanent config"), _("Saved") if device.settings.is_saved else _("Unsaved"), live="status.saved"),
    ]


def network_rows(network: NetworkSnapshot) -> list[Row]:
    """Say how the device is reached."""
    facts = network.current
    return [
        Row(_("Interface"), network.interface or NONE, live="status.interface"),
        Row(_("Link"), link_text(network), live="status.link"),
        Row(_("MAC address"), network.mac or NONE, live="status.mac"),
        Row.of(_("Host"), facts.hostname, live="status.host"),
        Row.of(_("IP address"), with_prefix(facts.address, facts.mask), live="status.address"),
        Row.of(_("Default gateway"), facts.gateway, live="status.gateway"),
        Row.of(_("Domain"), facts.domain, live="status.domain"),
        Row.of(_("Primary DNS"), facts.primary_dns, live="status.primary_dns"),
        Row.of(_("Secondary DNS"), facts.secondary_dns, live="status.secondary_dns"),
    ]


def with_prefix(address: Fact, mask: Fact) -> Fact:
    """Write an address with its mask: ``192.168.0.10/24``."""
    if not address.value or not mask.value:
        return address
    try:
        return Fact(IPv4Interface(f"{address.value}/{mask.value}").with_prefixlen, address.source)
    except ValueError:  # an observed system may have any
        return Fact(f"{address.value} {mask.value}", address.source)


def link_text(network: NetworkSnapshot) -> str:
    """Say what speed and duplex are configured, and what came of it."""
    settings = context().device.settings
    speed, duplex = settings[link_settings.SPEED], settings[link_settings.DUPLEX]
    parts = []
    if network.is_managed:
        shown_speed = option_text(link_settings.SPEED, speed) if speed is link_settings.Speed.AUTO else _mbit(speed)
        parts.append(f"{shown_speed} / {option_text(link_settings.DUPLEX, duplex)}")
    parts.append(_negotiated(network.link_modes, has_carrier=network.has_carrier))
    return ": ".join(parts)


def line_rows() -> list[Row]:
    """Say how the M-Bus is driven."""
    line = context().device.line.snapshot()
    rows = [Row(_("Line %(number)d") % {"number": 1}, f"M-Bus, {line.baud}, {FRAMING}", live="status.line_1")]
    ports = [branch for branch in line.branches if branch.url]
    rows += [
        Row(
            _(port.name),
            _(port.fault) if port.fault else _("in use"),
            note=port.url,
            is_bad=bool(port.fault),
            live=f"status.{port.name}",
        )
        for port in ports
    ]
    if not ports:
        rows.append(Row(_("State"), _("no serial port is configured"), is_bad=True))
    return rows


def tunnel_rows() -> list[Row]:
    """Say who uses the M-Bus over TCP."""
    tunnel = context().device.tunnel.snapshot()
    rows = [
        Row(_("Connect mode"), tunnel_state(tunnel.connect_state), live="status.connect_mode"),
        Row(_("Accept mode"), tunnel_state(tunnel.state), live="status.accept_mode"),
        Row(_("Local port"), str(tunnel.port) if tunnel.port else NONE, live="status.port"),
        Row(_("Clients"), str(len(tunnel.clients)), live="status.clients"),
    ]
    for number, client in enumerate(tunnel.clients, 1):
        notes = [_("TLS")] if client.is_secure else []
        notes += [_("has the bus")] if client.has_bus else []
        note = ", ".join([*notes, duration(client.seconds)])
        rows.append(Row(_("Client"), client.peer, note=note, live=f"status.client_{number}"))
    return rows


def tunnel_state(state: str) -> str:
    """Write a state of the tunnel: its first word in the visitor's language, the peer as it is."""
    for word, end in (("Connected", " "), ("No serial line", ": ")):
        if state.startswith(word + end):
            return f"{_(word)}{state.removeprefix(word)}"
    return _(state)


def health_rows() -> list[Row]:
    """Say what is wrong, and why the program last began anew."""
    device = context().device
    last = device.journal.last
    faults = [Row(_("Fault"), _(fault), is_bad=True) for fault in device.faults]
    return [
        *(faults or [Row(_("Faults"), NONE)]),
        Row(_("Last restart"), _(last.why) if last is not None else NONE),
    ]


def all_rows() -> list[Row]:
    """Give the rows of all tables of the page."""
    return [*product_rows(), *network_rows(context().network()), *line_rows(), *tunnel_rows(), *health_rows()]


def panel_values() -> list[LiveValue]:
    """Say how the LEDs are lit and why, under the key `panel.` with the LED's name in small letters."""
    panel = context().device.panel
    return [
        LiveValue(f"panel.{shown.led.lower()}", led_word(shown), note=_(shown.meaning), look=shown.rhythm.name.lower())
        for shown in (panel.snapshot().leds if panel is not None else ())
    ]


def led_word(shown: LedSnapshot) -> str:
    """Say how a LED is lit."""
    if shown.rhythm is Rhythm.OFF:
        return _("off")
    return _("on") if shown.rhythm is Rhythm.STEADY else _("blinking")


def _negotiated(modes: LinkModes | None, *, has_carrier: bool | None) -> str:
    if has_carrier is False or (modes is not None and modes.has_link is False):
        return _("no link")
    if modes is None or modes.speed is None:
        return _("connected") if has_carrier else _("unknown")
    duplex = f", {_duplex(modes)}" if modes.duplex is not None else ""
    return f"{_mbit(modes.speed)}{duplex}"


def _duplex(modes: LinkModes) -> str:
    return _("half duplex") if modes.duplex is link_settings.Duplex.HALF else _("full duplex")


def _mbit(speed: object) -> str:
    return _("%(speed)s Mbit/s") % {"speed": speed}
