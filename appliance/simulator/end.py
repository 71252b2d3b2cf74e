"""An end of the bus: where a master puts bytes in and gets bytes out."""

from __future__ import annotations

from abc import ABC, abstractmethod

FIFO = 16
"""Bytes that a UART takes ahead of its shift register (the PL011 of a Raspberry Pi). More stay with the sender."""


class End(ABC):
    """A master's connection to the bus, with the transmit FIFO of its UART.

    Used by the bus thread alone, apart from `open` before it runs.
    """

    def __init__(self) -> None:
        """Begin closed."""
        self.fifo = bytearray()

    @abstractmethod
    def open(self) -> None:
        """Become reachable.

        :raises LineError, ListenError: when the system refuses.
        """

    @abstractmethod
    def close(self) -> None:
        """Vanish, and drop everything. Closing twice is no error."""

    @abstractmethod
    def baud(self) -> int:
        """Return the bit/s of the master's UART now; 0 when it is set to none."""

    @abstractmethod
    def watched(self) -> dict[int, int]:
        """Return the file descriptors to poll, with the events that matter now."""

    @abstractmethod
    def attend(self, descriptor: int, events: int) -> None:
        """React to what poll reported: fill the FIFO as far as there is room, and the like."""

    @abstractmethod
    def deliver(self, data: bytes) -> None:
        """Pass received characters to the master; those that it has no room for are lost."""

    @property
    def room(self) -> int:
        """Bytes that the FIFO can take."""
        return FIFO - len(self.fifo)
