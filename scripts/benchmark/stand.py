"""The stand on which everything is measured: which gateways, how thoroughly, and how each is mounted."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.gateways import Gateway, GatewayError, family
from benchmark.wire import Wire, WireError, end_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FAILURES = (GatewayError, WireError, OSError)
"""What a gateway that cannot do a thing ends in; its value is then missing, with a note, and the others go on."""


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Keep every processor from falling asleep, which costs a sleeper more to wake from than a whole transaction takes.

    What keeps it awake runs in the scheduler's idle class: it gives way at once to whoever has work.
    """
    fork = multiprocessing.get_context("fork")
    wakers = [fork.Process(target=_stay_awake, args=(cpu,), daemon=True) for cpu in os.sched_getaffinity(0)]
    for waker in wakers:
        waker.start()
    try:
        yield
    finally:
        for waker in wakers:
            waker.kill()
            waker.join()


@contextlib.contextmanager
def apart(gateways: Iterable[Gateway]) -> Iterator[None]:
    """Give the gateways a processor of their own, and this process and those it starts another one.

    Where the scheduler puts the three that take part in a transaction changes its time by half, and changes often.
    """
    mine = os.sched_getaffinity(0)
    if len(mine) > 1:
        theirs = min(mine)
        for pid in (member for gateway in gateways for member in family(gateway.pid)):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(task.name), {theirs})
        os.sched_setaffinity(0, {max(mine)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def _stay_awake(cpu: int) -> None:
    end_with_parent()
    os.sched_setaffinity(0, {cpu})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


@dataclass
class Stand:
    """Everything that the measures share."""

    kinds: list[type[Gateway]]
    folder: Path
    quick: bool
    notes: list[str] = field(default_factory=list)

    def choose(self, quick: int, full: int) -> int:
        """Give the count for this run."""
        return quick if self.quick else full

    @contextlib.contextmanager
    def mounted(self, kind: type[Gateway]) -> Iterator[Gateway]:
        """Run a gateway on a wire of its own."""
        with contextlib.closing(Wire()) as wire, kind(wire, self.folder) as gateway:
            yield gateway

    @contextlib.contextmanager
    def all_mounted(self) -> Iterator[dict[type[Gateway], Gateway]]:
        """Run every gateway at once, each on a wire of its own, to be measured in turns; without those that fail."""
        with contextlib.ExitStack() as stack:
            gateways = {}
            for kind in self.kinds:
                try:
                    gateways[kind] = stack.enter_context(self.mounted(kind))
                except FAILURES as error:
                    self.note(kind, error)
            yield gateways

    def note(self, kind: type[Gateway], error: object) -> None:
        """Remember why a value is missing."""
        self.notes.append(f"{kind.name}: {error}")

    def take_notes(self) -> tuple[str, ...]:
        """Give the notes since the last call."""
        taken, self.notes = tuple(self.notes), []
        return taken
