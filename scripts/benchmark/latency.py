"""Transactions: how long a request and its answer take, and how much processor time."""

from __future__ import annotations

import contextlib
import gc
import time
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING

from benchmark.gateways import BusyOurs, GatewayError, Ours, family
from benchmark.process import cpu_seconds
from benchmark.stand import FAILURES, apart, awake
from benchmark.table import OURS, Row, Target, ratios_by_batch
from benchmark.wire import ANSWER, REQUEST, SHORT_REQUEST

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from benchmark.gateways import Gateway
    from benchmark.stand import Stand

_EQUAL = Target("<=", 1.0, is_ratio=True)


@dataclass
class Series:
    """What one gateway did, batch by batch, in microseconds."""

    medians: list[float] = field(default_factory=list)
    every: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run_batch(self, client: socket.socket, pids: list[int], request: bytes, length: int, count: int) -> None:
        """Do one batch of transactions."""
        for _ in range(5):
            _transact(client, request, length)
        cpu = cpu_seconds(pids)
        times = [_transact(client, request, length) for _ in range(count)]
        self.cpu.append((cpu_seconds(pids) - cpu) * 1e6 / count)
        self.medians.append(median(times))
        self.every.extend(times)


def transactions(stand: Stand) -> list[Row]:
    """Measure the gateways in turns, batch by batch, so that a noisy moment hits all alike."""
    rows = []
    batches, count = stand.choose(15, 60), stand.choose(100, 250)
    with contextlib.ExitStack() as stack:
        gateways = stack.enter_context(stand.all_mounted())
        stack.enter_context(awake())
        stack.enter_context(apart(gateways.values()))
        clients = {}
        for kind, gateway in gateways.items():
            try:
                stack.enter_context(gateway.wire.answering())
                client = stack.enter_context(gateway.settled_connect())
            except FAILURES as error:
                stand.note(kind, error)
                continue
            clients[kind] = (client, family(gateway.pid))
        for label, request, length in (("5 -> 60 bytes", REQUEST, len(ANSWER)), ("5 -> 1 byte", SHORT_REQUEST, 1)):
            series = {kind: Series() for kind in clients}
            with _no_collection():
                for turn in range(batches):
                    # Who goes first changes, for the first one finds the processor coldest.
                    kinds = list(clients)
                    first = turn % max(1, len(kinds))
                    for kind in kinds[first:] + kinds[:first]:
                        try:
                            series[kind].run_batch(*clients[kind], request, length, count)
                        except FAILURES as error:
                            stand.note(kind, error)
                            del clients[kind], series[kind]
            rows += _rows(f"transaction {label}", {kind.name: done for kind, done in series.items()}, stand)
    return rows


def _rows(label: str, series: dict[str, Series], stand: Stand) -> list[Row]:
    def each(value: Callable[[Series], float]) -> dict[str, float]:
        return {name: value(done) for name, done in series.items()}

    latency = ratios_by_batch({name: done.medians for name, done in series.items()})
    cpu = ratios_by_batch({name: done.cpu for name, done in series.items()})
    return [
        Row(f"{label}, p50", "us", each(lambda done: median(done.every)), notes=stand.take_notes()),
        Row(f"{label}, p99", "us", each(lambda done: quantiles(done.every, n=100)[98])),
        Row(f"{label}, best batch", "us", each(lambda done: min(done.medians)), _EQUAL),
        Row(f"{label}, batch by batch", "us", each(lambda done: median(done.medians)), _EQUAL, latency),
        Row(f"{label}, CPU, batch by batch", "us", each(lambda done: median(done.cpu)), _EQUAL, cpu),
    ]


def beside_a_busy_thread(stand: Stand) -> list[Row]:
    """Measure ours while another thread of its process computes."""
    if Ours not in stand.kinds:
        return []
    values = {}
    series = Series()
    try:
        with awake(), stand.mounted(BusyOurs) as gateway, gateway.wire.answering(), gateway.settled_connect() as client:
            for _ in range(stand.choose(4, 10)):
                series.run_batch(client, family(gateway.pid), REQUEST, len(ANSWER), stand.choose(50, 200))
        values = {OURS: median(series.every) / 1000}
        worst = {OURS: quantiles(series.every, n=100)[98] / 1000}
    except FAILURES as error:
        stand.note(BusyOurs, error)
        worst = {}
    return [
        Row("transaction beside a busy thread, p50", "ms", values, Target("<", 1.0), notes=stand.take_notes()),
        Row("transaction beside a busy thread, p99", "ms", worst),
    ]


def _transact(client: socket.socket, request: bytes, length: int) -> float:
    """Send a request, wait for the whole answer, and give the microseconds between."""
    began = time.perf_counter_ns()
    client.sendall(request)
    while length > 0:
        data = client.recv(4096)
        if not data:
            raise GatewayError("closed the connection")
        length -= len(data)
    ended = time.perf_counter_ns()
    if length < 0:
        raise GatewayError(f"sent {-length} bytes too many")
    return (ended - began) / 1000


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def make_transaction(gateway: Gateway, patience: float) -> None:
    """Connect, do one transaction and close; anything but a complete answer in time raises."""
    with gateway.connect(patience) as client:
        _transact(client, REQUEST, len(ANSWER))
