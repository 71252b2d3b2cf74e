"""A tunnel on a pty, the far end of the pty in the test's hands, and clients."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import time
import tty
from typing import TYPE_CHECKING

from appliance.line.keeper import LineKeeper
from appliance.line.line import Line
from appliance.settings import Settings
from appliance.tunnel.tunnel import Tunnel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from appliance.certificate import Certificate

DEADLINE = 10.0


def wait_until(condition: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    """Wait for something that has no event to wait on."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"waited {deadline} s for {what}"
        time.sleep(0.005)


class FarEnd:
    """The meters' end of a pty."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.master = self._slave = -1
        self.plug()

    def plug(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        with contextlib.suppress(FileNotFoundError):
            self.link.unlink()
        self.link.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        if self.master >= 0:
            self.link.unlink(missing_ok=True)
            os.close(self.master)
            os.close(self._slave)
            self.master = self._slave = -1

    def read(self, size: int, deadline: float = DEADLINE) -> bytes:
        """Read exactly `size` bytes."""
        data = b""
        end = time.monotonic() + deadline
        while len(data) < size:
            left = end - time.monotonic()
            assert left > 0, f"the line got {len(data)} of {size} bytes: {data[:80].hex(' ')}"
            if select.select([self.master], [], [], left)[0]:
                data += os.read(self.master, size - len(data))
        return data

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing reaches the line for a time."""
        return not select.select([self.master], [], [], seconds)[0]

    def fill(self) -> int:
        """Write until nothing more is taken, and count what was."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                count += os.write(self.master, bytes(4096))
        return count

    def write(self, data: bytes) -> None:
        """Speak as a meter does."""
        end = time.monotonic() + DEADLINE
        while data:
            assert time.monotonic() < end, "the gateway does not read the line"
            if select.select([], [self.master], [], 0.1)[1]:
                data = data[os.write(self.master, data) :]


class Client:
    """AMR software."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE)
        self.is_refused = False
        try:
            self.socket.connect((host, port))
        except ConnectionResetError:  # before connect has returned
            self.is_refused = True
        self.peer = ""
        with contextlib.suppress(OSError):
            self.peer = "{}:{}".format(*self.socket.getsockname()[:2])

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, f"closed after {len(data)} of {size} bytes: {data[:80].hex(' ')}"
            data += part
        return data

    def is_quiet(self, seconds: float) -> bool:
        return not select.select([self.socket], [], [], seconds)[0]

    def ending(self) -> str:
        """Wait for the end of the connection and say how it came: `fin` or `reset`."""
        try:
            data = b"" if self.is_refused else self.socket.recv(1)
        except ConnectionResetError:
            return "reset"
        assert not data, f"got {data!r}"
        return "reset" if self.is_refused else "fin"

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def finish(self) -> None:
        """Send the FIN and go on listening."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()


class Rig:
    """A running tunnel."""

    def __init__(self, folder: Path, *, certificate: Certificate | None = None, **settings: str) -> None:
        self.far = FarEnd(folder / "line")
        self.settings = Settings(folder / "state")
        self.settings.override(
            {
                "line.two_wire": str(self.far.link),
                "tunnel.port": "0",  # any that is free
                **{name.replace("__", "."): value for name, value in settings.items()},
            }
        )
        self.line = Line(self.settings)
        self.keeper = LineKeeper(self.line)
        self.tunnel = Tunnel(self.settings, self.line, host="127.0.0.1", certificate=certificate)
        self._clients: list[Client] = []

    @property
    def port(self) -> int:
        port = self.tunnel.snapshot().port
        assert port is not None
        return port

    def start(self) -> Rig:
        self.tunnel.listen()
        self.keeper.start()
        self.tunnel.start()
        wait_until(lambda: self.line.up, "the line")
        return self

    def client(self) -> Client:
        client = Client(self.port)
        self._clients.append(client)
        return client

    def connected(self) -> Client:
        """Give a client that the tunnel has taken in, with the turn to talk."""
        client = self.client()
        self.wait_for(lambda: any(c.peer == client.peer and c.has_bus for c in self.tunnel.snapshot().clients), "turn")
        return client

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        wait_until(condition, what)

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self.tunnel.stop()
        self.keeper.stop()
        self.line.close()
        self.far.unplug()


@contextlib.contextmanager
def running(folder: Path, **settings: str) -> Iterator[Rig]:
    """Run a tunnel with these settings (`__` stands for the dot)."""
    rig = Rig(folder, certificate=None, **settings)
    try:
        yield rig.start()
    finally:
        rig.stop()
