"""What the kernel counted on a serial port."""

from __future__ import annotations

import fcntl
import struct
import threading
from dataclasses import dataclass

_TIOCGICOUNT = 0x545D
# struct serial_icounter_struct of <linux/serial.h>: cts dsr rng dcd, rx tx frame overrun parity brk buf_overrun, spare.
_ICOUNTER = struct.Struct("20i")
_WRAP = 1 << 32


@dataclass(frozen=True, slots=True)
class PortStatistics:
    """Counts of one serial port since the start; `None` is *not available on this device*.

    Bytes are the kernel's where it counts them, else those that passed through this process.
    """

    rx_bytes: int = 0
    rx_breaks: int | None = None
    rx_parity_errors: int | None = None
    rx_framing_errors: int | None = None
    rx_overrun_errors: int | None = None
    rx_no_buffer_errors: int | None = None
    rx_queued: int | None = None
    tx_bytes: int = 0
    tx_breaks: int = 0
    """The gateway never sends a break."""
    tx_queued: int | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of the kernel's counters, or a sum of differences between readings."""

    rx: int = 0
    tx: int = 0
    frame: int = 0
    overrun: int = 0
    parity: int = 0
    brk: int = 0
    buf_overrun: int = 0

    def plus_since(self, last: _Reading, now: _Reading) -> _Reading:
        """Add what was counted from `last` to `now`; the kernel's counters are 32 bits wide and wrap."""
        return _Reading(
            *(
                getattr(self, name) + (getattr(now, name) - getattr(last, name)) % _WRAP
                for name in self.__slots__  # the fields, in order
            )
        )


def _read_counters(fd: int) -> _Reading | None:
    """Read the driver's interrupt counters; `None` where it has none (a pty, a socket) or is gone."""
    try:
        raw = fcntl.ioctl(fd, _TIOCGICOUNT, bytes(_ICOUNTER.size))
    except OSError:
        return None
    return _Reading(*_ICOUNTER.unpack(raw)[4:11])


def statistics_of(
    kernel: _Reading | None, received: int, transmitted: int, *, rx_queued: int | None, tx_queued: int | None
) -> PortStatistics:
    """Put the kernel's sums together with our own byte counts, which stand in where the kernel has none."""
    if kernel is None:
        return PortStatistics(rx_bytes=received, tx_bytes=transmitted, rx_queued=rx_queued, tx_queued=tx_queued)
    return PortStatistics(
        rx_bytes=kernel.rx,
        rx_breaks=kernel.brk,
        rx_parity_errors=kernel.parity,
        rx_framing_errors=kernel.frame,
        rx_overrun_errors=kernel.overrun,
        rx_no_buffer_errors=kernel.buf_overrun,
        rx_queued=rx_queued,
        tx_bytes=kernel.tx,
        tx_queued=tx_queued,
    )


class KernelCounters:
    """Sums a port's kernel counters over wrap-around and over a device that is unplugged and comes back.

    The driver counts from its own start, and a USB adapter from zero each time it is plugged in: only differences
    between readings of one open port are added up. A reading now and then (each page that shows them) is enough; the
    fastest counter wraps after 228 days at 2400 bit/s. Any thread may read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sum: _Reading | None = None
        self._last: _Reading | None = None

    def opened(self, fd: int) -> None:
        """Begin to count on a port that was just opened."""
        with self._lock:
            self._last = _read_counters(fd)
            if self._last is not None and self._sum is None:
                self._sum = _Reading()

    def read(self, fd: int | None) -> _Reading | None:
        """Give the sums now; those known last where the port is gone; `None` where it never counted."""
        with self._lock:
            if fd is not None and self._last is not None and self._sum is not None:
                now = _read_counters(fd)
                if now is not None:
                    self._sum = self._sum.plus_since(self._last, now)
                    self._last = now
            return self._sum
