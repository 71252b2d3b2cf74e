"""The trial of new firmware: it must be well for a while, or the former comes back."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

PERIOD = 5.0
"""Seconds between two looks."""

LIMIT = 600.0
"""Seconds after the start of the program within which the trial must end well."""


class Verdict(Enum):
    """What a look at the device leads to."""

    WAIT = "wait"
    GOOD = "good"
    HOPELESS = "hopeless"


class Trial:
    """Looks at the device again and again, for the thread of one service."""

    def __init__(self, ailments: Callable[[], Sequence[str]], *, began_at: float) -> None:
        """Ask `ailments` what is wrong.

        :param began_at: when the trial began, on the clock whose time `look` is given.
        """
        self._ailments = ailments
        self._began_at = began_at
        self._well_since: float | None = None
        self._last: tuple[str, ...] = ()

    @property
    def complaint(self) -> str:
        """What was wrong at the last look, in one line."""
        return "; ".join(self._last)

    def look(self, now: float, period: float) -> Verdict:
        """Look once; say whether it was well for `period` seconds without a break, or was given time enough."""
        ailments = tuple(self._ailments())
        now_or_since = self._well_since if self._well_since is not None else now
        if ailments != self._last:
            log.info("new firmware on trial: %s", "; ".join(ailments) or "all is well")
        self._last = ailments
        self._well_since = None if ailments else now_or_since
        if self._well_since is not None and now - self._well_since >= period:
            return Verdict.GOOD
        # One that is well at the last moment is not cut off.
        if self._well_since is None and now - self._began_at >= LIMIT:
            return Verdict.HOPELESS
        return Verdict.WAIT

    def ends(self, period: float) -> float | None:
        """Give when it will end well if nothing goes wrong; None while it is not well."""
        return None if self._well_since is None else self._well_since + period
