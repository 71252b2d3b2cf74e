"""The device's checks of itself: from values to findings, with evidence and with what to do."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from appliance.certificate import CertificateFacts
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.line.branch import BranchSnapshot
from appliance.line.line import LineSnapshot
from appliance.line.statistics import PortStatistics
from appliance.network.facts import Source
from appliance.network.kernel.link_modes import FORCED_WARNING, LinkModes
from appliance.settings import DECLARATIONS, Values, find
from appliance.settings.link import Duplex
from appliance.supervision.restart import Kind, Restart
from appliance.supervision.ward import WardSnapshot
from appliance.tunnel.statistics import ClientSnapshot, Counters, TunnelSnapshot
from appliance.web.checks import Finding, LineMemory, Message, Observations, Quote, Result, findings
from appliance.web.checks.look import disk_of
from appliance.web.checks.observations import Disk, LineTotals
from tests.web.rig import line, network, panel, tunnel

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2026, 6, 1, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
GOOD, UNKNOWN, ATTENTION, BAD = Result.GOOD, Result.UNKNOWN, Result.ATTENTION, Result.BAD


def values(**texts: str) -> Values:
    changed = {name.replace("__", "."): text for name, text in texts.items()}
    return Values({s: s.default for s in DECLARATIONS}).with_changes(
        {find(name): find(name).type.parse(text) for name, text in changed.items()}
    )


def certificate(start: dt.timedelta, end: dt.timedelta) -> CertificateFacts:
    return CertificateFacts("CN=x", "CN=x", ("x",), NOW + start, NOW + end, "aa", "bb", "EC P-256", True, ())


def server(state: str = "On (running)") -> HttpSnapshot:
    return HttpSnapshot(state, True, 80, 443, 1, 1, HttpCounters())


HEALTHY = Observations(
    now=NOW,
    uptime=7200.0,
    build_date=dt.date(2026, 1, 31),
    settings=values(),
    is_saved=True,
    settings_problems=(),
    faults=(),
    network=network(),
    line=line(),
    lately=LineTotals(500, 9000, 0),
    lately_seconds=600.0,
    tunnel=tunnel(),
    http=server(),
    panel=panel(),
    services=(WardSnapshot("tunnel", True, 0, None, None),),
    last_restart=Restart(Kind.POWER, "the power was cut, or the hardware watchdog reset the board"),
    disk=Disk(True, 10**9),
    certificate=certificate(-DAY, 300 * DAY),
    certificate_problem=None,
    has_factory_password=False,
)


@dataclass
class Case:
    name: str
    changes: dict[str, Any]
    result: Result
    evidence: str = ""
    advice: str = ""


def one(name: str, seen: Observations) -> Finding:
    return next(finding for finding in findings(seen) if finding.name == name)


def client(seconds: float = 65.0) -> ClientSnapshot:
    return ClientSnapshot("192.0.2.7:51512", False, True, seconds)


def turned_away(*clients: ClientSnapshot, count: int = 17, **changes: Any) -> TunnelSnapshot:
    shown = replace(tunnel("Connected", *clients), counters=Counters(dropped_accepts=count))
    return replace(shown, **changes)


def two_ports(first: str | None, second: str | None) -> LineSnapshot:
    ports = (
        BranchSnapshot("two-wire", "/dev/ttyAMA0", first, PortStatistics()),
        BranchSnapshot("optical", "/dev/ttyUSB0", second, PortStatistics()),
    )
    return LineSnapshot(2400, first is None or second is None, ports)


AUTOIP = network("169.254.7.7/16", Source.AUTOIP, gateway="", troubles=("no DHCP server has answered",))
CONFLICT = network(troubles=("192.168.1.5 is used by another device, b8:27:eb:99:99:99",))
HALF = LinkModes(negotiates=True, speed=10, duplex=Duplex.HALF, has_link=True)
DIED = WardSnapshot("tunnel", True, 2, "died: OSError: no", NOW.timestamp() - 60)

CASES = (
    Case("power", {}, UNKNOWN, "running for 2 h", "PWR must be lit"),
    Case("short_circuit", {}, GOOD, "no short circuit"),
    Case("short_circuit", {"panel": replace(panel(), has_short_circuit=True)}, BAD, "ERR is lit", "two wires off"),
    Case("short_circuit", {"panel": replace(panel(), is_bus_powered=False)}, BAD, "switched off", "Reboot"),
    Case("short_circuit", {"panel": None}, UNKNOWN, "no input", "24 to 30 V"),
    Case("serial_ports", {}, GOOD, "two-wire: in use (/dev/ttyAMA0)"),
    Case("serial_ports", {"line": line("no such device")}, BAD, "two-wire: no such device", "plugged in"),
    Case("serial_ports", {"line": line(url="")}, BAD, "no serial port is configured", "Configuration"),
    Case("serial_ports", {"line": two_ports(None, "gone")}, ATTENTION, "optical: gone", "plugged in"),
    Case("serial_ports", {"line": two_ports("gone", "gone too")}, BAD, "optical: gone too"),
    Case("line_errors", {}, GOOD, "No errors in the last 10 min"),
    Case("line_errors", {"lately": LineTotals(5, 9, None)}, UNKNOWN, "does not count"),
    Case("line_errors", {"lately": LineTotals(500, 9000, 3)}, ATTENTION, "3 errors", "2400 bit/s"),
    Case("line_errors", {"lately": LineTotals(500, 100, 80)}, BAD, "80 errors", "same address"),
    Case("line_errors", {"lately": LineTotals(500, 0, 1)}, BAD, "1 errors"),
    Case("meters", {}, GOOD, "500 bytes sent, 9000 bytes received"),
    Case("meters", {"lately": LineTotals(0, 0, 0)}, UNKNOWN, "Nobody has asked", "reading software"),
    Case("meters", {"lately": LineTotals(50, 0, 0)}, BAD, "50 bytes sent, 0 bytes received", "24 to 30 V"),
    Case("link", {}, GOOD, "100 Mbit/s, full duplex"),
    Case("link", {"network": network(has_carrier=False)}, BAD, "LINK is off", "cable"),
    Case("link", {"network": network(has_carrier=None)}, UNKNOWN, "does not tell", "LINK"),
    Case("link", {"network": network(link_modes=None)}, GOOD, "There is a link on eth0"),
    Case("link", {"network": network(link_modes=HALF)}, ATTENTION, "10 Mbit/s, half duplex", "both to auto"),
    Case("link", {"network": network(troubles=(FORCED_WARNING,))}, ATTENTION, "full duplex", "both to auto"),
    Case("address", {}, GOOD, "192.168.1.5, from DHCP."),
    Case("address", {"network": CONFLICT}, BAD, "b8:27:eb:99:99:99", "MAC address"),
    Case("address", {"network": network(None)}, BAD, "There is no address.", "DHCP"),
    Case("address", {"network": AUTOIP}, ATTENTION, "no DHCP server has answered.", "DHCP server in this network"),
    Case(
        "address",
        {"network": AUTOIP, "settings": values(network__dhcp="off")},
        ATTENTION,
        "169.254.7.7, from AutoIP.",
    ),
    Case("address", {"network": network(troubles=("the lease has expired",))}, ATTENTION, "lease has expired", "lease"),
    Case("network", {}, GOOD),
    Case("network", {"network": network(is_managed=False)}, GOOD, "only looked at"),
    Case("network", {"network": network(troubles=(FORCED_WARNING,))}, GOOD),
    Case("network", {"network": network(troubles=("the port has only 100 full",))}, ATTENTION, "only 100 full"),
    Case("tunnel", {}, GOOD, "Port 10001 is open."),
    Case("tunnel", {"tunnel": replace(tunnel(), tls_port=10002)}, GOOD, "port 10002 with TLS"),
    Case("tunnel", {"tunnel": replace(tunnel(port=None), tls_port=10002)}, GOOD, "TLS port 10002"),
    Case("tunnel", {"settings": values(tunnel__accept_mode="disabled")}, ATTENTION, "disabled", "Accept Mode"),
    Case("tunnel", {"tunnel": tunnel("port 10001 is in use", port=None)}, BAD, "port 10001 is in use", "Choose a port"),
    Case("tunnel", {"line": line("gone")}, BAD, "no serial line", "serial ports first"),
    Case("tunnel", {"tunnel": tunnel("Connected", client())}, GOOD, "192.0.2.7:51512 has been connected for 1 min"),
    Case("tunnel", {"tunnel": turned_away(client())}, ATTENTION, "turned away since the start: 17", "One client at"),
    Case("tunnel", {"tunnel": turned_away()}, GOOD, "turned away since the start: 17"),
    Case(
        "tunnel",
        {"tunnel": turned_away(), "settings": values(tunnel__allow="192.0.2.0/24")},
        ATTENTION,
        "17",
        "list of allowed ones",
    ),
    Case(
        "tunnel",
        {"tunnel": turned_away(client()), "settings": values(tunnel__disconnect_timeout="0")},
        ATTENTION,
        "17",
        "never disconnected",
    ),
    Case("tunnel", {"tunnel": turned_away(client()), "settings": values(tunnel__policy="shared")}, GOOD, "17"),
    Case("web_server", {}, GOOD, "port 80, 443"),
    Case("web_server", {"http": server("port 443 is in use")}, ATTENTION, "port 443 is in use", "HTTP"),
    Case("web_server", {"http": None}, UNKNOWN),
    Case("program", {}, GOOD),
    Case("program", {"services": (DIED,)}, ATTENTION, "tunnel was restarted 2 times", "log"),
    Case("program", {"services": (replace(DIED, trouble_at=NOW.timestamp() - 90_000),)}, GOOD),
    Case("program", {"services": (replace(DIED, is_alive=False),)}, BAD, "does not run: died: OSError: no"),
    Case("program", {"last_restart": Restart(Kind.CRASH, "the program crashed")}, ATTENTION, "the program crashed"),
    Case("program", {"last_restart": None}, GOOD),
    Case("settings", {}, GOOD),
    Case("settings", {"is_saved": False}, ATTENTION, "a restart would lose", "Submit"),
    Case("settings", {"settings_problems": ("tunnel.port: no",)}, BAD, "tunnel.port: no", "import"),
    Case("storage", {}, GOOD, "1000 MB are free"),
    Case("storage", {"disk": Disk(True, None)}, GOOD),
    Case("storage", {"disk": None}, UNKNOWN),
    Case("storage", {"disk": Disk(False, 10**9)}, BAD, "Nothing can be written", "memory card"),
    Case("storage", {"disk": Disk(True, 5 * 10**6)}, ATTENTION, "5 MB", "Remove"),
    Case("storage", {"disk": Disk(True, 1000)}, BAD, "0 MB"),
    Case("clock", {}, GOOD, "2026-06-01 12:00 UTC"),
    Case("clock", {"now": NOW - 20_000 * DAY}, ATTENTION, "before the firmware was built, 2026-01-31", "time server"),
    Case("clock", {"build_date": None}, GOOD),
    Case("certificate", {}, GOOD, "valid until 2027-03-28"),
    Case("certificate", {"certificate": None}, GOOD, "HTTPS is not served"),
    Case("certificate", {"certificate": certificate(-DAY, -DAY)}, BAD, "expired on 2026-05-31", "new one"),
    Case("certificate", {"certificate": certificate(-DAY, 10 * DAY)}, ATTENTION, "until 2026-06-11", "new one"),
    Case("certificate", {"certificate": certificate(DAY, 10 * DAY)}, ATTENTION, "only from 2026-06-02", "clock"),
    Case("certificate", {"certificate_problem": "it is malformed"}, ATTENTION, "it is malformed", "new one"),
    Case("password", {}, GOOD),
    Case("password", {"has_factory_password": True}, ATTENTION, "factory password", "new password"),
    Case("faults", {}, GOOD),
    Case("faults", {"faults": ("the board file is damaged",)}, ATTENTION, "the board file is damaged", "Reboot"),
    Case("faults", {"panel": replace(panel(), faults=("stuck",))}, ATTENTION, "stuck"),
    Case("faults", {"faults": ("a",), "settings_problems": ("a",)}, GOOD),
    Case("faults", {"faults": ("a",), "certificate_problem": "a"}, GOOD),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.result}-{case.evidence[:20]}")
def test_a_finding(case: Case) -> None:
    finding = one(case.name, replace(HEALTHY, **case.changes))
    assert finding.result is case.result
    assert finding.title
    assert finding.evidence
    assert case.evidence in " ".join(map(str, finding.evidence))
    assert case.advice in " ".join(map(str, finding.advice))
    # Whoever is told that something is wrong is told what to do.
    assert finding.advice or case.result in (GOOD, UNKNOWN)


def test_a_healthy_device_has_nothing_to_do() -> None:
    assert {finding.name for finding in findings(HEALTHY) if finding.result is not GOOD} == {"power"}
    names = [finding.name for finding in findings(HEALTHY)]
    assert len(set(names)) == len(names)
    assert {case.name for case in CASES} == set(names)


def test_the_worst_comes_first() -> None:
    sick = replace(HEALTHY, is_saved=False, panel=replace(panel(), has_short_circuit=True))
    results = [finding.result for finding in findings(sick)]
    assert results[0] is BAD
    assert results == sorted(results, key=lambda result: -result.severity)


def test_text_from_elsewhere_is_filled_in_and_nothing_of_it_read() -> None:
    hostile = "%(x)s %s {0} <script>"
    assert str(Message("it says: %(text)s.", {"text": Quote(hostile)})) == f"it says: {hostile}."
    assert hostile in str(one("faults", replace(HEALTHY, faults=(hostile,))).evidence[0])
    assert str(Message("100 %")) == "100 %"


def test_totals_of_two_ports() -> None:
    ports = (
        BranchSnapshot("two-wire", "x", None, PortStatistics(10, 1, 2, 3, 4, None, 0, 50)),
        BranchSnapshot("optical", "y", None, PortStatistics(rx_bytes=5, tx_bytes=48)),
    )
    totals = LineTotals.of(LineSnapshot(2400, True, ports))
    assert totals == LineTotals(50, 15, 10)  # a request goes out on both
    assert LineTotals.of(line()).errors is None
    assert LineTotals.of(LineSnapshot(2400, False, ())) == LineTotals(0, 0, None)
    assert totals.since(LineTotals(20, 5, 4)) == LineTotals(30, 10, 6)
    assert totals.since(LineTotals(90, 99, 99)) == LineTotals(0, 0, 0)
    assert totals.since(LineTotals(0, 0, None)).errors == 10


def test_what_is_new_on_the_line() -> None:
    now = 1000.0
    memory = LineMemory(lambda: now)
    assert memory.lately(LineTotals(100, 100), 5000.0) == (LineTotals(100, 100), 5000.0)
    now += 10
    # Somebody asks again right away: since the start, not since a moment ago.
    assert memory.lately(LineTotals(110, 110), 5010.0) == (LineTotals(110, 110), 5010.0)
    for _ in range(100):
        now += 61
        new, seconds = memory.lately(LineTotals(int(now), 100), 9999.0)
    assert 600 <= seconds <= 700
    assert new.sent == pytest.approx(seconds, abs=1)
    assert new.received == 0
    assert len(memory._looks) < 15
    now += 86_400
    assert memory.lately(LineTotals(int(now), 100), 1.0)[1] >= 86_400


def test_the_disk(tmp_path: Path) -> None:
    found = disk_of(tmp_path)
    assert found is not None
    assert found.is_writable
    assert found.free_bytes is not None
    assert disk_of(tmp_path / "gone") is None
