"""A console with a stand-in for the device, and clients: raw ones, and one that speaks telnet."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import socket
import time
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from appliance.console import Console
from appliance.console.telnet import IAC, Code
from appliance.httpd.access_log import AccessLog
from appliance.httpd.exchange import Exchange
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.line.branch import BranchSnapshot
from appliance.line.line import Line, LineSnapshot
from appliance.line.statistics import PortStatistics
from appliance.monitor.line_monitor import LineMonitor
from appliance.network.facts import Fact, NetworkFacts, Source
from appliance.network.snapshot import NetworkSnapshot
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led, LedSnapshot, PanelSnapshot
from appliance.product import Product
from appliance.publishing.snapshot import PublisherSnapshot
from appliance.settings import FactoryVariant, Settings
from appliance.supervision.restart import Kind, Restart
from appliance.tunnel.statistics import Counters, TunnelSnapshot
from appliance.update.updater import Updater
from tests.console.meters_rig import ListedMeters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 10.0

T = TypeVar("T")

PASSWORD = "correct horse 7"  # noqa: S105 (it opens nothing)


class Source_(Generic[T]):  # noqa: N801 (a service of the stand-in)
    def __init__(self, snapshot: T) -> None:
        self.value = snapshot

    def snapshot(self) -> T:
        return self.value


class Journal:
    last = Restart(Kind.REBOOT, "somebody asked for it", 1_790_000_000.0, 77.0)


class StandIn:
    """A device with real settings and real snapshots; it remembers what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(folder)
        self.product = Product(build_date=dt.date(2026, 1, 31), serial_number="0001", board="Test board")
        self.uptime = 77.0
        self.journal = Journal()
        self.faults: tuple[str, ...] = ()
        self.done: list[tuple[Any, ...]] = []
        self.meters = ListedMeters()
        self.monitor = LineMonitor(Line(self.settings))
        self.publisher = Source_(PublisherSnapshot())
        self.updater = Updater(
            self.settings,
            state=folder,
            product=self.product,
            bus="",
            ailments=lambda: (),
            reboot=lambda _: None,
        )
        self.access_log = AccessLog(self.settings)
        for user_agent in ("Mozilla", "evil \x1b[2J\x9b1m line\r\n"):
            self.access_log.add(
                Exchange("10.0.0.9", 80, "GET", "/", "HTTP/1.1", {"User-Agent": user_agent}, status=200, body_bytes=7)
            )
        self.network = NetworkSnapshot(
            interface="eth0",
            mac="b8:27:eb:00:00:01",
            has_carrier=True,
            current=NetworkFacts(
                dhcp_client=Fact("On"),
                address=Fact(str(IPv4Address("10.0.0.7")), Source.DHCP),
                mask=Fact("255.255.255.0", Source.DHCP),
                hostname=Fact("evil\x1b]0;title\x07host", Source.DHCP),
            ),
        )
        counters = Counters(completed_accepts=5, disconnects=4, octets_from_serial=1000, connection_seconds=90061.0)
        self.tunnel = Source_(TunnelSnapshot("Waiting", 10001, None, (), counters, 90061.0))
        self.line = Source_(
            LineSnapshot(
                2400,
                is_up=True,
                branches=(
                    BranchSnapshot("two-wire", "/dev/ttyAMA0", None, PortStatistics(rx_bytes=17, rx_breaks=2)),
                    BranchSnapshot("optical", "", "not opened yet", PortStatistics()),
                ),
            )
        )
        leds = tuple(LedSnapshot(led, Rhythm.STEADY, is_lit=True, meaning=f"{led} is lit") for led in Led)
        self.panel: Source_[PanelSnapshot] | None = Source_(
            PanelSnapshot(
                leds,
                is_pressed=False,
                held=0.0,
                on_release="",
                has_short_circuit=False,
                is_bus_powered=True,
                is_identifying=False,
                faults=(),
            )
        )
        self.http = Source_(
            HttpSnapshot(
                "On (running)",
                is_enabled=True,
                http_port=80,
                https_port=None,
                connections=0,
                busy_workers=0,
                counters=HttpCounters(status_200=8),
            )
        )

    def network_snapshot(self) -> NetworkSnapshot:
        return self.network

    def renew(self) -> None:
        self.done.append(("renew",))

    def identify(self) -> None:
        self.done.append(("identify",))

    def reboot(self, kind: Kind, why: str) -> None:
        self.done.append(("reboot", kind, why))

    def restore_factory_defaults(self, variant: FactoryVariant, *, kind: Kind, why: str) -> None:
        self.settings.reset(variant)
        self.done.append(("reset", variant, kind, why))


class Client:
    """A raw client, as nc is: what it gets is kept as it came, but for telnet's option negotiation."""

    speaks_telnet = False

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), DEADLINE)
        self.data = b""
        self.is_ended = False

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def take(self, data: bytes) -> None:
        self.data += data

    def _receive(self, end: float, wanted: str) -> None:
        left = end - time.monotonic()
        assert left > 0, f"no {wanted!r} in {self.data!r}"
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            raise AssertionError(f"no {wanted!r} in {self.data!r}") from None
        except ConnectionError:
            data = b""
        self.is_ended = not data
        self.take(data)

    def until(self, text: str, deadline: float = DEADLINE) -> str:
        """Read up to and with `text`; give what came."""
        wanted = text.encode()
        end = time.monotonic() + deadline
        while wanted not in self.data:
            assert not self.is_ended, f"ended without {text!r}: {self.data!r}"
            self._receive(end, text)
        found, _, self.data = self.data.partition(wanted)
        return (found + wanted).decode("utf-8", "replace")

    def rest(self, deadline: float = DEADLINE) -> str:
        """Read until the end of the connection."""
        end = time.monotonic() + deadline
        while not self.is_ended:
            self._receive(end, "end")
        found, self.data = self.data, b""
        return found.decode("utf-8", "replace")

    def finish(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()

    def login(self, name: str = "admin", password: str = "admin") -> str:  # noqa: S107 (the factory's)
        seen = self.until("login: ")
        self.send(f"{name}\n")
        self.until("Password: ")
        self.send(f"{password}\n")
        return seen + self.until("> ")

    def run(self, line: str, prompt: str = r"[>#] $") -> str:
        """Carry out a line; give the answer without echo and prompt."""
        self.send(f"{line}\r" if self.speaks_telnet else f"{line}\n")
        return self.answer(line, prompt)

    def answer(self, line: str, prompt: str = r"[>#] $") -> str:
        end = time.monotonic() + DEADLINE
        pattern = re.compile(rf"(?:^|\r\n|\r)([\w-]+[!*+]*(?:\(config[a-z-]*\))?){prompt}".encode())
        echo = line.encode() if self.speaks_telnet else b""
        while not (self.data.startswith(echo) and (found := pattern.search(self.data, len(echo)))):
            assert not self.is_ended, f"ended: {self.data!r}"
            self._receive(end, prompt)
        answer = self.data[len(echo) : found.start()]
        self.prompt = found[0].decode().strip("\r\n")
        self.data = self.data[found.end() :]
        return answer.decode().replace("\r\n", "\n").strip("\n")


class TelnetClient(Client):
    """A terminal: it negotiates, and keeps what was negotiated apart from the text."""

    speaks_telnet = True

    def __init__(self, port: int, *, size: tuple[int, int] = (100, 1000)) -> None:
        super().__init__(port)
        self.negotiated: list[bytes] = []
        self._raw = b""
        self.send(bytes((IAC, Code.DO, 3, IAC, Code.WILL, 31, IAC, Code.WILL, 24)))
        columns, rows = size
        self._size = bytes((IAC, Code.SB, 31, columns >> 8, columns & 255, rows >> 8, rows & 255, IAC, Code.SE))
        self.is_sized = False

    def take(self, data: bytes) -> None:
        self._raw += data
        while IAC in self._raw:
            place = self._raw.index(IAC)
            if len(self._raw) < place + 3:
                break
            command = self._raw[place : place + 3]
            self.data += self._raw[:place]
            self._raw = self._raw[place + 3 :]
            self._answer(command)
        if IAC not in self._raw:
            self.data, self._raw = self.data + self._raw, b""

    def _answer(self, command: bytes) -> None:
        self.negotiated.append(command)
        if command == bytes((IAC, Code.WILL, 1)):
            self.send(bytes((IAC, Code.DO, 1)))
        elif command == bytes((IAC, Code.DO, 31)) and not self.is_sized:
            self.is_sized = True
            self.send(self._size)

    def login(self, name: str = "admin", password: str = "admin") -> str:  # noqa: S107 (the factory's)
        seen = self.until("login: ")
        self.send(f"{name}\r")
        self.until("Password: ")
        self.send(f"{password}\r")
        return seen + self.until("> ")


class Rig:
    """A running console."""

    def __init__(self, folder: Path, *, login_time: float = 60.0, patient_for: float = 10.0, **settings: str) -> None:
        self.device = StandIn(folder / "state")
        self.settings = self.device.settings
        self.settings.override({"console.port": "0", **{name.replace("__", "."): t for name, t in settings.items()}})
        self.logins: list[str] = []
        self.login_time, self.patient_for = login_time, patient_for
        self.console: Console
        self.clients: list[Client] = []

    def start(self, *, asks_new_password: bool = True) -> Rig:
        self.console = Console(
            self.device,
            host="127.0.0.1",
            asks_new_password=asks_new_password,
            on_login=self.logins.append,
            login_time=self.login_time,
            patient_for=self.patient_for,
        )
        self.console.listen()
        self.console.start()
        return self

    @property
    def port(self) -> int:
        port = self.console.snapshot().port
        assert port is not None
        return port

    def client(self) -> Client:
        client = Client(self.port)
        self.clients.append(client)
        return client

    def terminal(self, **how: Any) -> TelnetClient:
        client = TelnetClient(self.port, **how)
        self.clients.append(client)
        return client

    def enabled(self, *, terminal: bool = False, **how: Any) -> Client:
        """Give a client that is on the level of enable."""
        client = self.terminal(**how) if terminal else self.client()
        client.login()
        client.run("enable")
        return client

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.console.stop()


@contextlib.contextmanager
def running(folder: Path, *, asks_new_password: bool = False, **how: Any) -> Iterator[Rig]:
    """Run a console; unless asked for, without the rule for the factory password."""
    rig = Rig(folder, **how)
    try:
        yield rig.start(asks_new_password=asks_new_password)
    finally:
        rig.stop()
