"""The service that samples the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.service import Service

if TYPE_CHECKING:
    from appliance.recorder.history import History


class Recorder(Service):
    """Samples a history when that is due, which is three times a minute; it does nothing between."""

    def __init__(self, history: History) -> None:
        """Go on with `history`; one that takes the place of another loses nothing."""
        super().__init__("recorder")
        self._history = history

    def run(self) -> None:
        """Sample until told to stop."""
        while not self.stopping.is_set():
            self.beat()
            wait = self._history.due_in()
            if wait > 0:
                self.rest(wait)
            else:
                self._history.sample()
