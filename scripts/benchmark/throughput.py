"""Bulk: many MiB through the gateway in each direction, and whether every byte came in its place."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import time
from statistics import median
from typing import TYPE_CHECKING

from benchmark.gateways import GatewayError
from benchmark.stand import FAILURES
from benchmark.table import Row, Target
from benchmark.wire import FarEnd, collect, first_difference, pour

if TYPE_CHECKING:
    from benchmark.gateways import Gateway
    from benchmark.stand import Stand

_MIB = 1048576
_DEADLINE = 60.0


class _Tally:
    """The speeds and losses of one direction."""

    def __init__(self) -> None:
        self.speeds: dict[str, list[float]] = {}
        self.lost: dict[str, float] = {}

    def rows(self, label: str, size: int, target: Target | None, stand: Stand) -> list[Row]:
        speeds = {name: median(values) for name, values in self.speeds.items()}
        return [
            Row(label, "MiB/s", speeds, target, notes=stand.take_notes()),
            Row(f"{label}, runs with loss in {size} MiB", "", self.lost, Target("<=", 0)),
        ]


def to_client(stand: Stand) -> list[Row]:
    """From the line to a client that reads all the time."""
    return _measure(stand, "line to client", _one_to_client, Target(">=", 1.5, is_ratio=True))


def to_line(stand: Stand) -> list[Row]:
    """From a client that sends all the time to the line."""
    return _measure(stand, "client to line", _one_to_line, None)


def _measure(stand: Stand, label: str, one: _One, target: Target | None) -> list[Row]:
    size = stand.choose(4, 32)
    data = hashlib.shake_256(b"benchmark").digest(size * _MIB)
    tally = _Tally()
    for _ in range(stand.choose(2, 3)):
        for kind in stand.kinds:
            try:
                with stand.mounted(kind) as gateway:
                    seconds, differs_at = one(gateway, data)
            except FAILURES as error:
                stand.note(kind, error)
                continue
            tally.speeds.setdefault(kind.name, []).append(size / seconds)
            tally.lost[kind.name] = tally.lost.get(kind.name, 0) + (differs_at is not None)
            if differs_at is not None:
                stand.note(kind, f"first wrong byte at {differs_at}")
    return tally.rows(label, size, target, stand)


def _one_to_client(gateway: Gateway, data: bytes) -> tuple[float, int | None]:
    received = bytearray(len(data))
    view = memoryview(received)
    count = 0
    client = _connect(gateway)
    with client, FarEnd(gateway.wire, pour, data) as line:
        client.settimeout(_DEADLINE / 4)
        client.sendall(b"\x00")
        began: float = line.report(_DEADLINE)
        while count < len(data) and time.monotonic() < began + _DEADLINE:
            size = client.recv_into(view[count:])
            if not size:
                break
            count += size
        ended = time.monotonic()
    if count < len(data):
        raise GatewayError(f"passed {count} of {len(data)} bytes to the client in {ended - began:.0f} s")
    return ended - began, first_difference(received, data)


def _one_to_line(gateway: Gateway, data: bytes) -> tuple[float, int | None]:
    client = _connect(gateway)
    with client, FarEnd(gateway.wire, collect, data) as line:
        began = time.monotonic()
        client.settimeout(_DEADLINE)
        with contextlib.suppress(TimeoutError):
            client.sendall(data)
        ended, differs_at = line.report(max(1.0, began + _DEADLINE - time.monotonic()))
    return ended - began, differs_at


def _connect(gateway: Gateway) -> socket.socket:
    with gateway.wire.answering():
        client = gateway.settled_connect()
    gateway.wire.drain()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


if TYPE_CHECKING:
    from collections.abc import Callable

    _One = Callable[[Gateway, bytes], tuple[float, int | None]]
