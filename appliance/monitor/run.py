"""Octets that went over the line in one direction, as they are kept and as they are looked at."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appliance.line.branch import Branch

JOIN = 0.15
"""Seconds without an octet after which a talk has ended: 33 bit times at 300 bit/s (EN 13757-2) and a little more."""
LONGEST_TALK = 8192
"""Octets after which a talk is ended though there is no pause; no meter and no client talks for as long."""

Kept = tuple["Branch | None", str, float, float, float, int, bytes, int, int]
"""The fields of `Run`. A plain tuple takes a third of the time to make, on the path of every byte."""


class Run(NamedTuple):
    """Octets without a pause between."""

    branch: Branch | None
    """The branch that they came from; None for those to the meters, which go to every branch."""
    party: str
    """Who sent them to the meters, or, of what came from them, who had sent before."""
    began: float
    """When the first octet was seen, in monotonic seconds."""
    written: float
    """When the last one was seen."""
    ended: float
    """When the last one was on the wire: reckoned for what went to the meters."""
    position: int
    """Octets that went over the line before them, in both directions, since the recording began."""
    octets: bytes
    dropped: int
    """How many of the last octets never reached the wire."""
    baud: int
    """The speed of the line, in bit/s."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Runs of one direction and party with no more than short pauses between: a frame, or several in a row."""

    runs: tuple[Run, ...]

    @property
    def branch(self) -> Branch | None:
        """See `Run`."""
        return self.runs[0].branch

    @property
    def party(self) -> str:
        """See `Run`."""
        return self.runs[0].party

    @property
    def position(self) -> int:
        """See `Run`."""
        return self.runs[0].position

    @property
    def baud(self) -> int:
        """See `Run`."""
        return self.runs[0].baud

    @property
    def octets(self) -> bytes:
        """All octets."""
        return b"".join(run.octets for run in self.runs)

    @property
    def end(self) -> int:
        """Position of what comes next."""
        return self.runs[-1].position + len(self.runs[-1].octets)

    @property
    def written(self) -> float:
        """When the last octet was seen."""
        return self.runs[-1].written

    @property
    def ended(self) -> float:
        """When the last octet was on the wire."""
        return self.runs[-1].ended

    def seen(self, place: int) -> float:
        """Say when the octet at `place` was seen, or one before it in its run, in monotonic seconds."""
        begins = list(accumulate((len(run.octets) for run in self.runs[:-1]), initial=0))
        return self.runs[bisect_right(begins, place) - 1].began

    def is_dropped(self, place: int) -> bool:
        """Say whether the octet at `place` never reached the wire."""
        begin = 0
        for run in self.runs:
            if begin <= place < begin + len(run.octets):
                return place >= begin + len(run.octets) - run.dropped
            begin += len(run.octets)
        return False


def talks_of(runs: Iterable[Run]) -> Iterator[Talk]:
    """Join the runs that belong together."""
    together: list[Run] = []
    size = 0
    for run in runs:
        if together and not (belongs(together[-1], run) and size + len(run.octets) <= LONGEST_TALK):
            yield Talk(tuple(together))
            together, size = [], 0
        together.append(run)
        size += len(run.octets)
    if together:
        yield Talk(tuple(together))


def belongs(before: Run, run: Run) -> bool:
    """Say whether no more than a short pause stands between two runs of one direction and party."""
    return run.branch is before.branch and run.party == before.party and run.began - before.ended < JOIN
