"""The network manager: how soon there is an address, what it costs to keep it, and what a pulled cable breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmark.gateways import Ours
from benchmark.table import OURS, Row, Target

if TYPE_CHECKING:
    from benchmark.stand import Stand

DEADLINE = 180.0


def network(stand: Stand) -> list[Row]:
    """Measure our own manager in network namespaces; the peers manage none."""
    if Ours not in stand.kinds:
        return []
    name = "network"
    if os.geteuid() != 0:
        return [Row(name, "", notes=("needs root, for network namespaces",))]
    words = ["unshare", "--net", "--mount", sys.executable, "-m", "benchmark.network_rig"]
    words += ["--quick"] if stand.quick else []
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, check=False)  # noqa: S603 (our own)
    if done.returncode:
        return [Row(name, "", notes=(done.stderr.strip()[-200:],), target=Target("<", 0))]
    figures: dict[str, float] = json.loads(done.stdout)
    return [
        _row("start to leased address, unchecked", "s", figures["off"], Target("<", 1.0)),
        _row("start to leased address, quick check", "s", figures["quick"]),
        _row("start to leased address, full RFC 5227 check", "s", figures["full"], Target("<", 7.0)),
        _row("network manager, CPU in 10 s", "ms", figures["idle"], Target("<", 10.0)),
        _row("cable pulled for 3 s, connection silent after it", "s", figures["pull"]),
    ]


def _row(name: str, unit: str, value: float, target: Target | None = None) -> Row:
    return Row(name, unit, {OURS: value}, target)
