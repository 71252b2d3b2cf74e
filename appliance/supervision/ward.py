"""One service under supervision."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.service import Service

PROBE = 30.0
"""Seconds after which even a service that rests must show that it can be woken."""

WINDOW = 300.0
"""Seconds within which restarts count as belonging together."""


@dataclass(frozen=True, slots=True)
class WardSnapshot:
    """State of one service."""

    name: str
    is_alive: bool
    restarts: int
    trouble: str | None
    """What was wrong the last time; `None` when nothing ever was."""
    trouble_at: float | None
    """When that was, seconds of the wall clock."""


class Ward:
    """A service, how to build it anew, and the signs of life that it gave."""

    def __init__(self, name: str, build: Callable[[], Service]) -> None:
        """Look after the service that `build` makes; each call makes one that takes the place of the one before."""
        self.name = name
        self.service: Service | None = None
        self.restarts = 0
        self.trouble: str | None = None
        self.trouble_at: float | None = None
        self.not_before = float("-inf")
        """When it may be restarted next."""
        self._build = build
        self._recent: deque[float] = deque()
        self._asked_at: float | None = None
        self._beats = 0
        self._probed_at = float("-inf")

    def start(self, now: float) -> None:
        """Build the service and start it. What goes wrong there is raised."""
        self._asked_at, self._probed_at, self._beats = None, now, 0
        try:
            service = self._build()
            service.start()
        except BaseException:
            self.service = None
            raise
        self.service = service

    @property
    def owes_answer(self) -> bool:
        """Whether it was woken and has not been seen to come round yet."""
        return self._asked_at is not None

    def look(self, now: float) -> str | None:
        """Look for signs of life, and ask for one where that is due.

        Nothing ticks in a service for this. One that rests is left alone for `PROBE` seconds; one that is busy is
        woken and must come round within its own patience.

        :returns: what is wrong, in words; `None` while all is well.
        """
        service = self.service
        if service is None:
            return "could not be started"
        if not service.is_alive:
            failure = service.failure
            return "ended by itself" if failure is None else f"died: {type(failure).__name__}: {failure}"
        if self._asked_at is not None:
            if service.beats == self._beats:
                silent = now - self._asked_at
                return f"hangs: no sign of life for {silent:.1f} s" if silent >= service.patience else None
            self._asked_at = None
        if not service.is_resting or now - self._probed_at >= PROBE:
            self._beats, self._asked_at, self._probed_at = service.beats, now, now
            service.wake()
        return None

    def forgive(self, now: float) -> None:
        """Let the time for an answer begin anew: the whole machine stood still."""
        if self._asked_at is not None:
            self._asked_at = now

    def note(self, trouble: str, now: float, wall: float) -> int:
        """Remember a failure.

        :returns: how many there were lately, this one included.
        """
        self.restarts += 1
        self.trouble, self.trouble_at = trouble, wall
        self._recent.append(now)
        while self._recent[0] < now - WINDOW:
            self._recent.popleft()
        return len(self._recent)

    def is_failing(self, now: float) -> bool:
        """Whether it had to be restarted lately, more than once."""
        return sum(at >= now - WINDOW for at in self._recent) > 1

    def snapshot(self) -> WardSnapshot:
        """State (any thread)."""
        service = self.service
        return WardSnapshot(
            self.name,
            is_alive=service is not None and service.is_alive,
            restarts=self.restarts,
            trouble=self.trouble,
            trouble_at=self.trouble_at,
        )
