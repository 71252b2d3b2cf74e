"""The states of the DHCP client (RFC 2131, figure 5)."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """What the client is doing. Whether it has an address meanwhile, `DhcpClient.lease` tells."""

    STOPPED = "switched off"
    INIT = "waiting before it asks"
    SELECTING = "looking for a server"
    REQUESTING = "asking for the address offered"
    CHECKING = "waiting to hear whether the address is free"
    BOUND = "has a lease"
    RENEWING = "asking its server to renew the lease"
    REBINDING = "asking any server to renew the lease"
    REBOOTING = "asking whether the address known from before is still its own"
