"""`clear counters`: what the counters read when somebody cleared them on the console.

The services count since the start and are asked, never told; what they show elsewhere goes on from there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

Counts = Mapping[str, float | None]
"""Numbers by label; None is not available on this device."""


class Baselines:
    """Counters of each group as they were when they were cleared; shared by all sessions (any thread)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[str, dict[str, float]] = {}

    def clear(self, group: str, counts: Counts) -> None:
        """Count `group` from `counts` on."""
        with self._lock:
            self._groups[group] = {label: count for label, count in counts.items() if count is not None}

    def since(self, group: str, counts: Counts) -> dict[str, float | None]:
        """Give `counts` less what they were when cleared.

        A service that was built anew may count from zero again: then its own count is the best answer.
        """
        with self._lock:
            base = self._groups.get(group, {})
        found: dict[str, float | None] = {}
        for label, count in counts.items():
            before = base.get(label, 0)
            found[label] = count if count is None or count < before else count - before
        return found
