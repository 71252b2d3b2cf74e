"""The whole device in the test's process: simulated board, pty line, the loopback interface as its link."""

from __future__ import annotations

import contextlib
import http.client
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from appliance.device import Device
from appliance.hardware import Hardware
from appliance.network.link_watch import LinkWatch
from appliance.panel.mock_board import simulated_board
from appliance.settings import Settings
from appliance.supervision.journal import RestartJournal
from appliance.supervision.reboot import RestartProgram
from tests.tunnel.rig import DEADLINE, Client, FarEnd, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from appliance.service import Service
    from appliance.supervision.supervisor import Verdict


class Appliance:
    """A device under supervision, in a thread of its own where the program has its main thread."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        interface: str = "lo",
        manages_network: bool = False,
    ) -> None:
        self.far = FarEnd(folder / "line")
        self.settings = Settings(folder / "state")
        self.settings.override(
            {
                "line.two_wire": str(self.far.link),
                "tunnel.port": "0",  # any that is free
                "http.port": "0",
                "console.port": "0",
                **(settings or {}),
            }
        )
        self.board = simulated_board()
        self.journal = RestartJournal(folder / "state")
        self.journal.begin()
        self.stopping = threading.Event()
        self.rebooter = RestartProgram(self.stopping.set)
        self.feeds = 0
        self.verdict: Verdict | None = None
        self.device = Device(
            self.settings,
            hardware=Hardware(new_link=lambda: LinkWatch(interface), board=self.board, manages_network=manages_network),
            journal=self.journal,
            rebooter=self.rebooter,
            state=folder / "state",
            host="127.0.0.1",
            feed=self._feed,
        )
        self._main = threading.Thread(target=self._supervise, name="main of the appliance")
        self._clients: list[Client] = []

    def _feed(self) -> None:
        self.feeds += 1

    def _supervise(self) -> None:
        self.verdict = self.device.supervise(self.stopping)

    def start(self) -> None:
        self.device.start(must_listen=True)
        self._main.start()
        self.wait_for(lambda: self.device.line.up, "the line")

    def wait_for(self, condition: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
        wait_until(condition, what, deadline)

    def await_end(self) -> None:
        self._main.join(60)
        assert not self._main.is_alive()

    def service(self, name: str) -> Service:
        """Give the service of that name that there is now."""
        found = next(ward.service for ward in self.device.supervisor._wards if ward.name == name)
        assert found is not None
        return found

    def restarts(self, name: str) -> int:
        return next(ward.restarts for ward in self.device.supervisor.snapshot() if ward.name == name)

    def client(self) -> Client:
        """Connect a client and wait until it has the turn to talk."""
        port = self.device.tunnel.snapshot().port
        assert port is not None
        client = Client(port)
        self._clients.append(client)
        self.wait_for(
            lambda: any(c.peer == client.peer and c.has_bus for c in self.device.tunnel.snapshot().clients), "turn"
        )
        return client

    def exchange(self, client: Client) -> None:
        """Ask a meter and be answered."""
        client.send(b"\x10\x40\x01\x41\x16")
        assert self.far.read(5) == b"\x10\x40\x01\x41\x16"
        self.far.write(b"\xe5")
        assert client.read(1) == b"\xe5"

    def asks_for_login(self) -> bool:
        """Ask for the home page; say whether the device asks for a login."""
        web = self.device.http
        assert web is not None
        connection = http.client.HTTPConnection("127.0.0.1", web.snapshot().http_port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/")
            return connection.getresponse().status == HTTPStatus.UNAUTHORIZED

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self.stopping.set()
        if self._main.ident is not None:
            self.await_end()
        self.device.stop()
        self.board.close()
        self.far.unplug()


@contextlib.contextmanager
def running(folder: Path, **settings: str) -> Iterator[Appliance]:
    """Run a device with these settings (`__` stands for the dot)."""
    appliance = Appliance(folder, {name.replace("__", "."): text for name, text in settings.items()})
    try:
        appliance.start()
        yield appliance
    finally:
        appliance.stop()
