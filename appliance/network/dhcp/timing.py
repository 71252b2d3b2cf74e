"""How long the clients wait, and until when a lease may be used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from appliance.network.dhcp.lease import Lease

FIRST_WAIT, LONGEST_WAIT, JITTER = 4.0, 64.0, 1.0
"""Seconds until the first repetition, the longest between two, and what is added or taken away (RFC 2131, 4.1)."""

CONFIRMATIONS = 2
"""Times that a server is asked about a known address, 4 s apart, before any server is asked for any address."""

SELECTIONS = 3
"""Times that an offered address is asked for: with 4, 8 and 16 s for the answer."""

USER_RENEWALS = 3
"""Times that the user's renewal is sent before the lease goes on as it was."""

SHORTEST_RENEWAL_WAIT = 60.0
"""Seconds between two requests for the same renewal, at least (RFC 2131, 4.4.5)."""

DECLINE_WAIT = 10.0
"""Seconds of silence after a conflict, at least (RFC 2131, 3.1)."""

IMPATIENCE = 1.0
"""Seconds within which a second wish of the user for the same is not followed."""

FUZZ = 0.05
"""Part of T1 and T2 by which devices that were switched on together differ (RFC 2131, 4.4.5)."""


def wait_before_repetition(tries: int, generator: random.Random) -> float:
    """Give the seconds to wait for an answer after sending for the `tries`-th time, counted from 1."""
    wait = min(FIRST_WAIT * 2.0 ** min(tries - 1, 10), LONGEST_WAIT)
    return wait + generator.uniform(-JITTER, JITTER)


@dataclass(frozen=True, slots=True)
class Term:
    """When a lease is renewed and when it ends, monotonic seconds; infinity for never."""

    t1: float = math.inf
    t2: float = math.inf
    expiry: float = math.inf

    @classmethod
    def of(cls, lease: Lease, asked: float, generator: random.Random) -> Term:
        """Count from the moment when it was `asked` for; T1 and T2 come a little early, differently each time."""
        if lease.duration is None or lease.t1 is None or lease.t2 is None:
            return cls()
        part = 1.0 - generator.uniform(0.0, FUZZ)
        return cls(asked + lease.t1 * part, asked + lease.t2 * part, asked + lease.duration)

    def next_renewal(self, now: float, *, to_all: bool) -> float:
        """Give the moment for the next request after one sent `now`: half of what is left, a minute at least."""
        end = self.expiry if to_all else self.t2
        at = now + max((end - now) / 2, SHORTEST_RENEWAL_WAIT)
        return at if to_all else min(at, end)
