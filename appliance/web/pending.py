"""Changes that a visitor has typed and has yet to confirm: kept here, so that no secret goes back to the browser."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIELD = "pending"
"""Name of the field with the token."""
LIFETIME = 600.0
"""Seconds that a change waits."""
MOST = 16
"""Changes that wait at a time, of all visitors; then the oldest goes."""


@dataclass(frozen=True, slots=True)
class _Pending:
    user: str
    change: object
    until: float


class PendingChanges:
    """Hands a token out for a change, and the change back for the token: once, to the same user, for a while."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none."""
        self._clock = clock
        self._lock = threading.Lock()
        self._changes: OrderedDict[str, _Pending] = OrderedDict()

    def keep(self, user: str, change: object) -> str:
        """Keep `change` for `user`, and give the token."""
        token = secrets.token_urlsafe(24)
        now = self._clock()
        with self._lock:
            for old in [name for name, pending in self._changes.items() if pending.until <= now]:
                del self._changes[old]
            while len(self._changes) >= MOST:
                self._changes.popitem(last=False)
            self._changes[token] = _Pending(user, change, now + LIFETIME)
        return token

    def take(self, user: str, token: str) -> object | None:
        """Give the change, which is forgotten then; None where there is none, or no more, or another user's."""
        with self._lock:
            pending = self._changes.get(token)
            if pending is None or pending.user != user:
                return None
            del self._changes[token]
        return pending.change if pending.until > self._clock() else None
