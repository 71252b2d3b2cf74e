"""What the settings say about the network, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from appliance.settings import link as link_settings
from appliance.settings import network as declared

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Interface

    from appliance.settings import Values


class Method(StrEnum):
    """Where the address is to come from. AutoIP stands in whenever the method finds none."""

    DHCP = "DHCP"
    BOOTP = "BOOTP"
    STATIC = "Static"
    AUTOIP = "AutoIP"

    @property
    def asks_a_server(self) -> bool:
        """Whether a server supplies address, mask, gateway, hostname, domain and name servers."""
        return self in (Method.DHCP, Method.BOOTP)


@dataclass(frozen=True, slots=True)
class NetworkConfiguration:
    """The network's settings, as they are in force or as they will be after a reboot."""

    method: Method
    address: IPv4Interface | None
    gateway: IPv4Address | None
    hostname: str
    domain: str
    name_servers: tuple[IPv4Address, ...]
    client_id: bytes | None
    """DHCP option 61; None is the hardware address."""
    speed: link_settings.Speed
    duplex: link_settings.Duplex

    @classmethod
    def of(cls, values: Values) -> Self:
        """Gather the network's settings from `values`."""
        client_id = values[declared.DHCP_CLIENT_ID]
        return cls(
            method=method_of(values),
            address=values[declared.ADDRESS],
            gateway=values[declared.GATEWAY],
            hostname=values[declared.HOSTNAME],
            domain=values[declared.DOMAIN],
            name_servers=tuple(
                server for setting in (declared.DNS1, declared.DNS2) if (server := values[setting]) is not None
            ),
            client_id=client_id.octets if client_id is not None else None,
            speed=values[link_settings.SPEED],
            duplex=values[link_settings.DUPLEX],
        )


def method_of(values: Values) -> Method:
    """Tell where the address comes from: DHCP before BOOTP, and without either the fixed address if there is one."""
    if values[declared.DHCP]:
        return Method.DHCP
    if values[declared.BOOTP]:
        return Method.BOOTP
    return Method.STATIC if values[declared.ADDRESS] is not None else Method.AUTOIP
