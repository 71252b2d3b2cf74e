"""What people asked for on the bus, in the order in which they did."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Orders:
    """Readouts and changes of primary addresses that wait; an order is there until it was carried out (any thread)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readouts: dict[int, None] = {}
        self._primaries: dict[int, int] = {}

    def read(self, keys: Iterable[int]) -> None:
        """Ask for readouts; one that waits already keeps its place."""
        with self._lock:
            for key in keys:
                self._readouts.setdefault(key)

    def set_primary(self, key: int, primary: int) -> None:
        """Ask for another primary address; the last word about a meter counts."""
        with self._lock:
            self._primaries[key] = primary

    @property
    def next_readout(self) -> int | None:
        """The meter whose readout waits longest."""
        with self._lock:
            return next(iter(self._readouts), None)

    @property
    def next_primary(self) -> tuple[int, int] | None:
        """The meter that waits longest for a primary address, and which."""
        with self._lock:
            return next(iter(self._primaries.items()), None)

    def is_waiting(self, key: int) -> bool:
        """Whether something was asked for of this meter."""
        return key in self._readouts or key in self._primaries

    def was_read(self, key: int) -> None:
        """Strike out a readout."""
        with self._lock:
            self._readouts.pop(key, None)

    def was_set(self, key: int, primary: int) -> None:
        """Strike out a change of address, unless another was asked for meanwhile."""
        with self._lock:
            if self._primaries.get(key) == primary:
                del self._primaries[key]

    def drop(self, keys: Iterable[int]) -> None:
        """Strike out all about these meters."""
        with self._lock:
            for key in keys:
                self._readouts.pop(key, None)
                self._primaries.pop(key, None)
