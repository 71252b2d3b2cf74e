"""What a gateway takes by being there: time to start, memory, processor time while nothing happens."""

from __future__ import annotations

import contextlib
import time
from statistics import median
from typing import TYPE_CHECKING

from benchmark.gateways import family
from benchmark.process import cpu_seconds, memory
from benchmark.stand import FAILURES
from benchmark.table import Row, Target
from benchmark.wire import FarEnd, Wire, pour_for_ever

if TYPE_CHECKING:
    from benchmark.stand import Stand

_IDLE = 10.0
_STALL = 3.0


def start_time(stand: Stand) -> list[Row]:
    """From the execution of the program to the first accepted connection."""
    values: dict[str, list[float]] = {}
    for _ in range(stand.choose(3, 9)):
        for kind in stand.kinds:
            try:
                with contextlib.closing(Wire()) as wire:
                    gateway = kind(wire, stand.folder)
                    try:
                        began = gateway.spawn()
                        took = gateway.await_accept() - began
                        values.setdefault(kind.name, []).append(took * 1000)
                    finally:
                        gateway.stop()
            except FAILURES as error:
                stand.note(kind, error)
    return [
        Row("start to accept", "ms", {name: median(times) for name, times in values.items()}, notes=stand.take_notes())
    ]


def memory_and_growth(stand: Stand) -> list[Row]:
    """Memory with one client, and how it grows while that client stops reading and the line goes on."""
    rss: dict[str, float] = {}
    pss: dict[str, float] = {}
    growth: dict[str, float] = {}
    taken: dict[str, float] = {}
    for kind in stand.kinds:
        try:
            with stand.mounted(kind) as gateway:
                with gateway.wire.answering():
                    client = gateway.settled_connect()
                gateway.wire.drain()
                before = memory(gateway.pid)
                most = before.rss
                with client, FarEnd(gateway.wire, pour_for_ever) as line:
                    client.sendall(b"\x00")
                    deadline = time.monotonic() + _STALL
                    while time.monotonic() < deadline:
                        time.sleep(0.05)
                        most = max(most, memory(gateway.pid).rss)
                    while line.has_report():
                        taken[kind.name] = line.report(0) / 1048576
        except FAILURES as error:
            stand.note(kind, error)
            continue
        rss[kind.name], pss[kind.name] = before.rss / 1024, before.pss / 1024
        growth[kind.name] = (most - before.rss) / 1024
        taken.setdefault(kind.name, 0.0)
    return [
        Row("memory with one client, RSS", "MiB", rss, notes=stand.take_notes()),
        Row("memory with one client, PSS", "MiB", pss),
        Row("client stops reading, RSS grows by", "MiB", growth, Target("<", 1.0)),
        Row("client stops reading, taken off the line", "MiB", taken),
    ]


def idle(stand: Stand) -> list[Row]:
    """Processor time in ten seconds with one client that says nothing; all gateways side by side."""
    values: dict[str, float] = {}
    seconds = 3.0 if stand.quick else _IDLE
    with contextlib.ExitStack() as stack:
        before = {}
        for kind, gateway in stack.enter_context(stand.all_mounted()).items():
            try:
                with gateway.wire.answering():
                    stack.enter_context(gateway.settled_connect())
            except FAILURES as error:
                stand.note(kind, error)
                continue
            before[kind.name] = family(gateway.pid)
        time.sleep(1.0)
        used = {name: cpu_seconds(pids) for name, pids in before.items()}
        time.sleep(seconds)
        for name, pids in before.items():
            values[name] = (cpu_seconds(pids) - used[name]) * 1000 * _IDLE / seconds
    return [Row("CPU in 10 s with an idle client", "ms", values, Target("<=", 1.0), notes=stand.take_notes())]
