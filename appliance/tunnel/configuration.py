"""What the settings say about the tunnel, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Self

from appliance.ports import Wanted
from appliance.settings import tunnel as declared

if TYPE_CHECKING:
    from appliance.settings import Values


@dataclass(frozen=True, slots=True)
class TunnelConfiguration:
    """The tunnel's settings in force."""

    is_enabled: bool
    port: int
    tls_port: int
    """0 is off."""
    keep_alive: int
    """Milliseconds; 0 is off."""
    idle_timeout: float
    """Seconds; 0 is never."""
    policy: declared.AcceptPolicy
    lease_quiet: float
    """Seconds; 0 is reckoned from the baud rate."""
    allowed: tuple[IPv4Network | IPv6Network, ...]
    """Empty is everybody."""

    @classmethod
    def of(cls, values: Values) -> Self:
        """Gather the tunnel's settings from `values`."""
        return cls(
            is_enabled=values[declared.ACCEPT_MODE] is declared.AcceptMode.ALWAYS,
            port=values[declared.PORT],
            tls_port=values[declared.TLS_PORT],
            keep_alive=values[declared.KEEP_ALIVE],
            idle_timeout=values[declared.DISCONNECT_TIMEOUT] / 1000,
            policy=values[declared.POLICY],
            lease_quiet=values[declared.LEASE_QUIET] / 1000,
            allowed=values[declared.ALLOW],
        )

    def allows(self, host: str) -> bool:
        """Whether a client from the address `host` may connect."""
        if not self.allowed:
            return True
        address = ip_address(host.split("%", 1)[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:
            address = mapped
        return any(address in network for network in self.allowed if network.version == address.version)


def wants(values: Values) -> Wanted:
    """Say which ports the tunnel is to have. Asking for the one under TLS is asking for a certificate too."""
    configuration = TunnelConfiguration.of(values)
    return Wanted(
        plain=configuration.port if configuration.is_enabled else None,
        secure=configuration.tls_port or None if configuration.is_enabled else None,
        plain_setting=declared.PORT,
        secure_setting=declared.TLS_PORT,
        makes_certificate=True,
    )
