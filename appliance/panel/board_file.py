"""Which function of the panel is on which GPIO: the board file."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.errors import UnreadableSettings, quoted
from appliance.settings.document import tables_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HIGHEST_GPIO = 27
"""The 40-pin header of a Raspberry Pi has GPIO0 to GPIO27 (BCM numbers)."""

UART = frozenset({14, 15})
"""GPIOs of the serial port that the M-Bus master hangs on."""

LARGEST = 64 * 1024
"""Bytes that a board file may have; the one that we ship has two thousand."""

NOT_FITTED = "none"


class Pull(StrEnum):
    """Resistor that the Pi puts on an input."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Output:
    """A GPIO that we drive; `active_high`: 3.3 V is on."""

    gpio: int
    active_high: bool = True


@dataclass(frozen=True, slots=True)
class Input:
    """A GPIO that we read; `active_high`: 3.3 V is pressed, or tripped."""

    gpio: int
    active_high: bool = False
    pull: Pull = Pull.UP


@dataclass(frozen=True, slots=True)
class PinMap:
    """Where everything is; None is not fitted. The values here are the built-in default.

    They suit a common M-Bus master HAT: serial port on GPIO14 and GPIO15, bus power on GPIO26. An input that is not
    connected reads as healthy.
    """

    power_led: Output | None = Output(17)
    error_led: Output | None = Output(27)
    link_led: Output | None = Output(22)
    activity_led: Output | None = Output(23)
    button: Input | None = Input(24)
    short_circuit: Input | None = Input(25)
    bus_power: Output | None = Output(26)


DEFAULT = PinMap()

FUNCTIONS = tuple(field.name for field in fields(PinMap))

_Pin = TypeVar("_Pin", bound=Output | Input)


def read_board_file(path: Path) -> tuple[PinMap, tuple[str, ...]]:
    """Read the board file at `path`; never raises.

    What can be read is used, the rest comes from the default. A file that is missing is the default without complaint.

    :returns: the pins, and a sentence for each mistake in the file, naming key and value.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        tables = tables_of(raw.decode()) if len(raw) <= LARGEST else None
    except FileNotFoundError:
        return DEFAULT, ()
    except (UnreadableSettings, UnicodeDecodeError) as error:
        return DEFAULT, (_unreadable(error.reason),)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        return DEFAULT, (_unreadable((error.strerror if isinstance(error, OSError) else None) or str(error)),)
    if tables is None:
        return DEFAULT, (_unreadable(f"larger than {LARGEST} bytes"),)
    reader = _Reader()
    return reader.read(tables), tuple(reader.complaints)


def _unreadable(reason: str) -> str:
    return f"board file: it cannot be read ({reason}); the default pins are used"


class _Reader:
    """Turns the tables of a board file into pins and collects what is wrong with them."""

    def __init__(self) -> None:
        self.complaints: list[str] = []

    def read(self, tables: Mapping[str, Any]) -> PinMap:
        for name, given in tables.items():
            if name not in FUNCTIONS:
                self._complain(name, given, f"the functions of the board are {', '.join(FUNCTIONS)}")
        pins: dict[str, Any] = {name: self._function(name, tables[name]) for name in FUNCTIONS if name in tables}
        return self._without_repetition(replace(DEFAULT, **pins))

    def _function(self, name: str, given: object) -> Output | Input | None:
        default: Output | Input = getattr(DEFAULT, name)
        if given == NOT_FITTED:
            return None
        if not isinstance(given, dict):
            self._complain(name, given, f'a table such as {{ gpio = {default.gpio} }}, or "{NOT_FITTED}"')
            return default
        return self._pin(name, given, default)

    def _pin(self, name: str, table: Mapping[str, object], default: _Pin) -> _Pin:
        known = tuple(field.name for field in fields(default))
        given: dict[str, Any] = {}
        for key, value in table.items():
            where = f"{name}.{key}"
            if key not in known:
                self._complain(where, value, f"the keys here are {', '.join(known)}")
            elif key == "gpio":
                if self._is_gpio(where, value):
                    given[key] = value
            elif key == "active_high":
                if isinstance(value, bool):
                    given[key] = value
                else:
                    self._complain(where, value, "true or false")
            elif isinstance(value, str) and value in tuple(Pull):
                given[key] = Pull(value)
            else:
                self._complain(where, value, f"one of {', '.join(map(quoted, Pull))}")
        return replace(default, **given)

    def _is_gpio(self, where: str, value: object) -> bool:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= HIGHEST_GPIO:
            self._complain(where, value, f"the header has GPIO 0 to {HIGHEST_GPIO}")
        elif value in UART:
            self._complain(where, value, "GPIO 14 and 15 are the serial port of the M-Bus")
        else:
            return True
        return False

    def _without_repetition(self, pins: PinMap) -> PinMap:
        owners: dict[int, str] = {}
        for name in FUNCTIONS:
            pin = getattr(pins, name)
            if pin is None:
                continue
            owner = owners.setdefault(pin.gpio, name)
            if owner != name:
                self._complain(f"{name}.gpio", pin.gpio, f"{owner} has it; {name} counts as not fitted")
                pins = replace(pins, **{name: None})
        return pins

    def _complain(self, where: str, value: object, allowed: str) -> None:
        # A key of a file is as untrusted as a value.
        self.complaints.append(f"board file: {quoted(where)[1:-1]} = {_shown(value)} is not allowed; {allowed}")


def _shown(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return quoted(hex(value) if value.bit_length() > 64 else str(value))[1:-1]  # Python writes no huge decimals
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else str(value)
