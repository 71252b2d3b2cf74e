"""What can be wrong with a meter and with the bus."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """What is wrong with one meter."""

    NONE = "none"
    CHECKSUM = "checksum"
    """Every n-th answer has a wrong checksum (`Meter.fault_every`)."""
    MUTE = "mute"
    """Hears and obeys, but never answers."""
    LATE = "late"
    """Answers after the longest time that EN 13757-2 allows."""
    BABBLE = "babble"
    """Answers, and also sends junk unasked."""
    DEAD = "dead"
    """Neither hears nor answers."""


class BusFaults:
    """What is wrong with the bus. Set from any thread at any time."""

    def __init__(self) -> None:
        """Start with a healthy bus."""
        self.short_circuit = False
        """The two wires touch: the meters have no supply, and nothing passes either way."""
        self._noise = 0.0

    @property
    def noise(self) -> float:
        """Probability that a character is damaged or lost on its way, in either direction; 0 to 1."""
        return self._noise

    @noise.setter
    def noise(self, probability: float) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"noise {probability} is not a probability")
        self._noise = probability
