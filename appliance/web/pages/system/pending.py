"""Configurations that somebody has uploaded and looks at before they are applied: in memory, few, and not for long."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.settings import Difference

LIFETIME = 600.0
"""Seconds that one is kept."""
MOST = 4
"""Users whose configuration is kept at a time; of each the last one. The oldest goes first."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A configuration and what was shown of it."""

    text: str
    differences: tuple[Difference, ...]
    token: str
    """By which its owner means it."""
    made_at: float


class PendingImports:
    """Keeps them. Any thread may use it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `clock` gives seconds."""
        self._clock = clock
        self._kept: dict[str, Pending] = {}
        self._lock = threading.Lock()

    def put(self, user: str, text: str, differences: tuple[Difference, ...]) -> str:
        """Keep a configuration for `user` in place of a former one; give its token."""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._forget_old()
            self._kept.pop(user, None)
            while len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[user] = Pending(text, differences, token, self._clock())
        return token

    def take(self, user: str, token: str) -> Pending | None:
        """Give back what `user` means by `token`, once; None when it is gone, or never was."""
        with self._lock:
            self._forget_old()
            found = self._kept.get(user)
            if found is None or not secrets.compare_digest(found.token.encode(), token.encode("utf-8", "replace")):
                return None
            return self._kept.pop(user)

    def _forget_old(self) -> None:
        now = self._clock()
        self._kept = {user: kept for user, kept in self._kept.items() if now - kept.made_at < LIFETIME}
