"""One client of the tunnel."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.tunnel.connection import Connection
    from appliance.tunnel.poller import Poller

FLOODING = 10.0
"""Seconds of an unbroken jam on the line after which its sender has lost his claim to it.

An M-Bus frame has 261 bytes at most and is answered before the next: nobody who talks to meters fills the send
queue and keeps it full. Who does, and has perhaps left already with megabytes in the kernels in between, cannot be told
from a client that is present; it gives way as soon as somebody else wants the line.
"""


class Session:
    """What the tunnel knows of a client; a party of the bus lease."""

    in_background = False

    def __init__(self, connection: Connection, poller: Poller, on_lease: Callable[[Session], None]) -> None:
        """Begin with the client of `connection`; `on_lease` hears, from any thread, that it got the bus."""
        now = poller.now
        self.connection = connection
        self.fd = connection.fd
        self.is_open = True
        self.opened_at = now
        self.active_at = now
        """When a byte last went either way between this client and the line."""
        self.spoke_at = now
        """When the client's own last byte went to the line."""
        self.pending = bytearray()
        """Bytes from the line that the client's connection has not taken yet."""
        self.has_turn = False
        """Its bytes go to the line now: it has the bus, and the line has settled."""
        self.turn_at = now
        """When it got the turn."""
        self.is_waiting = False
        """It has sent bytes and waits for the bus."""
        self.is_paused = False
        """Its bytes are not read, because enough of them wait for the wire."""
        self.is_leaving = False
        """It has ended its side; what the meters still answer goes to it."""
        self.has_hung_up = False
        """Its FIN was seen, perhaps behind bytes that were not read."""
        self.jammed_since: float | None = None
        self._poller = poller
        self._on_lease = on_lease

    def __str__(self) -> str:
        return self.connection.peer

    def lease_granted(self) -> None:
        """Take note that the bus is this client's."""
        self._on_lease(self)

    def mind(self) -> None:
        """Wait for those events of the connection that matter to this client now."""
        if self.is_open:
            self._poller.change(self.fd, self.poll_mask)

    @property
    def poll_mask(self) -> int:
        """The events that matter to this client now."""
        mask = select.EPOLLOUT if self.pending else 0
        if self.is_leaving:
            return mask
        if not self.has_hung_up:
            mask |= select.EPOLLRDHUP
        if not self.is_paused and not self.is_waiting:
            mask |= select.EPOLLIN
        return mask

    def has_left(self) -> bool:
        """Look whether the client is gone, or has said its last word."""
        return self.is_leaving or self.has_hung_up or self.connection.has_left()

    def is_flooding(self, now: float) -> bool:
        """Whether it has kept the line jammed for longer than anybody who reads meters does."""
        return self.jammed_since is not None and now - self.jammed_since >= FLOODING
