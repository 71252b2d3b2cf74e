"""A board without hardware: gpiozero's mock pins, and hands that press and short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.panel.board import GpioBoard
from appliance.panel.board_file import DEFAULT, PinMap

if TYPE_CHECKING:
    from appliance.panel.board import Sensor
    from appliance.panel.snapshot import Led


def mock_factory() -> Any:
    """Make a factory of mock pins that nobody else has."""
    # Here, for importing gpiozero takes a good part of the time that our own code takes to start.
    from gpiozero.pins.mock import MockFactory, MockPin

    return MockFactory(revision="c03111", pin_class=MockPin)


class SimulatedBoard(GpioBoard):
    """The board of a Pi 4 whose pins are in memory.

    What is not fitted or could not be claimed cannot be pressed: the hands then do nothing.
    """

    def __init__(self, pins: PinMap, factory: Any) -> None:
        """Put the board on the mock pins of `factory`."""
        self.factory = factory
        super().__init__(pins, lambda: factory)
        self.release()  # a pin without a pull rests at neither level
        self.short_circuit(False)

    def press(self) -> None:
        """Press the button and keep it pressed."""
        self._drive(self._button, active=True)

    def release(self) -> None:
        """Let the button go."""
        self._drive(self._button, active=False)

    def short_circuit(self, on: bool) -> None:
        """Short the two wires of the bus, or take the short away."""
        self._drive(self._short_circuit, active=on)

    def is_lit(self, led: Led) -> bool:
        """Whether the pin of `led` has the level that lights it; one that is not fitted never is."""
        lamp = self._lamps[led]
        device = lamp.device
        return lamp.spec is not None and device is not None and bool(device.pin.state) is lamp.spec.active_high

    @staticmethod
    def _drive(sensor: Sensor, *, active: bool) -> None:
        device = sensor.device
        if sensor.spec is None or device is None:
            return
        if active is sensor.spec.active_high:
            device.pin.drive_high()
        else:
            device.pin.drive_low()


def simulated_board(pins: PinMap = DEFAULT) -> SimulatedBoard:
    """Open a board that needs no hardware, for the simulated appliance and for tests."""
    return SimulatedBoard(pins, mock_factory())
