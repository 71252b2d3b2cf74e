"""A host on a real wire: a namespace with one interface, its ARP socket, and the loop that a manager would have."""

from __future__ import annotations

import contextlib
import json
import select
import time
from typing import TYPE_CHECKING

from appliance.network.arp.arp_socket import ArpSocket
from tests.network.namespaces import namespace
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from ipaddress import IPv4Address

    from tests.network.arp.rig import Machine
    from tests.network.namespaces import Namespace

DEADLINE = 30.0

NAME = "m0"
"""What the interface of each host is called."""


class Station:
    """One host. Its machine may live faster than the rest of the world."""

    def __init__(self, host: Namespace, mac: str, *, speed: float = 1.0) -> None:
        self.host = host
        self.mac = mac
        self.events: list[object] = []
        self.machine: Machine | None = None
        self._speed = speed
        self._sockets = contextlib.ExitStack()
        self.socket = self.open()

    def open(self) -> ArpSocket:
        """Open a socket on the interface, in place of the one before."""
        self._sockets.close()
        [link] = json.loads(self.host.ip("-j", "link", "show", NAME))
        with self.host.entered():
            self.socket = self._sockets.enter_context(contextlib.closing(ArpSocket(link["ifindex"], self.mac)))
        return self.socket

    def run(self, machine: Machine, *addresses: IPv4Address) -> None:
        """Start a machine, and hear of these addresses."""
        self.machine = machine
        self.socket.watch(*addresses)
        machine.start(self.now)

    @property
    def now(self) -> float:
        return time.monotonic() * self._speed

    @property
    def due(self) -> float:
        """The next deadline, in seconds of the world."""
        return self.machine.due / self._speed if self.machine is not None else float("inf")

    def serve(self) -> None:
        """Come round once."""
        assert self.machine is not None
        for frame in self.socket.read():
            self.machine.receive(frame, self.now)
        self.machine.check(self.now)

    def close(self) -> None:
        self._sockets.close()


def serve(stations: Sequence[Station], until: Callable[[], object], what: str, *, seconds: float = DEADLINE) -> None:
    """Serve all until it is so."""
    end = time.monotonic() + seconds
    poll = select.poll()
    for station in stations:
        poll.register(station.socket, select.POLLIN)
    while not until():
        now = time.monotonic()
        assert now < end, f"waited for {what}; {[station.events for station in stations]}"
        poll.poll(max(0.0, min([end, now + 0.05, *(station.due for station in stations)]) - now) * 1000)
        for station in stations:
            station.serve()


@contextlib.contextmanager
def switch(*macs: str) -> Iterator[list[Namespace]]:
    """Make hosts whose interfaces have these MAC addresses, on one bridge."""
    with contextlib.ExitStack() as stack:
        middle = stack.enter_context(namespace())
        middle.ip_batch("link add br0 type bridge", "link set br0 up")
        hosts = []
        for number, mac in enumerate(macs):
            host = stack.enter_context(namespace())
            middle.ip_batch(
                f"link add p{number} type veth peer name {NAME} address {mac} netns {host.pid}",
                f"link set p{number} master br0 up",
            )
            host.ip_batch("link set lo up", f"link set {NAME} up")
            hosts.append(host)
        wait_until(lambda: _forwards(middle, len(hosts)), "the switch", 10.0)
        yield hosts


def _forwards(middle: Namespace, ports: int) -> bool:
    """Whether every port of the bridge carries frames; the kernel takes a moment, and drops them until then."""
    links = json.loads(middle.ip("-j", "-d", "link", "show", "master", "br0"))
    states = [(link["operstate"], link["linkinfo"]["info_slave_data"]["state"]) for link in links]
    return states == [("UP", "forwarding")] * ports
