"""What every test is held to: it leaves no thread and no descriptor behind."""

from __future__ import annotations

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

GRACE = 2.0

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


def in_ci() -> bool:
    """Whether a missing tool must fail the test."""
    return bool(os.environ.get("CI"))


def need(condition: object, reason: str) -> None:
    """Skip with the reason on a developer's machine; fail where everything must be there."""
    if not condition:
        (pytest.fail if in_ci() else pytest.skip)(reason)
