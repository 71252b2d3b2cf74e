"""What every test is held to: it leaves no thread and no descriptor behind. And which tests may not be held up."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE = 5.0

TESTS = Path(__file__).parent
ON_THE_WIRE = {"line", "meters", "monitor", "readout", "tunnel"}
"""Rooms in which a master waits for simulated meters no longer than the standard has them take."""
HASTE = 10
"""Steps of niceness that their threads go before those of other tests."""

# Under nohup it would be ignored here and in every program that a test starts.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _descriptors() -> dict[str, str]:
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[entry.name] = str(entry.readlink())
        except OSError:  # the folder's own descriptor
            continue
    return found


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    threads = set(threading.enumerate())
    descriptors = _descriptors()
    yield
    deadline = time.monotonic() + GRACE
    while True:
        left_threads = [thread.name for thread in threading.enumerate() if thread not in threads]
        left = {fd: target for fd, target in _descriptors().items() if fd not in descriptors}
        if not left_threads and not left:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"left behind: threads {left_threads}, descriptors {left}")
        # Only now, for it takes longer than most tests: what hangs in a cycle is closed by this, with a warning.
        gc.collect()


@pytest.fixture(autouse=True)
def _goes_before_others(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the threads and processes that a test on the wire starts run before those of the tests beside it.

    Benchmarks and browsers keep every processor busy, and a meter that gets none for 0.2 seconds counts as silent. Only
    root may do this; without it, such a test may fail on a machine that is busy.
    """
    if request.path.relative_to(TESTS).parts[0] not in ON_THE_WIRE:
        yield
        return
    former = os.getpriority(os.PRIO_PROCESS, 0)  # of this thread, on Linux; those it starts inherit it
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, former - HASTE)
    yield
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, former)


def in_ci() -> bool:
    """Whether a missing tool must fail the test."""
    return bool(os.environ.get("CI"))


def need(condition: object, reason: str) -> None:
    """Skip with the reason on a developer's machine; fail where everything must be there."""
    if not condition:
        (pytest.fail if in_ci() else pytest.skip)(reason)
