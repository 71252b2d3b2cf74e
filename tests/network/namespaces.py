"""Networks of the tests' own, which leave nothing behind.

A namespace belongs to a process that ends with the test, however the test ends: nothing has a name in /run/netns, and
the machine's own interfaces are never touched. It has its own network and /sys; /proc/sys/net follows by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import need

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 10.0

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3

ROOT = Path(__file__).parents[2]

UNSHARE = ("unshare", "--net", "--mount", "--propagation", "private", "--")
HOLD = "mount -t sysfs none /sys && echo {ipv6} >/proc/sys/net/ipv6/conf/default/disable_ipv6 && echo ready && exec cat"


def need_namespaces() -> None:
    """Skip the test where namespaces cannot be made."""
    need(os.geteuid() == 0, "needs root, for network namespaces")
    for tool in ("ip", "unshare", "nsenter", "setpriv"):
        need(shutil.which(tool), f"needs {tool}")
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, check=False)
    need(tried.returncode == 0, f"needs network namespaces: {tried.stderr.decode(errors='replace')}")


class Namespace:
    """One network namespace, and the programs that run in it."""

    def __init__(self, *, ipv6: bool = False) -> None:
        """Make it, without an interface; without `ipv6` its interfaces do not talk by themselves."""
        script = HOLD.format(ipv6=int(not ipv6))
        self._holder = subprocess.Popen(
            [*UNSHARE, "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._started: list[subprocess.Popen[bytes]] = []
        assert self._holder.stdout is not None
        is_answered, _, _ = select.select([self._holder.stdout], [], [], DEADLINE)
        if not is_answered or self._holder.stdout.readline() != b"ready\n":
            self.close()
            raise AssertionError("the namespace was not made")
        self.pid = self._holder.pid
        """What `ip link ... netns` wants to move an interface here."""

    def run(self, *words: str, text: str = "") -> str:
        """Run a program to its end and give what it printed."""
        done = subprocess.run(
            self._inside(words), input=text, capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def ip(self, *words: str) -> str:
        """Run `ip`."""
        return self.run("ip", *words)

    def ip_batch(self, *commands: str) -> None:
        """Run many commands of `ip` in one process."""
        self.run("ip", "-batch", "-", text="\n".join(commands) + "\n")

    def start(self, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start a program (arguments as of `Popen`); it ends with the namespace at the latest."""
        process = subprocess.Popen(self._inside(words), **more)
        self._started.append(process)
        return process

    def start_python(self, module: str, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start one of the repository's modules as a program."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return self.start(sys.executable, "-m", module, *words, env=environment, **more)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Take the calling thread's network into the namespace: sockets made meanwhile stay there.

        Threads started meanwhile stay there too. /sys does not follow; a program started with `start` sees its own.
        """
        home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            there = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                _setns(there)
            finally:
                os.close(there)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(home)

    def send_frames(self, interface: str, count: int = 1, *, protocol: int = 0x88B5) -> None:
        """Send broadcast frames of no known protocol (IEEE 802 local experimental)."""
        with self.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as raw:
            raw.bind((interface, 0))
            for _ in range(count):
                raw.send(b"\xff" * 6 + bytes.fromhex("020000000001") + protocol.to_bytes(2) + bytes(46))

    def close(self) -> None:
        """End what runs in it; the kernel then removes it with its interfaces."""
        for process in self._started:
            process.kill()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            process.wait(DEADLINE)
        self._holder.kill()
        self._holder.communicate(timeout=DEADLINE)

    def _inside(self, words: tuple[str, ...]) -> list[str]:
        entry = ["nsenter", f"--target={self.pid}", "--net", "--mount", "--"]
        # A test that is killed takes its programs along.
        return ["setpriv", "--pdeathsig", "KILL", "--", *entry, *words]


def _setns(descriptor: int) -> None:
    if sys.version_info >= (3, 12):
        os.setns(descriptor, CLONE_NEWNET)
    else:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


@contextlib.contextmanager
def namespace(*, ipv6: bool = False) -> Iterator[Namespace]:
    """Make a namespace for the length of a block."""
    made = Namespace(ipv6=ipv6)
    try:
        yield made
    finally:
        made.close()


def cable(here: Namespace, name: str, there: Namespace, far_name: str, *, is_up: bool = True) -> None:
    """Lay a cable: a pair of interfaces, one in each namespace, both switched on unless told otherwise."""
    here.ip("link", "add", name, "type", "veth", "peer", "name", far_name, "netns", str(there.pid))
    if is_up:
        here.ip("link", "set", name, "up")
        there.ip("link", "set", far_name, "up")
