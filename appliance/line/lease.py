"""Who holds the bus."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Party(Protocol):
    """Somebody who wants the bus for himself: a TCP client, or the gateway's own readout."""

    @property
    def in_background(self) -> bool:
        """Whether it waits behind everybody who is not."""

    def lease_granted(self) -> None:
        """Hear that the bus is yours from now on. Called by whichever thread gave it up: only take note."""


class Lease:
    """The right to talk on the bus, held by one party at a time; others wait in order.

    A selected meter (secondary addressing, EN 13757-3) and the frame count bit are state kept in the
    meters, so the bus is lent for a conversation and not for one frame. Every method may be called by any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Party | None = None
        self._waiting: list[Party] = []
        self.on_change: Callable[[], None] = lambda: None
        """Called by the thread that freed the bus when it passed to another party, or to nobody; and by the thread of a
    party in the background that got a free one."""

    @property
    def holder(self) -> Party | None:
        """The party that has the bus; `None` when it is free."""
        return self._holder

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for it, so that the holder should end soon."""
        return bool(self._waiting)

    def ask(self, party: Party) -> bool:
        """Ask for the bus, and wait in line if another has it.

        :returns: whether `party` holds it now; if not, `Party.lease_granted` will tell.
        """
        with self._lock:
            if self._holder is None:
                self._holder = party
            elif self._holder is not party and party not in self._waiting:
                if party.in_background:
                    self._waiting.append(party)
                else:
                    foreground = sum(not other.in_background for other in self._waiting)
                    self._waiting.insert(foreground, party)
            has_it = self._holder is party
        if has_it and party.in_background:
            # Who has the ports in hand shall hear of it, and leave them.
            self.on_change()
        return has_it

    def give_up(self, party: Party) -> None:
        """Free the bus, or leave the queue. The next in line gets it and is told."""
        with self._lock:
            if party in self._waiting:
                self._waiting.remove(party)
            if self._holder is not party:
                return
            self._holder = self._waiting.pop(0) if self._waiting else None
            heir = self._holder
        if heir is not None:
            heir.lease_granted()
        self.on_change()

    def evict(self, is_gone: Callable[[Party], bool]) -> None:
        """Take the bus, and their places in the queue, from all parties of whom `is_gone` is true."""
        with self._lock:
            parties = [*([self._holder] if self._holder is not None else []), *self._waiting]
        for party in filter(is_gone, parties):
            self.give_up(party)
