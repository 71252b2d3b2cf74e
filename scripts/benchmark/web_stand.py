"""What the measures of the web server share: servers and clients in processes of their own."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.gateways import GatewayError, Ours, free_port
from benchmark.wire import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection

    from benchmark.wire import Wire

PEER = "waitress"
STOP_DEADLINE = 5.0
START_DEADLINE = 30.0
_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Server:
    """A server of `web_rig`."""

    pid: int
    port: int
    https_port: int
    cpu: float
    """Seconds of processor time from the end of Flask's start to where it serves."""
    memory: float
    """Bytes more from there to there."""


@contextlib.contextmanager
def serving(kind: str) -> Iterator[Server]:
    """Run a server: `ours` or `waitress`.

    :raises GatewayError: when it does not start.
    """
    words = [sys.executable, "-m", "benchmark.web_rig", kind]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 (our own)
        assert process.stdin is not None  # noqa: S101 (asked for)
        assert process.stdout is not None  # noqa: S101 (likewise)
        try:
            told = process.stdout.readline()
            if not told:
                raise GatewayError(f"{kind} did not start")
            facts = json.loads(told)
            yield Server(process.pid, facts["port"], facts.get("https_port", 0), facts["cpu"], facts["memory"])
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()


class WebOurs(Ours):
    """The appliance with its web pages."""

    name = "cme3000 web"

    def __init__(self, wire: Wire, folder: Path) -> None:
        """Prepare it with a free port for the pages too."""
        super().__init__(wire, folder)
        self.http_port = free_port()

    def arguments(self) -> list[str]:
        """Give what follows the program's name."""
        words = super().arguments()
        words[words.index("--http-port") + 1] = str(self.http_port)
        return words


@contextlib.contextmanager
def beside(work: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run `work(report, *arguments)` in a process that is ended with the context; begin when it first reports."""
    reports, theirs = _fork.Pipe(duplex=False)
    process = _fork.Process(target=_enter, args=(work, theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        take(reports, START_DEADLINE)
        yield reports
    finally:
        process.kill()
        process.join()
        process.close()
        reports.close()


def take(reports: Connection, patience: float) -> Any:
    """Wait for a report.

    :raises GatewayError: when none comes within `patience` seconds.
    """
    try:
        if reports.poll(patience):
            return reports.recv()
    except EOFError:
        pass
    raise GatewayError(f"a client did not do its part within {patience:g} s")


def _enter(work: Callable[..., None], report: Connection, *arguments: object) -> None:
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this ends it
    with contextlib.suppress(OSError):
        work(report, *arguments)


@contextlib.contextmanager
def apart(pids: Iterable[int]) -> Iterator[None]:
    """Give the servers a processor of their own, and this process and those it starts another one."""
    mine = os.sched_getaffinity(0)
    if len(mine) > 1:
        for pid in pids:
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(task.name), {min(mine)})
        os.sched_setaffinity(0, {max(mine)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
