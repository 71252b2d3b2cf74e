"""What stands around the gateway: the board with its LEDs, and the network's link. Real, simulated, or absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.panel.board import Board


class LinkState(Protocol):
    """State of a network link."""

    @property
    def has_carrier(self) -> bool | None:
        """Whether it is connected to something that is alive; None when that is not known."""


class Link(Protocol):
    """A network link. Methods may be called by any thread."""

    on_change: Callable[[], None]
    """Called by any thread when the state has changed."""

    def snapshot(self) -> LinkState:
        """State now."""

    def frames(self) -> int:
        """Frames received and sent so far; cheap, and never falls."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """The parts that differ from one kind of device to another."""

    new_link: Callable[[], Link]
    """Gives the link. One that is a service is started and supervised, and asked for anew when it fails."""
    board: Board | None = None
    """None is a device without a front panel. Whoever opened it closes it."""
    line_errors: Callable[[], int] = lambda: 0
    """Line errors that the serial ports themselves do not count."""
    manages_network: bool = False
    """Whether the link's interface is ours to configure; else it is only shown."""
    update_bus: str = ""
    """Address of the D-Bus at which RAUC installs firmware; empty where there are no slots for firmware."""
    faults: tuple[str, ...] = ()
    """What was found wrong with it at the start, a sentence each."""
