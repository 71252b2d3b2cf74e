"""State of the network, as one value for whoever displays it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.network.facts import NetworkFacts

if TYPE_CHECKING:
    from appliance.network.kernel.link_modes import LinkModes


@dataclass(frozen=True, slots=True)
class NetworkSnapshot:
    """State of the network, for pages and console."""

    interface: str | None = None
    mac: str = ""
    has_carrier: bool | None = None
    link_modes: LinkModes | None = None
    """What the port does; None where nobody knows."""
    current: NetworkFacts = field(default_factory=NetworkFacts)
    troubles: tuple[str, ...] = ()
    """What is wrong or worth a warning, a sentence each."""
    lease_ends_at: float | None = None
    """Seconds of the wall clock; None without an address that expires."""
    is_managed: bool = True
    """Whether the interface is ours to configure, and not only observed."""
