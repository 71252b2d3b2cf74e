"""Clients that come, ask, leave and come again at once."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from benchmark.gateways import GatewayError
from benchmark.latency import make_transaction
from benchmark.table import Row, Target

if TYPE_CHECKING:
    from benchmark.stand import Stand

_TURNS = 5
_PATIENCE = 2.0


def reconnects(stand: Stand) -> list[Row]:
    """Count the visits that got their answer, and time them, connection included."""
    count = stand.choose(100, 500)
    served: Counter[str] = Counter()
    failures: dict[str, Counter[str]] = {kind.name: Counter() for kind in stand.kinds}
    times: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        gateways = stack.enter_context(stand.all_mounted())
        for gateway in gateways.values():
            stack.enter_context(gateway.wire.answering())
        for _ in range(_TURNS):
            for kind, gateway in gateways.items():
                # The first of a turn is no reconnect, and the others are to come on its heels.
                time.sleep(0.2)
                for _ in range(count // _TURNS):
                    began = time.perf_counter()
                    try:
                        make_transaction(gateway, _PATIENCE)
                    except (OSError, GatewayError) as error:
                        failures[kind.name][_cause(error)] += 1
                        continue
                    served[kind.name] += 1
                    times.setdefault(kind.name, []).append((time.perf_counter() - began) * 1000)
    for kind in gateways:
        for cause, number in failures[kind.name].items():
            stand.note(kind, f"{number} x {cause}")
    values = {kind.name: float(served[kind.name]) for kind in gateways}
    return [
        Row(f"reconnects served of {count}", "", values, Target(">=", count), notes=stand.take_notes()),
        Row("reconnect, p50", "ms", {name: median(done) for name, done in times.items()}),
        Row("reconnect, worst", "ms", {name: max(done) for name, done in times.items()}),
    ]


def _cause(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error)
