"""The network manager on a virtual cable, measured from the inside; `benchmark.network` starts it.

It expects a network and a mount namespace of its own, and makes another one for the far end of the cable. Prints one
JSON object of figures.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.network.link_watch import LinkWatch
from appliance.network.manager import NetworkManager
from appliance.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE = 40.0
PULL = 3.0

# Connects and sends a byte ten times a second.
TALKER = """
import socket, sys, time
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as line:
    while True:
        line.sendall(b"x")
        time.sleep(0.1)
"""


class FarEnd:
    """The other end of the cable, in a namespace of its own, with a DHCP server."""

    def __init__(self, folder: Path) -> None:
        """Lay the cable."""
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 600"], stdout=-1)  # noqa: S607 (util-linux)
        assert self._holder.stdout is not None  # noqa: S101 (asked for)
        self._holder.stdout.readline()
        _run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(self._holder.pid))
        self.ip("address", "add", "192.0.2.1/24", "dev", "far")
        self.ip("link", "set", "far", "up")
        words = "--no-daemon --conf-file=/dev/null --port=0 --interface=far --bind-interfaces --no-ping --user=root"
        leases = f"--dhcp-leasefile={folder / 'leases'}"
        scope = "--dhcp-range=192.0.2.100,192.0.2.110,255.255.255.0,1h"
        self._server = self.start("dnsmasq", *words.split(), leases, scope, "--dhcp-authoritative")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program there."""
        entry = ["nsenter", f"--target={self._holder.pid}", "--net", "--"]
        return subprocess.Popen([*entry, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 (named here)

    def ip(self, *words: str) -> None:
        """Run `ip` there."""
        _run("nsenter", f"--target={self._holder.pid}", "--net", "--", "ip", *words)

    def close(self) -> None:
        """End what runs there."""
        for process in (self._server, self._holder):
            process.kill()
            process.wait()


@contextlib.contextmanager
def manager(folder: Path, **texts: str) -> Iterator[tuple[NetworkManager, LinkWatch, float]]:
    """Run a manager; with it comes when it was started."""
    settings = Settings(folder)
    settings.override({f"network.{name}": text for name, text in texts.items()})
    began = time.monotonic()
    link = LinkWatch("near")
    managed = NetworkManager(settings, link=link.snapshot, state=folder, resolv_conf=folder / "resolv.conf")
    link.on_change = managed.wake
    link.start()
    managed.start()
    try:
        yield managed, link, began
    finally:
        managed.stop()
        link.stop()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait, with short sleeps that leave the interpreter to the manager."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.002)


def to_address(check: str) -> float:
    """Seconds from the start to an address by DHCP."""
    _run("ip", "address", "flush", "dev", "near")
    with tempfile.TemporaryDirectory() as folder, manager(Path(folder), address_check=check) as (managed, _, began):
        wait_for(lambda: managed.snapshot().current.address.source == "DHCP")
        return time.monotonic() - began


def idle_and_pull(far: FarEnd, seconds: float) -> tuple[float, float]:
    """Processor time of both threads while nothing happens; and how long a connection was silent after a pull."""
    with tempfile.TemporaryDirectory() as folder, manager(Path(folder), address_check="off") as (managed, link, _):
        wait_for(lambda: managed.snapshot().current.address.source == "DHCP")
        time.sleep(4.0)  # the announcements are over
        threads = [managed.thread.native_id, link.thread.native_id]
        before = sum(map(_processor_time, threads))
        time.sleep(seconds)
        used = (sum(map(_processor_time, threads)) - before) * 10.0 / seconds
        with socket.create_server((managed.snapshot().current.address.value, 0)) as listener:
            host, port = listener.getsockname()
            talker = far.start(sys.executable, "-c", TALKER, host, str(port))
            try:
                listener.settimeout(DEADLINE)
                line, _peer = listener.accept()
                with line:
                    line.settimeout(DEADLINE)
                    line.recv(64)
                    far.ip("link", "set", "far", "down")
                    wait_for(lambda: managed.snapshot().has_carrier is False)
                    time.sleep(PULL)
                    line.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        while line.recv(4096):
                            pass
                    line.settimeout(DEADLINE)
                    far.ip("link", "set", "far", "up")
                    back = time.monotonic()
                    if not line.recv(64):
                        raise ConnectionError
                    return used, time.monotonic() - back
            finally:
                talker.kill()
                talker.wait()


def _processor_time(thread: int | None) -> float:
    """Milliseconds so far."""
    return int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[0]) / 1e6


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603 (named by the callers here)


def main() -> None:
    """Measure and print."""
    if shutil.which("dnsmasq") is None:
        sys.exit("dnsmasq is not installed")
    is_quick = "--quick" in sys.argv
    _run("mount", "-t", "sysfs", "sysfs", "/sys")
    _run("ip", "link", "set", "lo", "up")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, contextlib.closing(FarEnd(Path(folder))) as far:
        figures = {check: to_address(check) for check in ("off", "quick", "full")}
        figures["idle"], figures["pull"] = idle_and_pull(far, 3.0 if is_quick else 10.0)
    print(json.dumps(figures))  # noqa: T201 (what it is for)


if __name__ == "__main__":
    main()
