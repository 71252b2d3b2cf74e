"""What surrounds a simulated appliance on its bench, and what a hand can do to it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.bus import SimulatedBus
    from appliance.simulator.link import SimulatedLink


@dataclass(frozen=True, slots=True)
class Engaged:
    """What is out of order on purpose at this moment."""

    short_circuit: bool = False
    """The two wires touch."""
    link: bool = False
    """The network cable is pulled."""
    serial: bool = False
    """The serial adapter is pulled."""


class Bench:
    """The bus, the serial adapter and the network cable, each of which can be brought out of order.

    Methods may be called by any thread, one at a time.
    """

    def __init__(
        self, bus: SimulatedBus, link: SimulatedLink, *, on_short_circuit: Callable[[bool], None] = lambda _: None
    ) -> None:
        """Take `bus` and `link` in hand; `on_short_circuit` sets the input of the board that reports one."""
        self._bus = bus
        self._link = link
        self._on_short_circuit = on_short_circuit

    def engaged(self) -> Engaged:
        """Return what is out of order."""
        return Engaged(
            short_circuit=self._bus.faults.short_circuit,
            link=self._link.snapshot().has_carrier is False,
            serial=not self._bus.is_plugged,
        )

    def toggle_short_circuit(self) -> None:
        """Let the two wires of the bus touch, or part them again."""
        is_short = not self._bus.faults.short_circuit
        self._bus.faults.short_circuit = is_short
        self._bus.wake()
        self._on_short_circuit(is_short)

    def toggle_link(self) -> None:
        """Pull the network cable, or plug it in again."""
        self._link.toggle()

    def toggle_serial(self) -> None:
        """Pull the serial adapter, or plug it in again.

        :raises LineError: when it cannot come back.
        :raises ServiceError: when the bus does not run.
        """
        if self._bus.is_plugged:
            self._bus.unplug()
        else:
            self._bus.plug()

    def collide(self) -> None:
        """Have two meters talk at once.

        :raises ServiceError: when the bus does not run.
        """
        self._bus.collide()
