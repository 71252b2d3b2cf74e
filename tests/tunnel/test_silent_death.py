"""A client whose cable is cut says nothing. Two hosts in namespaces of their own show it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.free_ports import ANY_PORTS
from tests.test_command_line import Running
from tests.tunnel.rig import FarEnd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATEWAY, CLIENT = "192.0.2.1", "192.0.2.2"

TALK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as client:
    client.sendall(b"?")
    print(client.recv(1).decode(), flush=True)
    sys.stdin.read()
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: S607 (wherever iproute2 is)


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    need(os.geteuid() == 0 and shutil.which("ip"), "network namespaces need root and iproute2")
    names = (f"cme-gw-{os.getpid()}", f"cme-amr-{os.getpid()}")
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", names[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", names[1])
        for name, address in zip(names, (GATEWAY, CLIENT), strict=True):
            ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)  # noqa: S607


class Talker:
    """A client in a namespace that asks once and then stays."""

    def __init__(self, host: str, port: str, address: str = GATEWAY) -> None:
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", host, sys.executable, "-c", TALK, address, port],  # noqa: S607
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def answer(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize(
    "settings",
    [
        ("tunnel.disconnect_timeout=1500",),
        ("tunnel.disconnect_timeout=0", "tunnel.keep_alive=1000"),
    ],
)
def test_a_client_whose_cable_is_cut_frees_the_port(
    hosts: tuple[str, str], tmp_path: Path, settings: tuple[str, ...]
) -> None:
    far = FarEnd(tmp_path / "line")
    flags = [*ANY_PORTS, *(word for setting in settings for word in ("--set", setting))]
    gateway = Running(
        "run", "--state", str(tmp_path), "--line", str(far.link), *flags, prefix=("ip", "netns", "exec", hosts[0])
    )
    talkers = []
    try:
        port = gateway.wait_for(r"tunnel on port (\d+)")[1]
        gateway.wait_for("is in use")
        talkers.append(Talker(hosts[1], port))
        assert far.read(1) == b"?"
        far.write(b"!")
        assert talkers[0].answer() == b"!"
        ip("-n", hosts[1], "link", "set", "eth0", "down")
        deadline = time.monotonic() + 20
        while True:
            # From the gateway's own host, for the cable is cut.
            talkers.append(Talker(hosts[0], port, "127.0.0.1"))
            if not far.is_quiet(1.0):
                break
            talkers[-1].end()
            assert time.monotonic() < deadline, gateway.output
        assert far.read(1) == b"?"
        far.write(b"!")
        assert talkers[-1].answer() == b"!"
        assert gateway.end() == 0
    finally:
        for talker in talkers:
            talker.end()
        gateway.kill()
        far.unplug()
