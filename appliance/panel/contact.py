"""When a bouncing contact was really closed and really opened. Pure; time is given."""

from __future__ import annotations

BOUNCE = 0.05
"""Seconds for which a contact may bounce, and for which it must rest before a change counts."""

CHATTER = 0.5
"""Seconds after which a closed contact that never comes to rest counts as open: noise must not hold a button."""

ROUNDING = 1e-6
"""Seconds that floating-point time may lose."""


class Contact:
    """Debounces a contact that is sampled at any intervals, and keeps its times exact to the sample.

    A press begins with the first closed sample of its bounce, at most `BOUNCE` before the contact rests closed; it
    ends with the first open sample after which it does not rest closed again.
    """

    def __init__(self) -> None:
        """Begin open."""
        self.closed_at: float | None = None
        """When the present press began; None while the contact is open."""
        self._last: bool | None = None
        self._same_since = 0.0
        self._doubted_since: float | None = None
        """The first sample that spoke against the present state, until it has come to rest again."""

    @property
    def is_moving(self) -> bool:
        """Whether a change is in doubt."""
        return self._doubted_since is not None

    def until(self, now: float) -> float:
        """Give the time up to which the present press lasted for sure; `now` unless an opening is in doubt."""
        return now if self._doubted_since is None else self._doubted_since

    def update(self, is_closed: bool, now: float) -> float | None:
        """Take a sample.

        :returns: when the contact was opened, if that is certain with this sample.
        """
        if is_closed is not self._last:
            self._last, self._same_since = is_closed, now
        rests = now - self._same_since >= BOUNCE - ROUNDING
        if is_closed is (self.closed_at is not None):
            if rests:
                self._doubted_since = None
        else:
            if self._doubted_since is None:
                self._doubted_since = now
            if rests and is_closed:
                recent = self._same_since - self._doubted_since <= BOUNCE + ROUNDING
                self.closed_at = self._doubted_since if recent else self._same_since
                self._doubted_since = None
                return None
        doubted = self._doubted_since
        if self.closed_at is None or doubted is None:
            return None
        if (rests and not is_closed) or now - doubted > CHATTER:
            self.closed_at = self._doubted_since = None
            if is_closed:
                self._doubted_since = self._same_since
            return doubted
        return None
