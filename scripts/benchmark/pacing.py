"""Real speed: characters at the pace of a bus, and what the gateway adds to their arrival."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from benchmark.gateways import GatewayError
from benchmark.stand import FAILURES, apart, awake
from benchmark.table import Row, Target
from benchmark.wire import REQUEST, FarEnd, answer_paced

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from benchmark.stand import Stand

_LONGEST_FRAME = 261


def at_2400(stand: Stand) -> list[Row]:
    """Send the longest frame at 2400 bit/s."""
    return _measure(stand, 2400, stand.choose(60, _LONGEST_FRAME), stand.choose(4, 12))


def at_300(stand: Stand) -> list[Row]:
    """Send a short frame at 300 bit/s, where a gateway that waits for more characters would wait long."""
    return _measure(stand, 300, stand.choose(20, 60), stand.choose(2, 6))


class _Delays:
    """What one gateway added, in ms: to the last byte of each answer, to every byte, and between two of them."""

    def __init__(self) -> None:
        self.last: list[float] = []
        self.every: list[float] = []
        self.pauses: list[float] = []

    def add(self, written: list[float], arrived: list[float]) -> None:
        delays = [(after - before) * 1000 for before, after in zip(written, arrived, strict=True)]
        self.last.append(delays[-1])
        self.every += delays
        self.pauses += [later - earlier for earlier, later in pairwise(delays)]


def _measure(stand: Stand, baud: int, length: int, rounds: int) -> list[Row]:
    delays: dict[str, _Delays] = {}
    with contextlib.ExitStack() as stack:
        gateways = stack.enter_context(stand.all_mounted())
        stack.enter_context(awake())
        stack.enter_context(apart(gateways.values()))
        mounts = {}
        for kind, gateway in gateways.items():
            try:
                with gateway.wire.answering():
                    client = stack.enter_context(gateway.settled_connect())
                mounts[kind] = client, stack.enter_context(FarEnd(gateway.wire, answer_paced, length, baud))
            except FAILURES as error:
                stand.note(kind, error)
        for _ in range(rounds):
            for kind, (client, line) in list(mounts.items()):
                try:
                    client.sendall(REQUEST)
                    arrived = _arrivals(client, length)
                    delays.setdefault(kind.name, _Delays()).add(line.report(5.0), arrived)
                except FAILURES as error:
                    stand.note(kind, error)
                    del mounts[kind]
    # At 300 bit/s the processor sleeps between two characters; its waking, alike for all, is most of the figure.
    target = Target("<=", 0.3) if baud == 2400 else None
    label = f"{length} bytes at {baud} bit/s"

    def row(what: str, unit: str, value: Callable[[_Delays], float], target: Target | None = None) -> Row:
        return Row(f"{label}, {what}", unit, {name: value(done) for name, done in delays.items()}, target)

    return [
        replace(
            row("last byte after, median", "ms", lambda done: median(done.last), target),
            notes=stand.take_notes(),
        ),
        row("last byte after, worst", "ms", lambda done: max(done.last)),
        row("any byte after, median", "ms", lambda done: median(done.every)),
        row("longest pause added", "ms", lambda done: max(done.pauses)),
    ]


def _arrivals(client: socket.socket, length: int) -> list[float]:
    arrived: list[float] = []
    while len(arrived) < length:
        data = client.recv(4096)
        if not data:
            raise GatewayError("closed the connection in the middle of an answer")
        arrived += [time.monotonic()] * len(data)
    return arrived
