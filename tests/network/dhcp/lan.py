"""A client on one end of a virtual cable, real DHCP and BOOTP servers on the other, and a clock that runs fast.

The client lives by a clock that goes `SPEED` times as fast as that of the world, so that a lease of two minutes, the
shortest that dnsmasq gives, is over in a second or so.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.network.dhcp.events import AddressOffered, Bound, Lost
from appliance.network.dhcp.packet_socket import DhcpSocket
from tests.conftest import need
from tests.network.namespaces import Namespace, cable, namespace, need_namespaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from appliance.network.dhcp.bootp import BootpClient
    from appliance.network.dhcp.client import DhcpClient
    from appliance.network.dhcp.events import Destination

DEADLINE = 10.0
SPEED = 120.0

E = TypeVar("E")


class Lan:
    """The cable, with our socket on its near end, and servers on its far end."""

    def __init__(self, here: Namespace, there: Namespace, folder: Path) -> None:
        self.here, self.there, self.folder = here, there, folder
        self.logs: list[Path] = []
        self.events: list[Any] = []
        self.received: list[bytes] = []
        """Everything that came to our port."""
        self.speed = SPEED
        self.accepts = True
        self.client: DhcpClient | BootpClient | None = None
        with here.entered():
            self.socket = DhcpSocket(socket.if_nametoindex("near"))
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as any_socket:
                any_socket.bind(("near", 0))
                self.mac: bytes = any_socket.getsockname()[4]
        self._began = time.monotonic()
        self._base = 1000.0

    # Time

    @property
    def now(self) -> float:
        return self._base + (time.monotonic() - self._began) * self.speed

    def leap(self, seconds: float) -> None:
        """Let time jump."""
        self._base += seconds

    # The client

    def adopt(self, make: Callable[..., Any], **more: Any) -> Any:
        """Make a client and have it driven from here."""
        made = make(mac=self.mac, send=self._send, on_event=self._event, random=random.Random(), **more)
        self.client = made
        return made

    def _send(self, data: bytes, destination: Destination) -> None:
        with self.here.entered():
            self.socket.send(data, destination)

    def _event(self, event: Any) -> None:
        self.events.append(event)
        if isinstance(event, AddressOffered) and self.accepts:
            assert self.client is not None
            self.client.accept(self.now)  # type: ignore[union-attr]  # only DHCP offers
        elif isinstance(event, Bound):  # as the network manager does it
            self.here.ip("address", "replace", str(event.lease.interface), "dev", "near")
        elif isinstance(event, Lost):
            self.here.ip("address", "flush", "dev", "near")

    def wait_for(self, kind: type[E], deadline: float = DEADLINE) -> E:
        """Drive the client until it tells of `kind`; what was told before that is dropped."""
        assert self.client is not None
        end = time.monotonic() + deadline
        while True:
            while self.events:
                event = self.events.pop(0)
                if isinstance(event, kind):
                    return event
            assert time.monotonic() < end, f"waited for {kind.__name__}; {self.told()}"
            self.turn(end - time.monotonic())

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Drive the client until `condition`."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"waited for {what}; {self.told()}"
            self.turn(0.02)

    def turn(self, most: float) -> None:
        """Come round once."""
        assert self.client is not None
        left = max(0.0, (self.client.due - self.now) / self.speed)
        if select.select([self.socket], [], [], min(left, max(0.0, most)))[0]:
            for datagram in self.socket.read():
                self.received.append(datagram.payload)
                self.client.receive(datagram.payload, self.now)
        self.client.check(self.now)

    def told(self) -> str:
        """What the servers have logged, for a failed test."""
        assert self.client is not None
        logs = "\n".join(log.read_text(errors="replace")[-3000:] for log in self.logs)
        return f"{self.client.ignored}, {self.socket.damaged} damaged\n{logs}"

    # Servers

    def dnsmasq(self, *words: str, address: str = "192.0.2.1/24") -> subprocess.Popen[bytes]:
        need(shutil.which("dnsmasq"), "needs dnsmasq")
        self.address(address)
        leases = f"--dhcp-leasefile={self.folder}/leases-{len(self.logs)}"
        basic = ("--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-ping", "--log-dhcp", "--user=root")
        where = ("--interface=far", "--pid-file=", "--log-facility=-", leases)
        return self._start("dnsmasq", *basic, *where, *words, ready="dnsmasq-dhcp")

    def dhcpd(self, text: str, *, address: str = "192.0.2.1/24") -> subprocess.Popen[bytes]:
        need(shutil.which("dhcpd"), "needs ISC dhcpd")
        self.address(address)
        number = len(self.logs)
        configuration, leases = self.folder / f"dhcpd-{number}.conf", self.folder / f"dhcpd-{number}.leases"
        configuration.write_text("ping-check off;\nddns-update-style none;\n" + text)
        leases.touch()
        files = ("-cf", str(configuration), "-lf", str(leases))
        return self._start("dhcpd", "-4", "-f", "-d", *files, "--no-pid", "far", ready="Server starting service")

    def address(self, address: str) -> None:
        self.there.ip("address", "replace", address, "dev", "far")

    def stop(self, server: subprocess.Popen[bytes]) -> None:
        server.kill()
        server.wait(DEADLINE)

    def log(self) -> str:
        return self.logs[-1].read_text(errors="replace")

    def _start(self, *words: str, ready: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"log-{len(self.logs)}"
        self.logs.append(log)
        with log.open("wb") as file:
            process = self.there.start(*words, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C"})
        end = time.monotonic() + DEADLINE
        while ready not in log.read_text(errors="replace"):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.01)
        return process


@contextlib.contextmanager
def lan(folder: Path) -> Iterator[Lan]:
    """Lay the cable for the length of a block."""
    need_namespaces()
    with namespace() as here, namespace() as there:
        cable(here, "near", there, "far")
        for end in (here, there):
            end.ip("link", "set", "lo", "up")
        made = Lan(here, there, folder)
        with contextlib.closing(made.socket):
            yield made
