"""The front panel and the supervision: what they cost, and how soon they show and mend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING

from benchmark.gateways import Ours
from benchmark.table import OURS, Row, Target

if TYPE_CHECKING:
    from benchmark.stand import Stand

DEADLINE = 180.0


def panel(stand: Stand) -> list[Row]:
    """Measure our own panel on a simulated board; no peer has one."""
    if Ours not in stand.kinds:
        return []
    words = [sys.executable, "-m", "benchmark.panel_rig", *(["--quick"] if stand.quick else [])]
    notes: tuple[str, ...] = ()
    if os.geteuid() == 0:
        words = ["unshare", "--net", "--mount", *words, "--cable"]
    else:
        notes = ("a link that is lost needs root, for a network namespace",)
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, check=False)  # noqa: S603 (our own)
    if done.returncode:
        return [Row("front panel", "", notes=(done.stderr.strip()[-200:],), target=Target("<", 0))]
    figures: dict[str, list[float]] = json.loads(done.stdout)
    act, link = figures["act"], figures["link"]
    rows = [
        _row("panel, CPU in 1 s when nothing happens", "ms", figures["idle"][0], Target("<", 2.0)),
        _row("byte on the line to ACT, median", "ms", median(act) * 1000),
        _row("byte on the line to ACT, worst", "ms", max(act) * 1000, Target("<", 200.0)),
    ]
    if link:
        rows += [
            _row("link lost to LINK off, median", "ms", median(link) * 1000),
            _row("link lost to LINK off, worst", "ms", max(link) * 1000, Target("<", 200.0)),
        ]
    else:
        rows.append(Row("link lost to LINK off, worst", "ms", notes=notes))
    rows.append(_row("service that hangs to the next, worst", "s", max(figures["recovery"]), Target("<", 5.0)))
    return rows


def _row(name: str, unit: str, value: float, target: Target | None = None) -> Row:
    return Row(name, unit, {OURS: value}, target)
