"""A descriptor for serial URLs that have none."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import serial

if TYPE_CHECKING:
    from serial import Serial

_TURN = 0.2
"""Seconds after which a pump looks whether it shall end; pyserial's remote ports cannot be woken from outside."""
_END = 2.0


class Pump:
    """Moves bytes between a pyserial port without a descriptor (``rfc2217://``, ``loop://``) and a socket pair.

    Its `fd` behaves like a serial descriptor to a poll loop. Two threads, for these URLs alone: a local
    device never needs them.
    """

    def __init__(self, device: Serial) -> None:
        """Start moving bytes of the open `device`."""
        self._device = device
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.settimeout(_TURN)
        self._ending = threading.Event()
        device.timeout = _TURN
        self._threads = [
            threading.Thread(target=self._run, args=(move,), name=f"pump-{move.__name__}", daemon=True)
            for move in (self._receive, self._transmit)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def fd(self) -> int:
        """The descriptor to poll, read and write."""
        return self._near.fileno()

    def close(self) -> None:
        """End both threads and free the descriptor."""
        self._ending.set()
        for thread in self._threads:
            thread.join(_END)
        self._near.close()
        self._far.close()

    def _run(self, move: _Move) -> None:
        try:
            while not self._ending.is_set() and move():
                pass
        except (OSError, serial.SerialException):
            pass
        finally:
            # The poll loop sees end of file, as it does of a device that was unplugged.
            with contextlib.suppress(OSError):
                self._far.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> bool:
        data = self._device.read(max(1, self._device.in_waiting))
        while data and not self._ending.is_set():
            try:
                data = data[self._far.send(data) :]
            except TimeoutError:
                continue
        return True

    def _transmit(self) -> bool:
        try:
            data = self._far.recv(2048)
        except TimeoutError:
            return True
        if data:
            self._device.write(data)
        return bool(data)


if TYPE_CHECKING:
    from collections.abc import Callable

    _Move = Callable[[], bool]
