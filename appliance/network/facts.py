"""What the network is like now and would be after a reboot: each value with where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from appliance.network.configuration import Method, NetworkConfiguration
from appliance.settings import network as declared

if TYPE_CHECKING:
    from appliance.network.binding import Binding
    from appliance.settings import Values

NONE = "<None>"


class Source(StrEnum):
    """Where a value came from."""

    DHCP = "DHCP"
    BOOTP = "BOOTP"
    STATIC = "Static"
    AUTOIP = "AutoIP"
    SYSTEM = "System"
    """Found there and not set by us: the interface is observed, not managed."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A value and its source."""

    value: str = ""
    """Empty where there is none."""
    source: Source | None = None

    def __str__(self) -> str:
        """Give it as the pages show it: `192.168.0.10/24 (Static)`, `<None>`."""
        if not self.value:
            return NONE
        return f"{self.value} ({self.source})" if self.source is not None else self.value


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """The rows of the network's status, each a fact."""

    bootp_client: Fact = field(default_factory=Fact)
    dhcp_client: Fact = field(default_factory=Fact)
    address: Fact = field(default_factory=Fact)
    """Without the mask."""
    mask: Fact = field(default_factory=Fact)
    gateway: Fact = field(default_factory=Fact)
    hostname: Fact = field(default_factory=Fact)
    domain: Fact = field(default_factory=Fact)
    search: Fact = field(default_factory=Fact)
    """The DNS suffix search list, separated by blanks."""
    dhcp_client_id: Fact = field(default_factory=Fact)
    primary_dns: Fact = field(default_factory=Fact)
    secondary_dns: Fact = field(default_factory=Fact)
    time_servers: Fact = field(default_factory=Fact)
    """Separated by blanks, the first to be asked first; those that a server named, for there is no setting."""


def facts_after_reboot(values: Values) -> NetworkFacts:
    """Tell what the network would be like after a reboot with the saved settings.

    A value that a server will supply reads `<DHCP>` or `<BOOTP>`; without one it would be that of AutoIP or the
    configured one.
    """
    configuration = NetworkConfiguration.of(values)
    method = configuration.method
    supplied = Fact(f"<{method}>") if method.asks_a_server else None
    address = configuration.address if method is Method.STATIC else None
    automatic = Fact(f"<{Method.AUTOIP}>")
    client_id = values[declared.DHCP_CLIENT_ID]
    servers = [Fact(str(server), Source.STATIC) for server in configuration.name_servers]
    by_server = [] if supplied is None else [supplied] * (2 - len(servers))
    primary, secondary = (*servers, *by_server, Fact(), Fact())[:2]
    return NetworkFacts(
        bootp_client=Fact(_switch(values[declared.BOOTP])),
        dhcp_client=Fact(_switch(values[declared.DHCP])),
        address=supplied or (_fixed(address.ip) if address is not None else automatic),
        mask=supplied or (_fixed(address.netmask) if address is not None else automatic),
        gateway=supplied or (_fixed(configuration.gateway) if address is not None else Fact()),
        hostname=supplied or _fixed(configuration.hostname),
        domain=supplied or _fixed(configuration.domain),
        search=supplied or Fact(),
        dhcp_client_id=Fact(declared.DHCP_CLIENT_ID.type.format(client_id) if client_id is not None else ""),
        primary_dns=primary,
        secondary_dns=secondary,
        time_servers=supplied or Fact(),
    )


def facts_of(values: Values, binding: Binding | None) -> NetworkFacts:
    """Tell what the network is like now, with the settings in force and the address in use."""
    configuration = NetworkConfiguration.of(values)
    client_id = values[declared.DHCP_CLIENT_ID]
    facts = NetworkFacts(
        bootp_client=Fact(_switch(values[declared.BOOTP])),
        dhcp_client=Fact(_switch(values[declared.DHCP])),
        hostname=_fixed(configuration.hostname),
        domain=_fixed(configuration.domain),
        dhcp_client_id=Fact(declared.DHCP_CLIENT_ID.type.format(client_id) if client_id is not None else ""),
    )
    if binding is None:
        return facts
    by = partial(_from, binding.source)
    own = set(configuration.name_servers)
    servers = [Fact(str(server), Source.STATIC if server in own else binding.source) for server in binding.name_servers]
    primary, secondary = (*servers, Fact(), Fact())[:2]
    return replace(
        facts,
        address=by(binding.address.ip),
        mask=by(binding.address.netmask),
        gateway=by(binding.gateway),
        hostname=by(binding.hostname) if binding.hostname else facts.hostname,
        domain=by(binding.domain) if binding.source in (Source.DHCP, Source.BOOTP) else facts.domain,
        search=by(" ".join(binding.search)),
        primary_dns=primary,
        secondary_dns=secondary,
        time_servers=by(" ".join(map(str, binding.time_servers))),
    )


def _from(source: Source, value: object) -> Fact:
    return Fact(str(value), source) if value else Fact()


def _switch(on: bool) -> str:
    return "On" if on else "Off"


def _fixed(value: object) -> Fact:
    return Fact(str(value), Source.STATIC) if value else Fact()
