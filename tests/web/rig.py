"""The app on a stand-in of the device, with real settings and real snapshots, and a visitor who was let in."""

from __future__ import annotations

import datetime as dt
import html
import math
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from appliance.certificate import Certificate
from appliance.httpd.access_log import AccessLog
from appliance.line.branch import BranchSnapshot
from appliance.line.line import Line, LineSnapshot
from appliance.line.statistics import PortStatistics
from appliance.monitor.line_monitor import LineMonitor
from appliance.network.facts import Fact, NetworkFacts, Source
from appliance.network.kernel.link_modes import LinkModes
from appliance.network.snapshot import NetworkSnapshot
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led, LedSnapshot, PanelSnapshot
from appliance.product import Product
from appliance.publishing.snapshot import PublisherSnapshot
from appliance.recorder import History
from appliance.settings import FactoryVariant, Settings
from appliance.settings.link import Duplex
from appliance.supervision.restart import Kind, Restart
from appliance.tunnel.statistics import ClientSnapshot, Counters, TunnelSnapshot
from appliance.web.app import create_app
from appliance.web.form_token import FIELD
from tests.console.meters_rig import ListedMeters
from tests.web.firmware_rig import Updates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from appliance.httpd.statistics import HttpSnapshot
    from appliance.meters.view import MetersView
    from appliance.network.announcer import AnnouncerSnapshot
    from appliance.supervision.ward import WardSnapshot

T = TypeVar("T")

HOSTILE = "<script>alert(1)</script>\"'&\r\nSet-Cookie: x=1\u202e" + "x" * 10_000


@dataclass
class Showing(Generic[T]):
    """A service that shows always the same, until it is changed."""

    value: T

    def snapshot(self) -> T:
        return self.value


@dataclass
class Journal:
    last: Restart | None = None


@dataclass
class Trial:
    until: float = math.inf


def line(fault: str | None = None, *, url: str = "/dev/ttyAMA0", baud: int = 2400) -> LineSnapshot:
    return LineSnapshot(
        baud,
        bool(url) and fault is None,
        (
            BranchSnapshot("two-wire", url, fault, PortStatistics()),
            BranchSnapshot("optical", "", "not opened yet", PortStatistics()),
        ),
    )


def tunnel(state: str = "Waiting", *clients: ClientSnapshot, port: int | None = 10001) -> TunnelSnapshot:
    return TunnelSnapshot(state, port, None, clients, Counters(), 0.0)


def network(
    address: str | None = "192.168.1.5/24", source: Source = Source.DHCP, gateway: str = "192.168.1.1", **changes: Any
) -> NetworkSnapshot:
    interface = IPv4Interface(address) if address is not None else None
    facts = NetworkFacts(
        address=Fact(str(interface.ip), source) if interface is not None else Fact(),
        mask=Fact(str(interface.netmask), source) if interface is not None else Fact(),
        gateway=Fact(gateway, source) if gateway else Fact(),
        hostname=Fact("cme3000", source),
        primary_dns=Fact("192.168.1.1", source) if gateway else Fact(),
    )
    values: dict[str, Any] = {
        "interface": "eth0",
        "mac": "b8:27:eb:01:02:03",
        "has_carrier": True,
        "link_modes": LinkModes(negotiates=True, speed=100, duplex=Duplex.FULL, has_link=True),
        "current": facts,
    }
    return NetworkSnapshot(**{**values, **changes})


def panel() -> PanelSnapshot:
    shown = (
        LedSnapshot(Led.POWER, Rhythm.STEADY, True, "normal operation"),
        LedSnapshot(Led.ERROR, Rhythm.OFF, False, "no fault"),
        LedSnapshot(Led.LINK, Rhythm.STEADY, True, "connected to a live network"),
        LedSnapshot(Led.ACTIVITY, Rhythm.FLICKER, True, "communication under way"),
    )
    return PanelSnapshot(shown, False, 0.0, "", False, True, False, ())


@dataclass
class StandIn:
    """A `DeviceView` in the test's hands."""

    settings: Settings
    product: Product = field(
        default_factory=lambda: Product(
            build_date=dt.date(2026, 1, 31), serial_number="00000000a1b2c3d4", board="Raspberry Pi 3 Model B Rev 1.2"
        )
    )
    uptime: float = 77.9
    network: NetworkSnapshot = field(default_factory=network)
    tunnel: Showing[TunnelSnapshot] = field(default_factory=lambda: Showing(tunnel()))
    line: Showing[LineSnapshot] = field(default_factory=lambda: Showing(line()))
    panel: Showing[PanelSnapshot] | None = field(default_factory=lambda: Showing(panel()))
    http: Showing[HttpSnapshot] | None = None
    announcer: Showing[AnnouncerSnapshot] | None = None
    meters: MetersView = field(default_factory=ListedMeters)
    publisher: Showing[PublisherSnapshot] = field(default_factory=lambda: Showing(PublisherSnapshot()))
    updater: Updates = field(default_factory=Updates)
    journal: Journal = field(default_factory=lambda: Journal(Restart(Kind.FIRST_START, "this is the first start")))
    faults: tuple[str, ...] = ()
    confirmation: Trial = field(default_factory=Trial)
    renewals: int = 0
    lines: tuple[str, ...] = ()
    wards: tuple[WardSnapshot, ...] = ()
    identifications: int = 0
    reboots: list[tuple[Kind, str]] = field(default_factory=list)
    resets: list[FactoryVariant] = field(default_factory=list)
    trouble: Exception | None = None
    """What a reboot or reset raises."""
    folder: Path | None = None
    """Where the certificate is kept; a device without it has none."""
    history: History = field(default_factory=lambda: History(counters={}, gauges={}))
    access_log: AccessLog = field(init=False)
    certificate: Certificate = field(init=False)
    monitor: LineMonitor = field(init=False)

    def __post_init__(self) -> None:
        self.access_log = AccessLog(self.settings)
        self.certificate = Certificate(self.folder or Path("/nonexistent"), lambda: ["cme3000"])
        self.monitor = LineMonitor(Line(self.settings))

    def renew(self) -> None:
        self.renewals += 1

    def network_snapshot(self) -> NetworkSnapshot:
        return self.network

    @property
    def state_folder(self) -> Path:
        return self.folder or Path("/nonexistent")

    def identify(self) -> None:
        self.identifications += 1

    def log_lines(self) -> tuple[str, ...]:
        return self.lines

    def services(self) -> tuple[WardSnapshot, ...]:
        return self.wards

    def reboot(self, kind: Kind, why: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.reboots.append((kind, why))

    def restore_factory_defaults(self, variant: FactoryVariant, *, kind: Kind, why: str) -> None:
        self.reboot(kind, why)
        self.resets.append(variant)


class Web:
    """The app, and a visitor of it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.now = 1000.0
        self.device = StandIn(Settings(folder / "state"), folder=folder / "state")
        self.app = create_app(self.device, clock=lambda: self.now, **options)
        self.user = "admin"
        self.client: FlaskClient = self.app.test_client()

    def environ(self, **more: Any) -> dict[str, Any]:
        return {"cme3000.admitted": True, "REMOTE_USER": self.user, **more}

    def get(self, path: str = "/", *, environ: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        return self.client.get(path, environ_overrides=self.environ(**(environ or {})), **options)

    def post(self, path: str, texts: dict[str, str] | None = None, **options: Any) -> TestResponse:
        """Post with the right token; `environ` and `headers` as one likes."""
        more = options.pop("environ", {})
        data = {FIELD: self.token(), **(texts or {})}
        return self.client.post(path, data=data, environ_overrides=self.environ(**more), **options)

    def token(self) -> str:
        """Take a token from a page, as a browser does."""
        found = re.search(rf'name="{FIELD}" value="([^"]+)"', self.get("/").text)
        assert found is not None
        return found[1]

    def set_password(self) -> None:
        """Have the factory password out of the way."""
        from appliance.settings import http
        from appliance.settings.password import replace_password

        directives = replace_password(self.device.settings[http.AUTHENTICATION], "admin", "correct horse battery")
        self.device.settings.set({"http.authentication": http.AUTHENTICATION.type.format(directives)}, save=True)


def cells(page: str) -> Iterator[tuple[str, str]]:
    """Give the rows of every table of facts as text."""
    for label, value in re.findall(r'<tr><th scope="row">(.*?)</th><td[^>]*>(.*?)</td></tr>', page, re.DOTALL):
        yield text_of(label), text_of(re.sub(r"<small>.*?</small>", "", value))


def text_of(markup: str) -> str:
    """Give what a person reads of a piece of a page."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup)).strip()


def row_of(page: str, name: str) -> str:
    """Give what stands in the row of the field that is called `name`."""
    at = page.index(f'name="{name}"')
    begin = max(page.rfind('<div class="row', 0, at), page.rfind('<fieldset class="row', 0, at))
    return page[begin : page.index("</small>", at)]


def current_beside(page: str, name: str) -> str:
    """Give the current value that stands beside a field; empty where there is none."""
    found = re.search(r"Current: <b[^>]*>(.*?)</b>", row_of(page, name))
    return text_of(found[1]) if found is not None else ""


def banners(page: str) -> str:
    """Give the text of everything that stands above the content."""
    return " ".join(text_of(one) for one in re.findall(r'<div class="banner.*?</div>', page, re.DOTALL))
