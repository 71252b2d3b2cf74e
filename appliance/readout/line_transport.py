"""The device's own line as a transport: taken under the lease, and given back between conversations."""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING

from appliance.errors import PortGoneError
from appliance.readout.timing import Timing
from appliance.readout.transport import SERIAL_JITTER, SERIAL_MARGIN, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.line.line import Line

_CHUNK = 4096
_LOOK_EVERY = 0.2
"""Seconds after which a wait looks whether it shall end."""


class LineTransport:
    """A party of the bus lease that waits behind every TCP client, and a transport while it has the bus.

    `take` waits for the bus and for the conversation before to be over; `is_wanted` says that somebody waits for it,
    so that the next `give_up` should come soon. Used by one thread, `lease_granted` apart.
    """

    in_background = True

    def __init__(self, line: Line, stopping: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        """Use `line`; every wait ends with `Interrupted` once `stopping` is set."""
        self._line = line
        self._stopping = stopping
        self._clock = clock
        self._changed = threading.Event()
        self._baud = line.baud
        line.on_left = self._changed.set

    def lease_granted(self) -> None:
        """Take note that the bus is ours; the ports come when the tunnel has left them."""
        self._changed.set()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for the bus."""
        return self._line.lease.is_wanted

    def take(self) -> None:
        """Wait until the bus is ours, its ports are left to us, and nobody talks.

        :raises Interrupted: when this party is to end; the place in the queue is given up.
        """
        line = self._line
        line.lease.ask(self)
        try:
            while line.left_to is not self:
                self._changed.wait(_LOOK_EVERY)
                self._changed.clear()
                self._mind_end()
            line.refresh()
            limit = max(self.now(), line.sent_at(self.now())) + line.longest_exchange
            while (settled := min(line.settled_at(self.now()), limit)) > self.now():
                self.receive(settled)
            line.discard_input()
        except BaseException:
            self.give_up()
            raise

    def give_up(self) -> None:
        """Let others have the bus, at the speed that the settings want."""
        if self._baud != self._line.baud:
            self.set_baud(self._line.baud)
        if self._line.left_to is self:
            # Lest we take them for left to us when we ask again, and the tunnel has just taken them back.
            self._line.left_to = None
        self._line.lease.give_up(self)

    def _mind_end(self) -> None:
        if self._stopping.is_set():
            raise Interrupted

    # The transport.

    @property
    def timing(self) -> Timing:
        """The waits of this wire at its present speed."""
        jitter = max((branch.in_use.jitter for branch in self._line.up), default=0.0)
        return Timing(self._baud, SERIAL_MARGIN + jitter, max(SERIAL_JITTER, jitter))

    def now(self) -> float:
        """Seconds of the clock that everything here is told by."""
        return self._clock()

    def set_baud(self, baud: int) -> None:
        """Change the speed until the bus is given up."""
        for branch in self._line.up:
            branch.in_use.set_baud(baud)
        self._baud = baud

    def discard(self) -> bytes:
        """Take what arrived unasked."""
        return self._read(0.0)

    def send(self, data: bytes) -> float:
        """Send on every branch, and give the moment when the last bit leaves."""
        if not self._line.up:
            raise PortGoneError("no serial line")
        now = self.now()
        self._line.write(data, now)
        return now + self.timing.on_wire(len(data))

    def receive(self, until: float) -> bytes:
        """Wait for bytes until that moment; nothing when none came."""
        while True:
            self._mind_end()
            wait = until - self.now()
            data = self._read(min(max(0.0, wait), _LOOK_EVERY))
            if data or wait <= _LOOK_EVERY:
                return data

    def _read(self, wait: float) -> bytes:
        line = self._line
        if not line.up:
            raise PortGoneError("no serial line")
        poll = select.poll()
        branches = {branch.in_use.fd: branch for branch in line.up}
        for fd in branches:
            poll.register(fd, select.POLLIN)
        return b"".join(line.read(branches[fd], _CHUNK, self.now()) for fd, _ in poll.poll(wait * 1000))
