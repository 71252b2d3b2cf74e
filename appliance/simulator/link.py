"""The network cable of a simulated board: plugged or pulled by hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERFACE = "sim0"


@dataclass(frozen=True, slots=True)
class SimulatedLinkSnapshot:
    """State of the cable, in the words of the real link."""

    interface: str
    has_carrier: bool | None
    """Whether the far end is there; never None here, where a real interface may not tell."""
    frames: int
    """Frames to and from the interface so far; none pass here, the clients of a simulation come another way."""


class SimulatedLink:
    """A link that loses and finds its carrier when told to. Every method may be called by any thread."""

    def __init__(self, interface: str = _INTERFACE) -> None:
        """Begin with the cable plugged in; `interface` is the name that pages show."""
        self._interface = interface
        self._lock = threading.Lock()
        self._has_carrier = True
        self.on_change: Callable[[], None] = lambda: None
        """Called by the thread that pulled or plugged the cable, after it did."""

    def snapshot(self) -> SimulatedLinkSnapshot:
        """Return the state now."""
        return SimulatedLinkSnapshot(self._interface, self._has_carrier, 0)

    def frames(self) -> int:
        """Frames so far: none."""
        return 0

    def toggle(self) -> None:
        """Pull the cable, or plug it in again."""
        with self._lock:
            self._has_carrier = not self._has_carrier
        self.on_change()
