"""A bus end that looks like a plain TCP gateway, for tools that open ``socket://``."""

from __future__ import annotations

import contextlib
import select
import socket

from appliance.errors import ListenError
from appliance.simulator.end import End

_HUNG_UP = select.POLLHUP | select.POLLERR | select.POLLNVAL


class TcpEnd(End):
    """Listens, and gives the bus to one client at a time; others are turned away."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, baud: int = 2400) -> None:
        """Prepare the end; port 0 takes a free one, `baud` is the speed of its UART."""
        super().__init__()
        self._wanted = (host, port)
        self._baud = baud
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self.port = 0
        """Where it listens, 0 while it does not."""

    def open(self) -> None:
        """Listen.

        :raises ListenError: when the port is taken or the address is not ours.
        """
        try:
            self._listener = socket.create_server(self._wanted, backlog=1)
        except OSError as error:
            host, port = self._wanted
            raise ListenError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]

    def close(self) -> None:
        """Drop the client and listen no longer."""
        self._drop_client()
        if self._listener:
            self._listener.close()
        self._listener = None
        self.port = 0

    def baud(self) -> int:
        """Return the speed that it was made for: a socket cannot tell one."""
        return self._baud

    def watched(self) -> dict[int, int]:
        """Return the listener, and the client: its bytes while the FIFO has room."""
        descriptors = {}
        # The client first: poll reports in this order, and one that hung up makes room for the next.
        if self._client:
            descriptors[self._client.fileno()] = select.POLLIN if self.room else 0
        if self._listener:
            descriptors[self._listener.fileno()] = select.POLLIN
        return descriptors

    def attend(self, descriptor: int, events: int) -> None:
        """Accept, or take bytes into the FIFO."""
        if self._listener and descriptor == self._listener.fileno():
            self._accept(self._listener)
        elif self._client and descriptor == self._client.fileno():
            self._read(self._client, events)

    def deliver(self, data: bytes) -> None:
        """Send to the client, if there is one; what it does not take is lost."""
        if self._client:
            try:
                self._client.send(data)
            except BlockingIOError:
                return
            except OSError:
                self._drop_client()

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:
            # It was gone before its turn.
            return
        if self._client:
            client.close()
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client

    def _read(self, client: socket.socket, events: int) -> None:
        if events & select.POLLIN and self.room:
            try:
                data = client.recv(self.room)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self.fifo += data
                return
        elif not events & _HUNG_UP:
            return
        self._drop_client()

    def _drop_client(self) -> None:
        self.fifo.clear()
        if self._client:
            with contextlib.suppress(OSError):
                self._client.close()
        self._client = None
