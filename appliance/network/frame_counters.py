"""How many frames an interface has received and sent."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from appliance.network.interface import SYS_CLASS_NET

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("rx_packets", "tx_packets")

LONGEST_NUMBER = 32
"""Octets that are read of a counter: the 20 digits of a 64-bit number, a newline, and room."""


class FrameCounters:
    """Counts the frames of one interface, received and sent together, since it was followed first.

    The sum never falls: an interface that is replaced, or a driver that starts over at zero, only adds to it. The
    kernel's files stay open and are read in place, without the lock that a question over netlink would wait for
    (docs/decisions/link-watch.md). Every method may be called by any thread.
    """

    def __init__(self, sys_class_net: Path = SYS_CLASS_NET) -> None:
        """Follow nothing yet."""
        self._sys_class_net = sys_class_net
        self._lock = threading.Lock()
        self._descriptors: tuple[int, ...] = ()
        self._last = (0, 0)
        self._total = 0

    def follow(self, interface: str | None) -> None:
        """Count the frames of `interface` from now on; `None`, or one that is not there, leaves the sum as it is."""
        with self._lock:
            self._count()
            self._close()
            if interface is None:
                return
            descriptors: list[int] = []
            try:
                for name in FILES:
                    path = self._sys_class_net / interface / "statistics" / name
                    descriptors.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            except OSError:
                for descriptor in descriptors:
                    os.close(descriptor)
                return
            self._descriptors = tuple(descriptors)
            # Frames from before are no news.
            before = self._total
            self._last = (0, 0)
            self._count()
            self._total = before

    def total(self) -> int:
        """Give the frames counted so far. Takes some microseconds, and next to nothing while the interface is gone."""
        with self._lock:
            self._count()
            return self._total

    def close(self) -> None:
        """Follow nothing any more; the sum stays."""
        with self._lock:
            self._close()

    def _count(self) -> None:
        if not self._descriptors:
            return
        received, sent = self._descriptors
        try:
            now = (int(os.pread(received, LONGEST_NUMBER, 0)), int(os.pread(sent, LONGEST_NUMBER, 0)))
        except (OSError, ValueError):  # ENODEV: the interface is gone, and an open file never gets to its successor
            self._close()
            return
        self._total += sum(new - old if new >= old else new for new, old in zip(now, self._last, strict=True))
        self._last = now

    def _close(self) -> None:
        descriptors, self._descriptors = self._descriptors, ()
        for descriptor in descriptors:
            os.close(descriptor)
