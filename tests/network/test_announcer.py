"""Announcing by multicast DNS, to avahi and to others of our own, in namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import time
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest

from appliance.network.announcer import Announcer, NameTaken
from tests.conftest import need
from tests.network.arp.rig import OURS, THEIRS
from tests.network.arp.station import NAME, switch
from tests.network.namespaces import Namespace, cable, namespace, need_namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 25.0
ALL = 3
"""ETH_P_ALL: also what goes out."""
MDNS = (5353).to_bytes(2)
RESPONSE = 0x80
"""RFC 1035, 4.1.1: QR."""
ADDRESSES = ("192.0.2.1", "192.0.2.2")


class Announcing:
    """The test's end of `tests.network.announcing`."""

    def __init__(self, host: Namespace) -> None:
        self._process = host.start_python("tests.network.announcing", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._unread = b""

    def tell(self, command: str, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([command, *words]).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            assert select.select([self._process.stdout], [], [], DEADLINE)[0], "no answer"
            part = os.read(self._process.stdout.fileno(), 65536)
            assert part, "it ended"
            self._unread += part
        line, self._unread = self._unread.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command: str, *words: object) -> Any:
        self.tell(command, *words)
        return self.answer()

    def announce(self, hostname: str, address: str) -> None:
        assert self.ask("announce", hostname, address, 10001, 80) < 0.5

    def becomes(self, name: str, fault: str = "") -> None:
        found = self.ask("until", name, fault)
        assert found[0] == name
        assert found[1].startswith(fault)


@pytest.fixture
def hosts() -> Iterator[list[Namespace]]:
    """Two hosts on a switch."""
    need_namespaces()
    with switch(OURS, THEIRS) as made:
        for host, address in zip(made, ADDRESSES, strict=True):
            host.ip("address", "add", f"{address}/24", "dev", NAME)
        yield made


@pytest.fixture
def avahi(hosts: list[Namespace], tmp_path: Path) -> Namespace:
    """The second host, with avahi on it."""
    for tool in ("avahi-daemon", "avahi-browse", "avahi-resolve", "dbus-daemon"):
        need(shutil.which(tool) or shutil.which(tool, path="/usr/sbin"), f"needs {tool}")
    host = hosts[1]
    host.run("mount", "-t", "tmpfs", "none", "/run")
    host.run("mkdir", "/run/dbus")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    host.start("dbus-daemon", "--system", "--nofork", "--nopidfile", **quiet)
    until(host, "test -S /run/dbus/system_bus_socket", lambda _: True)
    daemon = shutil.which("avahi-daemon") or shutil.which("avahi-daemon", path="/usr/sbin")
    configuration = tmp_path / "avahi.conf"
    configuration.write_text(f"[server]\nhost-name=peer\nallow-interfaces={NAME}\n")
    words = ("--no-drop-root", "--no-chroot", "--no-rlimits", f"--file={configuration}")
    host.start(str(daemon), *words, **quiet)
    until(host, "avahi-daemon --check", lambda _: True)
    return host


def until(host: Namespace, command: str, is_so: Any) -> str:
    """Run a command in a host until it ends well and its output is as wanted."""
    end = time.monotonic() + DEADLINE
    while True:
        done = subprocess.run(
            host._inside(("timeout", "3", "sh", "-c", command)), capture_output=True, text=True, check=False
        )
        if done.returncode == 0 and is_so(done.stdout):
            return done.stdout
        assert time.monotonic() < end, f"{command}: {done.stdout} {done.stderr}"
        time.sleep(0.05)


def test_avahi_finds_the_device_follows_it_and_hears_its_farewell(hosts: list[Namespace], avahi: Namespace) -> None:
    ours = Announcing(hosts[0])
    ours.announce("cme3000", ADDRESSES[0])
    ours.becomes("cme3000.local")
    found = until(avahi, "avahi-browse -artp", lambda text: text.count("=;") == 2)
    assert ";cme3000.local;192.0.2.1;80;" in found
    assert "_mbus._tcp;local;cme3000.local;192.0.2.1;10001;" in found
    # A network without a server: another address.
    hosts[0].ip("address", "flush", "dev", NAME)
    hosts[0].ip("address", "add", "169.254.7.7/16", "dev", NAME)
    ours.announce("cme3000", "169.254.7.7")
    until(
        avahi, "ip address replace 169.254.8.8/16 dev m0; avahi-resolve -4n cme3000.local", lambda t: "169.254.7.7" in t
    )
    ours.becomes("cme3000.local")
    assert ours.ask("stop")[0] < 1.5
    until(avahi, "avahi-browse -atp", lambda text: "cme3000" not in text)


def test_a_name_that_avahi_has_is_not_taken(hosts: list[Namespace], avahi: Namespace) -> None:
    avahi.run("avahi-set-host-name", "cme3000")
    until(avahi, "avahi-resolve -4n cme3000.local", lambda text: "192.0.2.2" in text)
    ours = Announcing(hosts[0])
    ours.announce("cme3000", ADDRESSES[0])
    ours.becomes("cme3000-2.local")


def test_two_devices_of_the_same_name_end_with_two(hosts: list[Namespace]) -> None:
    both = [Announcing(host) for host in hosts]
    for one in both:  # so that neither still has to import anything
        one.announce("", "192.0.2.99")
        one.becomes("", "The device cannot be announced")
    for one, address in zip(both, ADDRESSES, strict=True):
        one.tell("announce", "cme3000", address, 10001, 80)
    for one in both:
        one.answer()
    end = time.monotonic() + DEADLINE
    wanted = {"cme3000.local", "cme3000-2.local"}
    while {one.ask("until_any") for one in both} != wanted:
        assert time.monotonic() < end


def has_announced(host: socket.socket) -> None:
    """Wait until a multicast DNS response leaves the host."""
    end = time.monotonic() + DEADLINE
    while True:
        host.settimeout(max(0.01, end - time.monotonic()))
        frame, address = host.recvfrom(2048)
        # Behind 14 bytes of Ethernet and 20 of IPv4: the ports, and in the third byte of the message what it is.
        if address[2] == socket.PACKET_OUTGOING and frame[36:38] == MDNS and frame[44] & RESPONSE:
            return


def test_of_two_that_announce_the_same_name_at_the_same_moment_the_greater_keeps_it() -> None:
    need_namespaces()
    with contextlib.ExitStack() as stack:
        middle = stack.enter_context(namespace())
        middle.ip_batch("link add br0 type bridge mcast_snooping 0", "link set br0 up")
        both, outside = [], []
        for number, address in enumerate(ADDRESSES):
            host = stack.enter_context(namespace())
            cable(middle, f"p{number}", host, NAME)
            host.ip_batch("link set lo up", f"address add {address}/24 dev {NAME}")
            with host.entered():
                listener = stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)))
            listener.bind((NAME, ALL))
            outside.append(listener)
            both.append(Announcing(host))
        # The lesser announces its second service while the greater one still asks whether that is free.
        for one, delay in zip(both, (150, 250), strict=True):
            one.ask("delay", delay)
            one.announce("", "192.0.2.99")
            one.becomes("", "The device cannot be announced")
        for one, address in zip(both, ADDRESSES, strict=True):
            one.announce("cme3000", address)
        for listener in outside:
            has_announced(listener)
        for number in range(len(both)):
            middle.ip("link", "set", f"p{number}", "master", "br0")  # until now what came in was lost
        lesser, greater = both
        lesser.becomes("cme3000-2.local")
        greater.becomes("cme3000.local")


class Watching:
    """Finds what it is told to find, and when."""

    def __init__(self, *found: tuple[float, str]) -> None:
        self._found = [(seconds, IPv4Address(address).packed) for seconds, address in found]
        self._now = 0.0
        self.asked = 0

    async def next(self) -> bytes:
        self.asked += 1
        self._now, address = self._found.pop(0)
        asyncio.get_running_loop().time = lambda: self._now  # type: ignore[method-assign]  # the clock alone is a mock
        return address


class Updating:
    """Counts what is announced again."""

    def __init__(self) -> None:
        self.updates = 0

    async def async_update_service(self, _service: object) -> None:
        self.updates += 1


@pytest.mark.parametrize(
    ("found", "updates"),
    [
        ([(0, "192.0.2.9")], 0),
        ([(0, "192.0.2.1"), (0.1, "192.0.2.1"), (2.9, "192.0.2.1"), (3.1, "192.0.2.1")], 2),
        ([(0, "192.0.2.1"), (0.1, "192.0.2.9")], 2),
        ([(0, "192.0.2.1"), (9.9, "192.0.2.1")], 2),
        ([(0, "192.0.2.1"), (10.1, "192.0.2.1"), (10.2, "192.0.2.1"), (20.0, "192.0.2.1")], 4),
    ],
)
def test_of_two_that_took_a_name_at_once_the_greater_address_keeps_it_unless_the_other_insists(
    found: list[tuple[float, str]], updates: int
) -> None:
    watch, network, made = Watching(*found), Updating(), Announcer()
    with pytest.raises(NameTaken):
        asyncio.run(
            made._defend(network, ["http", "tunnel"], watch, IPv4Address("192.0.2.5").packed)  # type: ignore[arg-type]  # a stand-in for zeroconf
        )
    assert (watch.asked, network.updates) == (len(found), updates)


def test_an_address_that_is_not_there_yet_is_a_fault_and_heals(hosts: list[Namespace]) -> None:
    ours = Announcing(hosts[0])
    ours.announce("cme3000", "192.0.2.77")
    ours.becomes("", "The device cannot be announced: No such device.")
    hosts[0].ip("address", "add", "192.0.2.77/24", "dev", NAME)
    ours.becomes("cme3000.local")


def test_a_name_that_is_none_is_a_fault(hosts: list[Namespace]) -> None:
    ours = Announcing(hosts[0])
    ours.announce("a.b\n<script>", ADDRESSES[0])
    ours.becomes("", "The device cannot be announced: the host name is none")
    assert ours.ask("beat")


def test_an_interface_that_goes_stops_nothing_and_leaves_nothing(hosts: list[Namespace]) -> None:
    ours = Announcing(hosts[0])
    ours.announce("cme3000", ADDRESSES[0])
    ours.becomes("cme3000.local")
    hosts[0].ip("link", "del", NAME)
    assert ours.ask("beat")
    ours.ask("withdraw")
    ours.becomes("")
    seconds, threads, sockets = ours.ask("stop")
    assert seconds < 1.5
    assert (threads, sockets) == (1, 0)


def test_one_that_is_given_up_closes_its_sockets(hosts: list[Namespace]) -> None:
    ours = Announcing(hosts[0])
    ours.announce("cme3000", ADDRESSES[0])
    ours.becomes("cme3000.local")
    seconds, threads, sockets = ours.ask("abandon")
    assert seconds < 3.0
    assert (threads, sockets) == (1, 0)


@pytest.mark.parametrize("place", ["sending", "receiving", "between callbacks"])
def test_one_that_is_given_up_closes_its_sockets_wherever_it_was_struck(hosts: list[Namespace], place: str) -> None:
    ours = Announcing(hosts[0])
    ours.announce("cme3000", ADDRESSES[0])
    ours.becomes("cme3000.local")
    is_struck, seconds, threads, sockets = ours.ask("abandon_in", place)
    assert is_struck
    assert seconds < 3.0
    assert (threads, sockets) == (1, 0)


def test_many_changes_leave_no_socket(hosts: list[Namespace]) -> None:
    ours = Announcing(hosts[0])
    ours.announce("cme0", ADDRESSES[0])
    ours.becomes("cme0.local")
    before = ours.ask("sockets")
    for number in range(1, 6):
        ours.announce(f"cme{number}", ADDRESSES[0])
    ours.becomes("cme5.local")
    assert ours.ask("sockets") == before


def test_it_can_be_stopped_before_anything_was_announced() -> None:
    made = Announcer()
    made.start()
    made.wake()
    made.stop()
    assert made.failure is None
