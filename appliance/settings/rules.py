"""Rules that hold between settings."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from appliance.settings import console, http, network, tunnel
from appliance.settings.setting import Setting
from appliance.settings.values import Values


class Violation(NamedTuple):
    """Values that do not go together: the settings at fault, and what would be right."""

    settings: tuple[Setting[Any], ...]
    allowed: str


def _ports_in_use(values: Values) -> Iterator[Setting[int]]:
    if values[tunnel.ACCEPT_MODE] is not tunnel.AcceptMode.DISABLED:
        yield tunnel.PORT
        yield tunnel.TLS_PORT
    if values[http.ENABLED]:
        yield http.PORT
        if values[http.TLS_1_2] or values[http.TLS_1_3]:
            yield http.HTTPS_PORT
    if values[console.ENABLED]:
        yield console.PORT


def _one_service_a_port(values: Values) -> Iterator[Violation]:
    owners: dict[int, Setting[int]] = {}
    for setting in _ports_in_use(values):
        port = values[setting]
        if not port:  # off, or any free one
            continue
        owner = owners.setdefault(port, setting)
        if owner is not setting:
            yield Violation((setting, owner), f"{setting.name} and {owner.name} need different ports")


def _gateway_in_network(values: Values) -> Iterator[Violation]:
    gateway, interface = values[network.GATEWAY], values[network.ADDRESS]
    if gateway is None or interface is None or values[network.DHCP] or values[network.BOOTP]:
        return
    subnet = interface.network
    if gateway not in subnet or gateway in (interface.ip, subnet.network_address, subnet.broadcast_address):
        yield Violation(
            (network.GATEWAY, network.ADDRESS),
            f"{network.GATEWAY.name} must be another host in the network {subnet} of {network.ADDRESS.name}",
        )


def violations(values: Values) -> tuple[Violation, ...]:
    """Find every rule that `values` break."""
    return (*_one_service_a_port(values), *_gateway_in_network(values))
