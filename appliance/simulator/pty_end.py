"""A bus end that looks like a serial port: the slave side of a pty is what the gateway opens.

Facts of Linux ptys that this file rests on: the master side reads the slave side's termios; in packet mode (TIOCPKT)
each read begins with a status byte, and a tcflush of the output by the gateway shows as TIOCPKT_FLUSHWRITE, with
POLLPRI; that flush does not reach bytes that already wait in the master's read buffer; parity cannot be had.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import select
import struct
import termios
import tty
from typing import TYPE_CHECKING

from appliance.errors import LineError
from appliance.simulator.end import FIFO, End

if TYPE_CHECKING:
    from pathlib import Path

_TIOCPKT_FLUSHWRITE = 2

_SPEEDS = {
    getattr(termios, f"B{rate}"): rate for rate in (0, 300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}
_OUTPUT_SPEED = 5


class PtyEnd(End):
    """A pty whose device path is the line of a gateway; with a `link` that path stays the same over unplugging."""

    def __init__(self, link: Path | None = None) -> None:
        """Prepare the end; `link` is where the symbolic link to the device goes."""
        super().__init__()
        self._link = link
        self._master = -1
        self._slave = -1
        self._device = ""
        self.overruns = 0
        """Received characters that were lost because nobody read them."""

    @property
    def path(self) -> str:
        """What a gateway opens: the link if there is one, else the device, empty while closed."""
        return str(self._link) if self._link else self._device

    @property
    def is_open(self) -> bool:
        """Whether the device exists."""
        return self._master >= 0

    def open(self) -> None:
        """Make the device, raw and at 2400 bit/s as a gateway finds it.

        :raises LineError: when there is no pty to be had or the link cannot be made.
        """
        try:
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            settings = termios.tcgetattr(self._slave)
            settings[4] = settings[_OUTPUT_SPEED] = termios.B2400
            termios.tcsetattr(self._slave, termios.TCSANOW, settings)
            fcntl.ioctl(self._master, termios.TIOCPKT, struct.pack("i", 1))
            os.set_blocking(self._master, False)
            self._device = os.ttyname(self._slave)
            if self._link:
                self._point_link(self._link)
        except OSError as error:
            self.close()
            raise LineError(f"cannot make a pty for the simulated line: {error}") from error

    def close(self) -> None:
        """Hang up. The slave side goes too: it was held open so that a gateway that closes it leaves it intact."""
        if self._link and self._device:
            with contextlib.suppress(FileNotFoundError):
                self._link.unlink()
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self._slave = -1
        self._device = ""
        self.fifo.clear()

    def baud(self) -> int:
        """Return the bit/s that the gateway set on the device."""
        if not self.is_open:
            return 0
        return _SPEEDS.get(termios.tcgetattr(self._master)[_OUTPUT_SPEED], 0)

    def watched(self) -> dict[int, int]:
        """Return the pty: flushes always, bytes while the FIFO has room."""
        if not self.is_open:
            return {}
        return {self._master: select.POLLPRI | (select.POLLIN if self.room else 0)}

    def attend(self, descriptor: int, events: int) -> None:
        """Take bytes into the FIFO, and forget them again when the gateway flushed."""
        if not events & (select.POLLPRI | select.POLLIN):
            return
        with contextlib.suppress(BlockingIOError):
            # A status byte comes alone and before any data, so a read of one byte more than there is room loses none.
            packet = os.read(descriptor, 1 + self.room)
            if packet[0] == 0:
                self.fifo += packet[1:]
            elif packet[0] & _TIOCPKT_FLUSHWRITE:
                self._discard()

    def deliver(self, data: bytes) -> None:
        """Write to the device; what it has no room for is lost, as in a UART that overruns."""
        if not self.is_open:
            return
        try:
            taken = os.write(self._master, data)
        except BlockingIOError:
            taken = 0
        self.overruns += len(data) - taken

    def _point_link(self, link: Path) -> None:
        fresh = link.with_name(f".{link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self._device)
        fresh.replace(link)

    def _discard(self) -> None:
        # With room in the FIFO it had taken everything that was written before the flush, so what waits now came
        # after it. With a full FIFO what waits is older than the flush, for all that can be told.
        if len(self.fifo) == FIFO:
            waiting = array.array("i", [0])
            fcntl.ioctl(self._master, termios.FIONREAD, waiting)
            if waiting[0]:
                os.read(self._master, 1 + waiting[0])
        self.fifo.clear()
