"""The web server beside waitress with the same Flask page; what attacks, an upload and the pages themselves cost."""

from __future__ import annotations

import contextlib
import importlib.util
import time
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING

from benchmark.gateways import GatewayError, Ours, family
from benchmark.latency import Series
from benchmark.process import cpu_seconds, forget_peak, memory, peak, resident, threads
from benchmark.stand import FAILURES, awake
from benchmark.table import OURS, Row, Target, ratios_by_batch
from benchmark.web_attacks import ATTACKS, ask_again_and_again, attack, upload
from benchmark.web_client import DigestVisitor, ask, connect, get, load, probe
from benchmark.web_stand import PEER, Server, WebOurs, apart, beside, serving, take
from benchmark.wire import ANSWER, REQUEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from benchmark.stand import Stand

CLIENTS = 8
ATTACKERS = 200
ATTACK, QUICK_ATTACK = 20.0, 2.0
"""Seconds of each kind."""
MEGABYTE = 1_000_000
_AT_LEAST_PEER = Target(">=", 1.0, is_ratio=True, judge=PEER)
_SMALL_GROWTH = Target("<", 20.0)


@dataclass
class _Rates:
    """What one server did, batch by batch."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    failures: int = 0


def web(stand: Stand) -> list[Row]:
    """Measure rates, processor time and latency in turns, so that a noisy moment hits both alike."""
    if Ours not in stand.kinds:
        return []
    kinds = {OURS: "ours", PEER: "waitress"}
    notes: tuple[str, ...] = ()
    if importlib.util.find_spec("waitress") is None:
        del kinds[PEER]
        notes = ("waitress is not installed (scripts/test installs it), so there is nothing to compare with",)
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(serving(kind)) for name, kind in kinds.items()}
        rows = _starts(servers, notes)
        with apart(server.pid for server in servers.values()):
            rows += _rates(stand, servers, "kept connections", CLIENTS, keeps=True)
            rows += _rates(stand, servers, "kept connection", 1, keeps=True)
            rows += _rates(stand, servers, "new connection each", CLIENTS, keeps=False)
            rows += _rates(stand, servers, "new connection each", 1, keeps=False)
        memories = {name: resident(server.pid) / 1024 for name, server in servers.items()}
        rows.append(Row("web: memory after that, RSS", "MiB", memories))
        rows += _beside_slow_pages(stand, servers)
    return rows + _status_page(stand)


def _starts(servers: dict[str, Server], notes: tuple[str, ...]) -> list[Row]:
    return [
        Row(
            "web: import and start, CPU",
            "ms",
            {name: server.cpu * 1000 for name, server in servers.items()},
            notes=notes,
        ),
        Row("web: import and start, RSS", "MiB", {name: server.memory / 2**20 for name, server in servers.items()}),
    ]


def _rates(stand: Stand, servers: dict[str, Server], label: str, clients: int, *, keeps: bool) -> list[Row]:
    seconds, request = 0.2 if stand.quick else 0.5, get(keeps=keeps)
    found = {name: _Rates() for name in servers}
    for turn in range(stand.choose(2, 20)):
        order = list(servers.items())
        for name, server in order if turn % 2 else order[::-1]:
            before = cpu_seconds([server.pid])
            tally = load(server.port, lambda: request, clients=clients, seconds=seconds, keeps=keeps)
            used = cpu_seconds([server.pid]) - before
            rates = found[name]
            rates.rates.append(tally.rate)
            rates.cpu.append(used * 1e6 / max(1, len(tally.seconds)))
            rates.failures += tally.failures
    rate = {name: rates.rates for name, rates in found.items()}
    cpu = {name: rates.cpu for name, rates in found.items()}
    name = f"web: {label}, {clients} client{'s' if clients > 1 else ''}"
    failed = tuple(f"{kind}: {rates.failures} failed" for kind, rates in found.items() if rates.failures)
    return [
        Row(
            f"{name}, rate",
            "1/s",
            {kind: median(values) for kind, values in rate.items()},
            _AT_LEAST_PEER if clients > 1 and len(servers) > 1 else None,
            ratios_by_batch(rate),
            failed,
        ),
        Row(
            f"{name}, CPU for a request",
            "us",
            {kind: median(values) for kind, values in cpu.items()},
            None,
            ratios_by_batch(cpu),
        ),
    ]


def _beside_slow_pages(stand: Stand, servers: dict[str, Server]) -> list[Row]:
    """Measure a page alone and beside one that takes long, in turns."""
    rows = []
    for path, what in (("/sleep", "a page that sleeps"), ("/compute", "a page that computes")):
        alone: dict[str, list[float]] = {name: [] for name in servers}
        slowed: dict[str, list[float]] = {name: [] for name in servers}
        seconds = 0.3 if stand.quick else 1.0
        for _ in range(stand.choose(1, 8)):
            for name, server in servers.items():
                alone[name] += probe(server.port, get, seconds=seconds, pause=0.001).seconds
                with beside(ask_again_and_again, server.port, path):
                    probe(
                        server.port, get, seconds=0.1
                    )  # this process has just been copied, which it feels for a while
                    slowed[name] += probe(server.port, get, seconds=seconds, pause=0.001).seconds
        first, second = ({name: _p99(times) for name, times in each.items()} for each in (alone, slowed))
        medians = {name: median(times) * 1000 for name, times in slowed.items()}
        rows += [
            Row(f"web: page alone, before {what}, p99", "ms", first),
            Row(f"web: page beside {what}, p50", "ms", medians),
            Row(f"web: page beside {what}, p99", "ms", second),
            Row(
                f"web: page beside {what}, p99 to its own alone",
                "",
                {name: second[name] / first[name] for name in servers},
                Target("<", 2.0),
            ),
        ]
    return rows


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98] * 1000


def _status_page(stand: Stand) -> list[Row]:
    """Measure the page of the device itself, with a login that was proven."""
    values: dict[str, float] = {}
    try:
        with awake(), _device(stand) as device:
            visitor = DigestVisitor(device.http_port, "admin", "admin")
            with connect(device.http_port) as client:
                size = len(ask(client, visitor.request()))
            before = cpu_seconds([device.pid])
            tally = probe(device.http_port, visitor.request, seconds=1.0 if stand.quick else 5.0)
            values = {
                "p50": median(tally.seconds) * 1000,
                "p99": _p99(tally.seconds),
                "cpu": (cpu_seconds([device.pid]) - before) * 1e6 / len(tally.seconds),
                "size": size / 1024,
                "memory": memory(device.pid).rss / 1024,
                "failed": tally.failures,
            }
    except FAILURES as error:
        stand.note(WebOurs, error)
    return [
        Row(f"Status page, {label}", unit, {OURS: values[key]} if key in values else {}, notes=stand.take_notes())
        for label, unit, key in (
            ("p50", "ms", "p50"),
            ("p99", "ms", "p99"),
            ("CPU for a request", "us", "cpu"),
            ("size", "KiB", "size"),
            ("failed", "", "failed"),
            ("memory of the whole device, RSS", "MiB", "memory"),
        )
    ]


@contextlib.contextmanager
def _device(stand: Stand) -> Iterator[WebOurs]:
    """Run the whole device, until its pages are there."""
    with stand.mounted(WebOurs) as gateway:
        assert isinstance(gateway, WebOurs)  # noqa: S101 (asked for)
        deadline = time.monotonic() + 15.0
        while True:
            try:
                connect(gateway.http_port).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise GatewayError("its pages are not served") from None
                time.sleep(0.02)
        yield gateway


def web_tunnel(stand: Stand) -> list[Row]:
    """Measure transactions through the tunnel while one client loads the Status page without a pause."""
    if Ours not in stand.kinds:
        return []
    alone, loaded = Series(), Series()
    values: dict[str, float] = {}
    try:
        with awake(), _device(stand) as device, device.wire.answering(), device.settled_connect() as client:
            pids, count = family(device.pid), stand.choose(50, 200)
            for _ in range(stand.choose(4, 15)):
                alone.run_batch(client, pids, REQUEST, len(ANSWER), count)
                with beside(_load_status_page, device.http_port):
                    loaded.run_batch(client, pids, REQUEST, len(ANSWER), count)
        for name, series in (("alone", alone), ("loaded", loaded)):
            values[f"{name} p50"] = median(series.every) / 1000
            values[f"{name} p99"] = quantiles(series.every, n=100)[98] / 1000
    except FAILURES as error:
        stand.note(WebOurs, error)
    return [
        Row(f"transaction, {label}", "ms", {OURS: values[key]} if key in values else {}, notes=stand.take_notes())
        for label, key in (
            ("nobody on the pages, p50", "alone p50"),
            ("nobody on the pages, p99", "alone p99"),
            ("beside page load, p50", "loaded p50"),
            ("beside page load, p99", "loaded p99"),
        )
    ]


def _load_status_page(report: Connection, port: int) -> None:
    visitor = DigestVisitor(port, "admin", "admin")
    with connect(port) as client:
        report.send(None)
        while True:
            ask(client, visitor.request())


def web_attacks(stand: Stand) -> list[Row]:
    """Measure an ordinary visitor beside two hundred connections that do next to nothing."""
    if Ours not in stand.kinds:
        return []
    seconds = QUICK_ATTACK if stand.quick else ATTACK
    rows: list[Row] = []
    for kind in ATTACKS:
        with serving("ours") as server:
            probe(server.port, get, seconds=0.3)
            forget_peak(server.pid)
            before = resident(server.pid)
            name = f"{ATTACKERS} connections, {kind}"
            with beside(attack, kind, (server.port, server.https_port), ATTACKERS, seconds + 10):
                # On a new connection each time, as the worst case: it must find room too.
                tally = probe(server.port, lambda: get(keeps=False), seconds=seconds, pause=0.01, keeps=False)
                count = threads(server.pid)
            growth = (peak(server.pid) - before) / 1024
        times = tally.seconds or [float("inf")]
        rows += [
            _row(f"{name}: request, median", "ms", median(times) * 1000, Target("<", 20.0)),
            _row(f"{name}: request, longest", "ms", max(times) * 1000),
            _row(f"{name}: requests failed", "", tally.failures, Target("<=", 0)),
            _row(f"{name}: RSS grows at most by", "MiB", growth, _SMALL_GROWTH),
            _row(f"{name}: threads", "", count),
        ]
    return rows


def web_upload(stand: Stand) -> list[Row]:
    """Measure memory and other visitors while a large file comes."""
    if Ours not in stand.kinds:
        return []
    size = stand.choose(30, 200) * MEGABYTE
    with serving("ours") as server:
        probe(server.port, get, seconds=0.3)
        forget_peak(server.pid)
        before = resident(server.pid)
        times: list[float] = []
        failures = 0
        with beside(upload, server.port, size) as reports:
            deadline = time.monotonic() + 60.0
            while not reports.poll(0) and time.monotonic() < deadline:
                tally = probe(server.port, get, seconds=0.05, pause=0.002)
                times += tally.seconds
                failures += tally.failures
            took = take(reports, 0.0)
        growth = (peak(server.pid) - before) / 1024
    if not isinstance(took, float):
        return [Row("upload", "", target=Target("<", 0), notes=(repr(took)[:200],))]
    name = f"upload of {size // MEGABYTE} MB"
    return [
        _row(f"{name}: speed", "MB/s", size / MEGABYTE / took),
        _row(f"{name}: RSS grows at most by", "MiB", growth, _SMALL_GROWTH),
        _row(f"{name}: other requests, median", "ms", median(times) * 1000),
        _row(f"{name}: other requests, longest", "ms", max(times) * 1000),
        _row(f"{name}: other requests failed", "", failures, Target("<=", 0)),
    ]


def _row(name: str, unit: str, value: float, target: Target | None = None) -> Row:
    return Row(name, unit, {OURS: value}, target)
