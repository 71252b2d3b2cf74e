"""What the keys of the terminal do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Action = Callable[[], None]
"""Called in the panel's thread, so it must return soon. An `ApplianceError` of it is logged, and no more."""


@dataclass(frozen=True, slots=True)
class Actions:
    """What whoever wires the panel lets it do."""

    press: Action
    """Press the button and keep it pressed."""
    release: Action
    """Let the button go."""
    toggle_short_circuit: Action
    """Let the two wires of the bus touch, or part them again."""
    toggle_link: Action
    """Pull or plug the network cable."""
    toggle_serial: Action
    """Pull or plug the serial adapter."""
    collide: Action
    """Make a burst of line errors."""
    identify: Action
    """Let all LEDs say where this device is."""
    quit: Action
    """End the program."""
