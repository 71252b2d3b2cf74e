"""The server's event loop."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING

from appliance.service import Abandoned

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.service import Service


class _Selector(selectors.EpollSelector):
    """Says when the service rests and that it came round. Nothing ticks for that."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service
        self.is_given_up = False
        self.is_ending = False
        """Whether the service only tears down what it has, and says nothing of itself any more."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.is_ending:
            return super().select(timeout)
        if self.is_given_up:
            raise Abandoned  # asyncio swallows the one that was sent, if it met a callback
        service = self.service
        service.is_resting = timeout is None or timeout > 0
        try:
            return super().select(timeout)
        finally:
            service.is_resting = False
            service.beat()


class Loop(asyncio.SelectorEventLoop):
    """An asyncio loop on the clock of the service."""

    def __init__(self, service: Service, clock: Callable[[], float]) -> None:
        """Make the loop of `service`."""
        self._clock_of_service = clock
        self.watched = _Selector(service)
        super().__init__(self.watched)

    def time(self) -> float:
        """Seconds of the service's clock."""
        return self._clock_of_service()
