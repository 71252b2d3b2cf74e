"""What a gateway costs: processor time and memory, of it and its children."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from benchmark.gateways import family


def cpu_seconds(pids: list[int]) -> float:
    """Give the processor time that the processes have used, in seconds, to the nanosecond."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            # The kernel's clock of another process's processor time: (~pid << 3) | CPUCLOCK_SCHED. Unlike the ticks in
            # /proc/PID/stat it is exact, and it counts threads that have ended.
            total += time.clock_gettime_ns((~pid << 3) | 2)
    return total / 1e9


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in KiB: RSS, all pages present; PSS, with each shared page divided by its users."""

    rss: int
    pss: int


def memory(pid: int) -> Memory:
    """Give the memory of `pid` and its children."""
    rss = pss = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name == "Rss":
                    rss += int(value.split()[0])
                elif name == "Pss":
                    pss += int(value.split()[0])
    return Memory(rss, pss)


def resident(pid: int) -> int:
    """Give the memory of `pid` alone that is present, RSS in KiB."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> int:
    """Give the highest RSS of `pid` since `forget_peak`, in KiB."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Begin to look for a new highest RSS (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def threads(pid: int) -> int:
    """Count the threads of `pid`."""
    return _status(pid, "Threads")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise ValueError(f"/proc/{pid}/status has no {name}")
