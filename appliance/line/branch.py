"""One physical port of the line, whether or not its device is there."""

from __future__ import annotations

import errno
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.errors import LineError, PortGoneError
from appliance.line.port import Port, open_port
from appliance.line.statistics import KernelCounters, PortStatistics, statistics_of

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


def _not_open(_: Any) -> Any:
    raise PortGoneError(errno.ENODEV, os.strerror(errno.ENODEV))


@dataclass(frozen=True, slots=True)
class BranchSnapshot:
    """State of one physical port."""

    name: str
    url: str
    fault: str | None
    """Why it is not in use, in words; `None` while it works."""
    statistics: PortStatistics


class Branch:
    """A branch of the bus: the two-wire master, or the optical head.

    The line's keeper opens it (`open`); whoever has the line in hand takes the new port into use (`refresh`), writes,
    reads, and notices its loss.
    """

    def __init__(self, name: str, url: str) -> None:
        """Describe the port `name` at `url`; an empty URL is a port that the device does not have."""
        self.name = name
        self.port: Port | None = None
        self.read: Callable[[int], bytes] = _not_open
        self.write: Callable[[bytes], int] = _not_open
        """The open port's own, so that nothing stands between; an OSError while there is none."""
        self.pending = bytearray()
        self.fault: str | None = "not opened yet"
        self.url = url
        """Device path or URL; empty where the device has no such port."""
        self._arrived: Port | None = None
        self._counters = KernelCounters()
        self.received = 0
        """Bytes read so far; whoever reads the port counts them."""
        self.transmitted = 0
        """Bytes that the kernel took so far; whoever writes the port counts them."""

    @property
    def is_missing(self) -> bool:
        """Whether there is something to open that is not open."""
        return bool(self.url) and self._arrived is None and (self.port is None or self.port.url != self.url)

    @property
    def in_use(self) -> Port:
        """The open port of a branch that is up."""
        if self.port is None:
            raise PortGoneError(f"{self.name} port {self.url}: not open")
        return self.port

    def open(self, baud: int) -> bool:
        """Try to open the device (the keeper's thread).

        :returns: whether a port now waits to be taken into use.
        """
        try:
            port = open_port(self.url, baud)
        except LineError as error:
            if str(error) != self.fault:
                log.warning("%s port: %s", self.name, error)
            self.fault = str(error)
            return False
        self._arrived = port
        return True

    def refresh(self, baud: int) -> bool:
        """Take the port that was opened into use, and leave one whose URL has changed.

        :returns: whether anything changed.
        """
        changed = False
        if self.port is not None and self.port.url != self.url:
            log.info("%s port: %s given up", self.name, self.port.url)
            self._close(fault="not opened yet")
            changed = True
        arrived, self._arrived = self._arrived, None
        if arrived is not None and arrived.url == self.url and self.port is None:
            try:
                arrived.set_baud(baud)
            except LineError:
                arrived.close()
                raise
            self._counters.opened(arrived.fd)
            self.port, self.fault = arrived, None
            self.read, self.write = arrived.read, arrived.write
            log.info("%s port: %s is in use", self.name, self.url)
            changed = True
        elif arrived is not None:
            arrived.close()
        return changed

    def lose(self, reason: str) -> None:
        """Note that the device has vanished."""
        log.warning("%s port: %s", self.name, reason)
        self._close(fault=reason)

    def waiting(self) -> int:
        """Bytes kept here or in the kernel for the wire."""
        if self.port is None:
            return 0
        return len(self.pending) + self.port.queued_output()

    def line_errors(self) -> int:
        """Parity, framing, overrun and break errors so far; 0 where the device does not count them (any thread)."""
        port = self.port
        counted = self._counters.read(port.fd if port is not None else None)
        return 0 if counted is None else counted.parity + counted.frame + counted.overrun + counted.brk

    def snapshot(self) -> BranchSnapshot:
        """State and statistics (any thread)."""
        port = self.port
        if port is not None:
            statistics = port.statistics(self._counters, self.received, self.transmitted)
        else:
            kernel = self._counters.read(None)
            statistics = statistics_of(kernel, self.received, self.transmitted, rx_queued=None, tx_queued=None)
        return BranchSnapshot(self.name, self.url, self.fault, statistics)

    def close(self) -> None:
        """Give the devices back."""
        if self._arrived is not None:
            self._arrived.close()
            self._arrived = None
        self._close(fault="closed")

    def _close(self, fault: str) -> None:
        port, self.port = self.port, None
        self.read = self.write = _not_open
        self.fault = fault
        self.pending.clear()
        if port is not None:
            port.close()
