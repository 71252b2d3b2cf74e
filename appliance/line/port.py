"""One physical serial port, opened by URL and used by descriptor."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import stat
import struct
import termios
import threading
from functools import partial
from typing import TYPE_CHECKING

import serial

from appliance.errors import LineError
from appliance.line.pump import Pump
from appliance.line.statistics import KernelCounters, PortStatistics, statistics_of

if TYPE_CHECKING:
    from collections.abc import Callable

_INT = struct.Struct("i")
_MOST_DISCARDS = 16
_PTY_SLAVE_MAJORS = range(136, 144)


def open_port(url: str, baud: int) -> Port:
    """Open `url` with the M-Bus settings 8E1 at `baud` bit/s.

    :param url: a device path, or any URL that pyserial knows: ``socket://host:port``, ``rfc2217://``, ``loop://``.
    :raises LineError: when it cannot be opened or cannot do 8E1; the text names the URL and the reason.
    """
    try:
        device = _open_device(url, baud)
    except (serial.SerialException, OSError, ValueError, termios.error) as error:
        raise LineError(f"cannot open {url}: {_reason(error)}") from error
    pump: Pump | None = None
    try:
        fd = device.fileno()
    except io.UnsupportedOperation:
        pump = Pump(device)
        fd = pump.fd
    return Port(url, device, fd, pump)


def _open_device(url: str, baud: int) -> serial.Serial:
    device = serial.serial_for_url(url, do_not_open=True)
    device.baudrate = baud
    device.bytesize = serial.EIGHTBITS
    device.stopbits = serial.STOPBITS_ONE
    # A pty carries bytes and no bits. The kernel drops the parity flag there, and the C library calls that EINVAL.
    device.parity = serial.PARITY_NONE if _is_pty(url) else serial.PARITY_EVEN
    device.timeout = 0
    if "://" not in url:
        device.exclusive = True
        # pyserial's way to ask for VMIN 1, VTIME 0: with VMIN 0 an empty read and a hang-up look alike.
        device.inter_byte_timeout = 0
    device.open()
    if "://" not in url and device.parity == serial.PARITY_EVEN and not _has_parity(device.fileno()):
        device.close()
        raise LineError("the device does no parity, and M-Bus needs 8E1 (a Pi's mini UART is such a one)")
    with contextlib.suppress(AttributeError, NotImplementedError, ValueError, OSError):
        # A USB adapter hands over at once what it received, where its driver can. Not every one can.
        device.set_low_latency_mode(True)
    return device


def _has_parity(fd: int) -> bool:
    flags: int = termios.tcgetattr(fd)[2]
    return bool(flags & termios.PARENB)


def _is_pty(path: str) -> bool:
    try:
        device = os.stat(path)  # noqa: PTH116 (the module speaks of descriptors and device numbers throughout)
    except OSError:
        return False
    return stat.S_ISCHR(device.st_mode) and os.major(device.st_rdev) in _PTY_SLAVE_MAJORS


def _reason(error: Exception) -> str:
    """Give the system's words for the error without pyserial's repetition of the path."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and not isinstance(error, LineError):
        return os.strerror(number)
    return str(error)


class Port:
    """An open serial port.

    One thread at a time reads, writes and closes it: whoever has the line in hand. `statistics` may
    be asked by any thread.
    """

    def __init__(self, url: str, device: serial.Serial, fd: int, pump: Pump | None) -> None:
        """Take over the open pyserial `device`, of which `fd` is polled and used directly."""
        self.url = url
        self.fd = fd
        self._device = device
        self._pump = pump
        self._is_tty = os.isatty(fd)
        self.has_wire = self._is_tty and not _is_pty(url)
        """Whether a real UART sets the pace, and its driver tells what is queued."""
        self._tells_output = self.has_wire or not self._is_tty
        self.jitter = 0.0 if self._is_tty else 0.1
        """Seconds by which a network between us and the wire may part the bytes of one frame."""
        # The system calls themselves: a frame of Python less for each, on the path of every byte.
        self.read: Callable[[int], bytes] = partial(os.read, fd)
        """Read what has arrived, at most so many bytes. BlockingIOError when nothing has; ``b""`` or another OSError
        when the device has vanished."""
        self.write: Callable[[bytes | bytearray], int] = partial(os.write, fd)
        """Hand bytes to the kernel and give the number that it took. BlockingIOError when it takes none, another
        OSError when the device has vanished."""
        self._closing = threading.Lock()
        self.is_open = True

    def set_baud(self, baud: int) -> None:
        """Change the speed at once.

        :raises LineError: when the device refuses it.
        """
        try:
            self._device.baudrate = baud
        except (serial.SerialException, OSError, ValueError, termios.error) as error:
            raise LineError(f"{self.url} refuses {baud} bit/s: {_reason(error)}") from error

    def discard_input(self) -> None:
        """Forget what was received and not yet read."""
        with contextlib.suppress(OSError, termios.error):
            if self._is_tty:
                termios.tcflush(self.fd, termios.TCIFLUSH)
            else:
                for _ in range(_MOST_DISCARDS):  # a far end that never pauses must not hold us
                    if not os.read(self.fd, 65536):
                        break

    def discard_output(self) -> None:
        """Forget what was written and not yet sent; impossible on a socket, which has left this machine's hands."""
        with contextlib.suppress(OSError, termios.error):
            if self._is_tty:
                termios.tcflush(self.fd, termios.TCOFLUSH)

    def queued_output(self) -> int:
        """Bytes that the kernel holds for the wire; 0 where the device cannot tell (a pty)."""
        return (self._queue(termios.TIOCOUTQ) or 0) if self._tells_output else 0

    def statistics(self, counters: KernelCounters, received: int, transmitted: int) -> PortStatistics:
        """Read the kernel's counters and queues, with our own byte counts where it has none."""
        with self._closing:
            kernel = counters.read(self.fd if self.is_open else None)
            rx_queued = self._queue(termios.FIONREAD) if self.is_open else None
            tx_queued = self._queue(termios.TIOCOUTQ) if self.is_open and self._tells_output else None
        return statistics_of(kernel, received, transmitted, rx_queued=rx_queued, tx_queued=tx_queued)

    def close(self) -> None:
        """Give the device back. Closing twice is harmless."""
        with self._closing:
            if not self.is_open:
                return
            self.is_open = False
            # What is still queued would hold the close for up to 30 s (the driver waits for the wire).
            self.discard_output()
            if self._pump is not None:
                self._pump.close()
            with contextlib.suppress(OSError, serial.SerialException, termios.error):
                self._device.close()

    def _queue(self, request: int) -> int | None:
        try:
            (count,) = _INT.unpack(fcntl.ioctl(self.fd, request, bytes(_INT.size)))
        except OSError:
            return None
        return int(count)
