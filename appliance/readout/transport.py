"""How bytes get from the master to the wire and back."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Protocol

from appliance.errors import PortGoneError
from appliance.line.port import Port, open_port
from appliance.line.timing import UART_FIFO, character_time
from appliance.readout.timing import Timing

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

SERIAL_MARGIN = 0.010
"""Seconds that a serial driver may take to hand over a character."""
SERIAL_JITTER = 0.020
"""Seconds by which an adapter parts the characters of a frame: an FTDI hands over every 16 ms."""
NETWORK_MARGIN = 0.150
"""Seconds more that a request and its answer may be on their way through a network."""
_CHUNK = 4096
_LOOK_EVERY = 0.2
"""Seconds after which a wait looks whether it shall end."""


class Interrupted(Exception):  # noqa: N818 (no error: somebody wants us to end)
    """A wait was ended from outside."""


class Transport(Protocol):
    """A wire that one master uses."""

    @property
    def timing(self) -> Timing:
        """The waits of this wire at its present speed."""

    def now(self) -> float:
        """Seconds of the clock that everything here is told by."""

    def set_baud(self, baud: int) -> None:
        """Change the speed.

        :raises LineError: when the device refuses it.
        """

    def discard(self) -> bytes:
        """Take what arrived unasked: answers that came too late, noise."""

    def send(self, data: bytes) -> float:
        """Send, and give the moment when the last bit leaves.

        :raises LineError: when the device is gone.
        """

    def receive(self, until: float) -> bytes:
        """Wait for bytes until that moment; nothing when none came.

        :raises LineError: when the device is gone.
        """


class PortTransport:
    """A serial device or any URL that pyserial knows, opened for this master alone."""

    def __init__(
        self,
        url: str,
        baud: int,
        *,
        margin: float | None = None,
        stopping: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open `url`. `margin` (seconds) takes the place of what its kind of line commonly needs.

        Once `stopping` is set the wait under way, or else the next one, ends with `Interrupted`. Those after it do
        not, so that whoever ends can still end a selection.

        :raises LineError: when it cannot be opened.
        """
        self._port: Port = open_port(url, baud)
        self._clock = clock
        self._stopping = stopping
        network = "://" in url and not url.startswith("loop")
        self._margin = margin if margin is not None else NETWORK_MARGIN if network else SERIAL_MARGIN
        self._jitter = max(SERIAL_JITTER, self._port.jitter)
        self._poll = select.poll()
        self._poll.register(self._port.fd, select.POLLIN)
        self._timing = Timing(baud, self._margin, self._jitter)

    @property
    def timing(self) -> Timing:
        """The waits of this wire at its present speed."""
        return self._timing

    def now(self) -> float:
        """Seconds of the clock that everything here is told by."""
        return self._clock()

    def set_baud(self, baud: int) -> None:
        """Change the speed."""
        self._port.set_baud(baud)
        self._timing = Timing(baud, self._margin, self._jitter)

    def discard(self) -> bytes:
        """Take what arrived unasked."""
        data = b""
        while self._poll.poll(0) and len(data) < _CHUNK:
            data += self._read()
        return data

    def send(self, data: bytes) -> float:
        """Send, and give the moment when the last bit leaves."""
        began = self._clock()
        rest = data
        while rest:
            try:
                rest = rest[self._port.write(rest) :]
            except BlockingIOError:
                writable = select.poll()
                writable.register(self._port.fd, select.POLLOUT)
                if not writable.poll(1000 * character_time(self._timing.baud) * (len(rest) + UART_FIFO) + 1000):
                    raise PortGoneError(f"{self._port.url} takes no bytes") from None
            except OSError as error:
                raise PortGoneError(f"{self._port.url}: {error.strerror}") from error
        return began + self._timing.on_wire(len(data))

    def receive(self, until: float) -> bytes:
        """Wait for bytes until that moment; nothing when none came.

        :raises Interrupted: when this master is to end.
        """
        while True:
            if self._stopping is not None and self._stopping.is_set():
                self._stopping = None
                raise Interrupted
            wait = until - self._clock()
            # Poll counts in whole milliseconds and rounds up: late by less than one.
            if self._poll.poll(min(max(0.0, wait), _LOOK_EVERY) * 1000):
                data = self._read()
                if data:
                    return data
            elif wait <= _LOOK_EVERY:
                return b""

    def _read(self) -> bytes:
        try:
            data = self._port.read(_CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise PortGoneError(f"{self._port.url}: {error.strerror}") from error
        if not data:
            raise PortGoneError(f"{self._port.url}: device disconnected")
        return data

    def close(self) -> None:
        """Give the device back."""
        self._port.close()
