"""The programs compared: ours, and its peers set up as well as they can be."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmark.wire import end_with_parent

if TYPE_CHECKING:
    from types import TracebackType

    from benchmark.wire import Wire

START_DEADLINE = 15.0
STOP_DEADLINE = 4.0
_LOOPBACK = "127.0.0.1"


class GatewayError(Exception):
    """A program did not start, or did not do its work in time."""


class Gateway(ABC):
    """One TCP-to-serial program on one wire. A context manager: runs inside, is ended by pid at the end."""

    name: str

    def __init__(self, wire: Wire, folder: Path) -> None:
        """Prepare a gateway between `wire` and a free port; `folder` keeps its files."""
        self.wire = wire
        self.port = free_port()
        self._folder = folder / f"{self.name}-{self.port}"
        self._folder.mkdir()
        self._log = self._folder / "output"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Give the command line."""

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Say what must be installed before this runs, if anything."""

    @property
    def pid(self) -> int:
        """The process that was started; it may have children."""
        if self._process is None:
            raise GatewayError(f"{self.name} was not started")
        return self._process.pid

    def spawn(self) -> float:
        """Execute the program and give the moment just before."""
        command = self.command()
        with self._log.open("wb") as log:
            began = time.monotonic()
            self._process = subprocess.Popen(  # noqa: S603 (programs and options are our own)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=functools.partial(end_with_parent, os.getpid()),  # noqa: PLW1509 (no other thread holds a lock)
            )
        return began

    def await_accept(self) -> float:
        """Wait until the port accepts and give that moment.

        :raises GatewayError: when the program ends or does not listen in time.
        """
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((_LOOPBACK, self.port), timeout=1):
                return time.monotonic()
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.001)
        raise GatewayError(f"{self.name} does not listen on port {self.port}: {self._last_words()}")

    def __enter__(self) -> Self:
        """Start, and wait until a whole connection through to the line works."""
        self.spawn()
        try:
            self.await_accept()
            self._await_answer()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the program."""
        self.stop()

    def connect(self, patience: float = 5.0) -> socket.socket:
        """Open a client's connection; its reads give up after `patience` seconds."""
        client = socket.create_connection((_LOOPBACK, self.port), timeout=patience)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def settled_connect(self) -> socket.socket:
        """Connect after an earlier client, which the program may still be taking leave of.

        :raises GatewayError: when no answer comes through in time.
        """
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                client = self.connect(patience=0.5)
                client.sendall(b"\xe5")
                if client.recv(1) == b"\xe5":
                    client.settimeout(5.0)
                    return client
                client.close()
            time.sleep(0.05)
        raise GatewayError(f"{self.name} passes nothing: {self._last_words()}")

    def _await_answer(self) -> None:
        with self.wire.answering():
            self.settled_connect().close()

    def stop(self) -> None:
        """End the program and its children, the hard way when it does not end by itself in time."""
        process, self._process = self._process, None
        if process is None:
            return
        orphans = [pid for pid in family(process.pid) if pid != process.pid]
        process.terminate()
        try:
            process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it says nothing"


class Ours(Gateway):
    """The appliance without its web pages and console, so that the tunnel alone is compared."""

    name = "cme3000"
    program = Path(sys.prefix) / "bin" / "cme3000"

    def command(self) -> list[str]:
        """Give the command line."""
        return [str(self.program), *self.arguments()]

    def arguments(self) -> list[str]:
        """Give what follows the program's name."""
        options = "run --board none --network observe --http-port 0 --https-port 0 --console-port 0"
        return [
            *options.split(),
            *("--line", self.wire.path, "--state", str(self._folder / "state"), "--tunnel-port", str(self.port)),
            *("--set", "tunnel.disconnect_timeout=0", "--log-level", "warning"),
        ]

    @classmethod
    def missing(cls) -> str | None:
        """Say what must be installed."""
        return None if cls.program.exists() else f"{cls.program} (scripts/run makes it)"


class BusyOurs(Ours):
    """Ours with a thread that never rests in the same process, like a page that is being rendered for ever."""

    name = "cme3000 busy"

    def command(self) -> list[str]:
        """Give the command line."""
        python = self.program.with_name("python")
        return [str(python), str(Path(__file__).with_name("busy.py")), *self.arguments()]


class Ser2net(Gateway):
    """ser2net without its wait for more characters, with Nagle off and large buffers."""

    name = "ser2net"

    def command(self) -> list[str]:
        """Give the command line, after its configuration is written."""
        configuration = self._folder / "ser2net.yaml"
        configuration.write_text(
            "%YAML 1.1\n---\n"
            "connection: &benchmark\n"
            f"  accepter: tcp(nodelay=true),{_LOOPBACK},{self.port}\n"
            f"  connector: serialdev(nouucplock=true),{self.wire.path},115200n81,local\n"
            "  options:\n"
            "    chardelay: false\n"
            "    dev-to-net-bufsize: 4096\n"
            "    net-to-dev-bufsize: 4096\n"
        )
        return [_program("ser2net"), "-d", "-c", str(configuration), "-P", str(self._folder / "pid")]

    @classmethod
    def missing(cls) -> str | None:
        """Say what must be installed."""
        return None if shutil.which("ser2net", path=_path()) else "ser2net"


class Socat(Gateway):
    """socat with a child for every connection, the usual way to let clients come again."""

    name = "socat"

    def command(self) -> list[str]:
        """Give the command line."""
        return [
            _program("socat"),
            # -t 0: a child whose client has left would stay for half a second and eat the answers to the next one.
            *("-b", "4096", "-t", "0"),
            f"TCP-LISTEN:{self.port},bind={_LOOPBACK},nodelay,reuseaddr,fork",
            f"{self.wire.path},raw,echo=0",
        ]

    @classmethod
    def missing(cls) -> str | None:
        """Say what must be installed."""
        return None if shutil.which("socat", path=_path()) else "socat"


PEERS: tuple[type[Gateway], ...] = (Ser2net, Socat)


def _path() -> str:
    # Debian keeps ser2net where a user's PATH does not look.
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"


def _program(name: str) -> str:
    return shutil.which(name, path=_path()) or name


def free_port() -> int:
    """Find a TCP port that nobody uses at the moment."""
    with socket.create_server((_LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def family(pid: int) -> list[int]:
    """Give `pid` and the processes that it and its children started."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name in brackets may hold blanks and brackets; the parent is the second field after it.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for member in found:
        found.extend(parents.get(member, ()))
    return found
