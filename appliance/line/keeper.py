"""Keeps the line's ports open."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from appliance.service import PATIENCE, Service

if TYPE_CHECKING:
    from appliance.line.line import Line

RETRY = 1.0
"""Seconds between two attempts to open a device that is missing."""

NETWORK_PATIENCE = 30.0
"""Seconds that opening a URL may take: a name to look up, a host that does not answer, an RFC 2217 negotiation."""


class LineKeeper(Service):
    """Opens what is missing, again and again. That may take seconds (a network URL), so it has a thread of its own."""

    def __init__(self, line: Line) -> None:
        """Keep the ports of `line`."""
        super().__init__("line")
        self._line = line
        self._has_looked = threading.Event()
        line.on_missing = self.wake

    def run(self) -> None:
        """Open what is missing until told to stop."""
        line = self._line
        while not self.stopping.is_set():
            self.beat()
            missing = [branch for branch in line.branches if branch.is_missing]
            if any("://" in branch.url for branch in missing):
                self.patience = NETWORK_PATIENCE
            opened = [branch.open(line.wanted_baud) for branch in missing]
            self.patience = PATIENCE
            self._has_looked.set()
            if any(opened):
                line.on_change()
            self.rest(None if all(opened) else RETRY)

    def wait_for_first_look(self, deadline: float) -> None:
        """Wait until every port has been tried once, at most `deadline` seconds (any thread)."""
        self._has_looked.wait(deadline)
