"""Records what goes over the line, and gives the last telegrams of it."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from operator import itemgetter
from typing import TYPE_CHECKING

from appliance.monitor.grouping import telegrams_of
from appliance.monitor.line_telegram import DEVICE
from appliance.monitor.run import JOIN, Run, Talk, belongs, talks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appliance.line.branch import Branch
    from appliance.line.lease import Party
    from appliance.line.line import Line
    from appliance.monitor.line_telegram import LineTelegram
    from appliance.monitor.run import Kept

MOST_MEMORY = 1024 * 1024
"""Bytes of memory that the recording takes: room for 3300 telegrams of 52 octets, as requests and answers have on the
average, or for 3900 of 5."""
OWN_SIZE = 260
"""Bytes of memory that a run takes besides its octets (measured: 205 to 235, and what the allocator rounds up)."""
LONGEST_RUN = 4096
"""Octets after which another run begins though there is no pause."""
PAUSE = 0.05
"""Seconds without an octet after which another run begins; a character takes 0.037 s at 300 bit/s."""
ANSWER_PATIENCE = 1.5
"""Seconds after which a request counts as unanswered: the answer window at 300 bit/s and what slow meters take more."""
CONTEXT = 200
"""Runs before those wanted that are looked at too."""


class LineMonitor:
    """A tap of the line with a memory.

    `sent`, `heard` and `dropped` are called by the one thread that has the line in hand; they take no lock and do next
    to nothing. What they kept is put into telegrams by whoever looks (any thread).

    The number of a telegram is that of its first octet, counted from 1 over all that went over the line in both
    directions: telegrams in their order have growing numbers, with gaps.
    """

    def __init__(
        self, line: Line, *, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        """Record what goes over `line` from now on; `clock` is the line's, `wall` seconds since 1970."""
        self._line = line
        self._clock = clock
        self._wall = wall
        self._runs: deque[Kept] = deque()
        never = float("-inf")
        self._last: Kept = (None, "", never, never, never, 0, b"", 0, 0)
        self._memory = 0
        self._party: Party | None = None
        self._name = ""
        line.tap = self

    # The thread that has the line in hand.

    def sent(self, party: Party | None, octets: bytes, now: float, ends: float) -> None:
        """Keep what goes to the meters."""
        if ends < now:  # a line that is lost at this moment has no reckoning
            ends = now
        branch, name, began, _, ended, position, kept, _, baud = self._last
        if party is not self._party:
            self._party = party
            self._name = "" if party is None else DEVICE if party.in_background else str(party)
        elif branch is None and now - ended < PAUSE and 0 < len(kept) < LONGEST_RUN:
            self._memory += len(octets)
            self._last = self._runs[-1] = (None, name, began, now, ends, position, kept + octets, 0, baud)
            return
        self._begin((None, self._name, now, now, ends, position + len(kept), octets, 0, self._line.baud))

    def heard(self, branch: Branch, octets: bytes, now: float) -> None:
        """Keep what comes from the meters."""
        before, name, began, _, ended, position, kept, _, baud = self._last
        if branch is before and now - ended < PAUSE and len(kept) < LONGEST_RUN:
            self._memory += len(octets)
            self._last = self._runs[-1] = (branch, name, began, now, now, position, kept + octets, 0, baud)
        else:
            self._begin((branch, self._name, now, now, now, position + len(kept), octets, 0, self._line.baud))

    def dropped(self, count: int, ends: float) -> None:
        """Note that the last octets to the meters never left."""
        for place in reversed(range(len(self._runs))):
            if count <= 0:
                break
            branch, name, began, written, ended, position, octets, _, baud = self._runs[place]
            if branch is None:
                of_this = min(count, len(octets))
                self._runs[place] = (branch, name, began, written, min(ended, ends), position, octets, of_this, baud)
                count -= of_this
        if self._runs:
            self._last = self._runs[-1]

    def _begin(self, run: Kept) -> None:
        runs = self._runs
        self._last = run
        runs.append(run)
        self._memory += OWN_SIZE + len(run[6])
        while self._memory > MOST_MEMORY:
            self._memory -= OWN_SIZE + len(runs.popleft()[6])

    # Any thread.

    def after(self, number: int) -> Iterator[LineTelegram]:
        """Give the telegrams with greater numbers, the oldest first."""
        talks, offset = self._talks(number), self._wall_offset()
        for place, talk in enumerate(talks):
            if talk.end > number:
                yield from (one for one in telegrams_of(talks, place, offset) if one.number > number)

    def latest(self) -> Iterator[LineTelegram]:
        """Give all telegrams, the newest first."""
        talks, offset = self._talks(), self._wall_offset()
        for place in reversed(range(len(talks))):
            yield from reversed(telegrams_of(talks, place, offset))

    def find(self, number: int) -> LineTelegram | None:
        """Give the telegram of that number; None for one that there is not, or no longer."""
        found = next(self.after(number - 1), None)
        return found if found is not None and found.number == number else None

    @property
    def oldest(self) -> int:
        """The number from which on nothing is forgotten."""
        kept = self._copy()
        return Run._make(kept[0]).position + 1 if kept else 1

    @property
    def settled(self) -> int:
        """The number of the last octet that `after` and `latest` tell of; what comes later has greater numbers."""
        talks = self._talks(self._last[5])
        return talks[-1].end if talks else 0

    def _copy(self) -> tuple[Kept, ...]:
        while True:
            try:
                return tuple(self._runs)
            except RuntimeError:  # it grew meanwhile
                continue

    def _talks(self, number: int = 0) -> list[Talk]:
        """Give the talks that will not change any more, so that a telegram is the same whenever it is looked at.

        They begin some way before that number, so that the request before is among them.
        """
        kept = self._copy()
        first = max(0, bisect_right(kept, number, key=itemgetter(5)) - CONTEXT)
        runs = [Run._make(run) for run in kept[first:]]
        if first:
            while len(runs) > 1 and belongs(runs[0], runs[1]):
                del runs[0]
        talks = list(talks_of(runs))
        if talks:
            patience = ANSWER_PATIENCE if talks[-1].branch is None else JOIN
            if self._clock() - talks[-1].ended < patience:
                talks.pop()
        return talks

    def _wall_offset(self) -> float:
        # By the difference of now: a clock that was set since, as at the first word of a time server, does not matter.
        return self._wall() - self._clock()
