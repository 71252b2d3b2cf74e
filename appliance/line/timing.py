"""How long things take on the wire, from the baud rate alone."""

from __future__ import annotations

BITS_PER_CHARACTER = 11
"""Start bit, eight data bits, even parity, stop bit (EN 13757-2, physical layer: 8E1)."""

LONGEST_FRAME = 261
"""Characters of the longest M-Bus frame: 4 of header, 255 of length L, checksum and stop (EN 13757-2, FT1.2)."""

UART_FIFO = 16
"""Characters that a PL011 or 16550 still holds when the kernel's transmit queue is empty."""


def character_time(baud: int) -> float:
    """Seconds that one character takes at `baud` bit/s."""
    return BITS_PER_CHARACTER / baud


def answer_window(baud: int) -> float:
    """Seconds within which a meter begins its answer: 330 bit times and 50 ms (EN 13757-2, link layer timing)."""
    return 330 / baud + 0.050


def silence(baud: int) -> float:
    """Seconds without a character after which an answer counts as ended.

    33 bit times of idle separate frames on the bus (EN 13757-2); 20 ms more cover a USB adapter that hands over
    what it received in lumps (an FTDI's latency timer is 16 ms).
    """
    return 33 / baud + 0.020
