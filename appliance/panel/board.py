"""The panel's hardware: LEDs, button, short-circuit input, bus power. gpiozero is known here and in mock_board alone.

A pin that fails is a sentence in `faults` and never an exception: the panel must not stop the gateway.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from appliance.panel.board_file import Input, Output, PinMap, Pull
from appliance.panel.snapshot import Led

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

_Spec = TypeVar("_Spec", Input, Output)


class Board(Protocol):
    """What the panel does with its hardware. Nothing here raises.

    `power_bus` may be called by any thread, everything else by one at a time.
    """

    def light(self, led: Led, on: bool) -> None:
        """Switch a LED."""

    def is_pressed(self) -> bool:
        """Whether the button's contact is closed now; it may bounce."""

    def has_short_circuit(self) -> bool:
        """Whether the level converter reports a short circuit or overload on the two wires."""

    def power_bus(self, on: bool) -> None:
        """Switch the supply of the two-wire bus, and with it that of the meters."""

    @property
    def is_bus_powered(self) -> bool:
        """Whether the two-wire bus is supplied; one without a switch always is."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, a sentence a pin."""

    def mend(self) -> None:
        """Try again to get what could not be had."""

    def close(self) -> None:
        """Turn the LEDs off and give the pins back; the bus stays supplied as far as the system lets it."""


class Terminal(ABC, Generic[_Spec]):
    """One function of the board on its pin, which may be missing or fail."""

    def __init__(self, title: str, spec: _Spec | None) -> None:
        self.spec: _Spec | None = spec
        self.where = f"{title} on GPIO{spec.gpio}" if spec is not None else title
        self.device: Any = None  # gpiozero has no types
        self.fault = ""
        self._logged: set[str] = set()

    @property
    def is_missing(self) -> bool:
        """Whether it should have a pin and has none."""
        return self.spec is not None and self.device is None

    def claim(self, factory: Any) -> bool:
        """Take the pin from gpiozero's `factory`; whether that worked."""
        if self.spec is None:
            return False
        try:
            self.device = self._make(self.spec, factory)
        except Exception as error:  # noqa: BLE001 (each pin library has errors of its own)
            self.fail(error)
            return False
        if self.fault:
            log.info("%s works again", self.where)
            self.fault = ""
        return True

    def fail(self, error: Exception) -> None:
        """Note that the pin is out of use; each kind of trouble is logged once."""
        device, self.device = self.device, None
        self.fault = f"{self.where}: {_reason(error)}"
        kind = type(error).__name__
        if kind not in self._logged:
            self._logged.add(kind)
            log.error("%s", self.fault)
        if device is not None:
            with contextlib.suppress(Exception):
                device.close()

    def close(self) -> None:
        """Give the pin back."""
        device, self.device = self.device, None
        if device is not None:
            with contextlib.suppress(Exception):
                device.close()

    @abstractmethod
    def _make(self, spec: _Spec, factory: Any) -> Any:
        """Take the pin; whatever the pin library raises comes through."""


class Switch(Terminal[Output]):
    """An output, written only when its state changes."""

    def __init__(self, title: str, spec: Output | None, *, on: bool = False) -> None:
        super().__init__(title, spec)
        self.is_on = on

    def _make(self, spec: Output, factory: Any) -> Any:
        # Here, for importing gpiozero takes a good part of the time that our own code takes to start.
        from gpiozero import DigitalOutputDevice

        return DigitalOutputDevice(
            spec.gpio, active_high=spec.active_high, initial_value=self.is_on, pin_factory=factory
        )


class Lamp(Switch):
    """A LED. Its own `blink` would start a thread; the panel's switches them all."""

    def _make(self, spec: Output, factory: Any) -> Any:
        from gpiozero import LED  # late: see Switch

        return LED(spec.gpio, active_high=spec.active_high, initial_value=self.is_on, pin_factory=factory)


class Sensor(Terminal[Input]):
    """An input, read when asked.

    Not one with events (DigitalInputDevice): each edge would wake a thread, and a long wire picks up edges without end.
    The pin itself is read, for gpiozero's devices tie the polarity to the pull.
    """

    def _make(self, spec: Input, factory: Any) -> Any:
        from gpiozero import InputDevice  # late: see Switch

        if spec.pull is Pull.NONE:
            device = InputDevice(spec.gpio, pull_up=None, active_state=True, pin_factory=factory)
        else:
            device = InputDevice(spec.gpio, pull_up=spec.pull is Pull.UP, pin_factory=factory)
        self._pin = device.pin
        return device

    def read(self) -> bool:
        """Read the pin: whether it is active; False when it cannot be read."""
        if self.spec is None or self.device is None:
            return False
        try:
            is_high = self._pin.state
        except Exception as error:  # noqa: BLE001 (each pin library has errors of its own)
            self.fail(error)
            return False
        return bool(is_high) is self.spec.active_high


class GpioBoard:
    """A board on the pins of a gpiozero factory.

    `open_factory` makes the factory; it may fail, and is asked again by `mend`. The bus is supplied from the moment
    its pin is had, so that a restart of the program interrupts the meters' supply as little as can be.
    """

    def __init__(self, pins: PinMap, open_factory: Callable[[], Any]) -> None:
        """Claim every pin of `pins`."""
        self.pins = pins
        self._open_factory = open_factory
        self._factory: Any = None
        self._factory_fault = ""
        self._lamps = {
            Led.POWER: Lamp("PWR LED", pins.power_led),
            Led.ERROR: Lamp("ERR LED", pins.error_led),
            Led.LINK: Lamp("LINK LED", pins.link_led),
            Led.ACTIVITY: Lamp("ACT LED", pins.activity_led),
        }
        self._button = Sensor("button", pins.button)
        self._short_circuit = Sensor("short-circuit input", pins.short_circuit)
        self._bus_power = Switch("bus power", pins.bus_power, on=True)
        self._terminals: tuple[Terminal[Any], ...] = (
            self._bus_power,
            *self._lamps.values(),
            self._button,
            self._short_circuit,
        )
        self._is_closed = False
        self.mend()

    def light(self, led: Led, on: bool) -> None:
        """Switch a LED."""
        self._switch(self._lamps[led], on)

    def is_pressed(self) -> bool:
        """Whether the button's contact is closed now."""
        return self._button.read()

    def has_short_circuit(self) -> bool:
        """Whether a short circuit is reported."""
        return self._short_circuit.read()

    def power_bus(self, on: bool) -> None:
        """Switch the supply of the two-wire bus (any thread)."""
        self._switch(self._bus_power, on)

    @property
    def is_bus_powered(self) -> bool:
        """Whether the bus is supplied, as far as can be told: not when the pin could not be had."""
        return self._bus_power.spec is None or (self._bus_power.device is not None and self._bus_power.is_on)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, a sentence a pin, or one for all when there is no GPIO at all."""
        if self._factory_fault:
            return (self._factory_fault,)
        return tuple(terminal.fault for terminal in self._terminals if terminal.fault)

    def mend(self) -> None:
        """Try again to get the pins that could not be had."""
        if self._is_closed or (self._factory is None and not self._has_factory()):
            return
        for terminal in self._terminals:
            if terminal.is_missing and terminal.claim(self._factory) and isinstance(terminal, Switch):
                self._write(terminal)  # what was wanted may have changed meanwhile

    def close(self) -> None:
        """Turn the LEDs off and give the pins back, the bus power as it is."""
        self._is_closed = True
        for lamp in self._lamps.values():
            self._switch(lamp, False)
        if self._bus_power.device is not None:
            # gpiozero makes an input of each pin that it closes, which would cut the meters' supply. Forgotten by the
            # factory, the pin goes back to the kernel as it is.
            self._factory.pins.pop(self._bus_power.device.pin.info, None)
        for terminal in self._terminals:
            if terminal is not self._bus_power:
                terminal.close()
        if self._factory is not None:
            with contextlib.suppress(Exception):
                self._factory.close()

    def _has_factory(self) -> bool:
        try:
            self._factory = self._open_factory()
        except Exception as error:  # noqa: BLE001 (each pin library has errors of its own)
            fault = f"no GPIO: {_reason(error)}; the panel is dark and the button dead"
            if fault != self._factory_fault:
                log.error("%s", fault)  # noqa: TRY400 (the way through the pin library tells nothing more)
            self._factory_fault = fault
            return False
        if self._factory_fault:
            log.info("the GPIO is there now")
            self._factory_fault = ""
        return True

    def _switch(self, switch: Switch, on: bool) -> None:
        if switch.is_on is not on:
            switch.is_on = on
            self._write(switch)

    def _write(self, switch: Switch) -> None:
        device = switch.device
        if device is None:
            return
        try:
            device.value = switch.is_on
        except Exception as error:  # noqa: BLE001 (each pin library has errors of its own)
            switch.fail(error)


def open_pi_board(pins: PinMap) -> Board:
    """Open the board of the Raspberry Pi that we run on.

    Elsewhere, or when its GPIO cannot be had, the board says so in `faults`, tries again when told to `mend`, and does
    nothing besides.
    """
    return GpioBoard(pins, _open_pi_gpio)


def _open_pi_gpio() -> Any:
    with _in_place():
        # Only here: it starts a thread and makes a FIFO. Named, for gpiozero's own choice would go on to libraries that
        # poke in the chip's memory.
        from gpiozero.pins.lgpio import LGPIOFactory

        return LGPIOFactory()


@contextlib.contextmanager
def _in_place() -> Iterator[None]:
    """Import lgpio inside: it makes its FIFO in the folder `LG_WD`, by default the current one, and stays there."""
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    os.environ.setdefault("LG_WD", runtime or tempfile.gettempdir())
    here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)


def _reason(error: Exception) -> str:
    """Say in a few words what a pin library complains about."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if len(text) > 1 and text[0] == text[-1] == "'":  # as lgpio gives them
        text = text[1:-1]
    return text.partition("\n")[0] or type(error).__name__
