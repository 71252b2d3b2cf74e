"""Takes the snapshots that the checks judge by."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from appliance.settings import http
from appliance.settings.password import has_factory_password
from appliance.web.checks.observations import Disk, LineTotals, Observations

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.network.snapshot import NetworkSnapshot
    from appliance.web.device_view import DeviceView

LATELY = 600.0
"""Seconds that count as lately, where somebody looked that long ago."""
APART = 60.0
"""Seconds between two looks that are kept."""


class _Look(NamedTuple):
    at: float
    totals: LineTotals


class LineMemory:
    """What the line had counted at earlier looks, so that a look can say what is new. Any thread may use it.

    Nothing is looked at in between: without an earlier look everything since the start is new.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember nothing yet; `clock` gives seconds."""
        self._clock = clock
        self._looks: deque[_Look] = deque()
        self._lock = threading.Lock()

    def lately(self, totals: LineTotals, uptime: float) -> tuple[LineTotals, float]:
        """Remember `totals`, and give what is new and in how many seconds it came: at most some more than `LATELY`."""
        now = self._clock()
        with self._lock:
            # The first is the youngest of those that are old enough, or as old as any.
            while len(self._looks) > 1 and self._looks[1].at <= now - LATELY:
                self._looks.popleft()
            former = self._looks[0] if self._looks and self._looks[0].at <= now - APART else None
            if not self._looks or now - self._looks[-1].at >= APART:
                self._looks.append(_Look(now, totals))
        if former is None:
            return totals, uptime
        return totals.since(former.totals), now - former.at


def observe(
    device: DeviceView,
    network: NetworkSnapshot,
    memory: LineMemory,
    *,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> Observations:
    """Look at everything; `network` is the state of the network, which takes a while to get."""
    line = device.line.snapshot()
    lately, seconds = memory.lately(LineTotals.of(line), device.uptime)
    settings = device.settings
    return Observations(
        now=now(),
        uptime=device.uptime,
        build_date=device.product.build_date,
        settings=settings.in_force,
        is_saved=settings.is_saved,
        settings_problems=tuple(str(problem) for problem in settings.problems),
        faults=device.faults,
        network=network,
        line=line,
        lately=lately,
        lately_seconds=seconds,
        tunnel=device.tunnel.snapshot(),
        http=device.http.snapshot() if device.http is not None else None,
        panel=device.panel.snapshot() if device.panel is not None else None,
        services=device.services(),
        last_restart=device.journal.last,
        disk=disk_of(device.state_folder),
        certificate=device.certificate.facts(),
        certificate_problem=device.certificate.problem,
        has_factory_password=has_factory_password(settings[http.AUTHENTICATION]),
    )


def disk_of(folder: Path) -> Disk | None:
    """Look at the disk on which `folder` is; None where that cannot be done."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return None
    is_read_only = bool(state.f_flag & os.ST_RDONLY)
    return Disk(is_writable=not is_read_only and os.access(folder, os.W_OK), free_bytes=state.f_bavail * state.f_frsize)
