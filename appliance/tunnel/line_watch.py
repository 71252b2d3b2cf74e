"""The line's ports in the tunnel's poll loop."""

from __future__ import annotations

import select
from functools import partial
from typing import TYPE_CHECKING

from appliance.tunnel.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.line.branch import Branch
    from appliance.line.line import Line
    from appliance.tunnel.poller import Poller

SMALL_READ = 512
LARGE_READ = 4096
"""Bytes asked for at a time. A frame fits the small read, whose memory Python has at hand; one that was filled is
followed by large ones, until one brings no more than a small one would have."""

_GONE = select.EPOLLHUP | select.EPOLLERR


class LineWatch:
    """Waits for what the line's ports can do, while the line is in the tunnel's hands.

    Somebody else who holds the bus reads and writes the ports himself.
    """

    def __init__(
        self, poller: Poller, line: Line, *, on_data: Callable[[bytes], None], on_down: Callable[[], None]
    ) -> None:
        """Give what arrives to `on_data`; call `on_down` when no port is left."""
        self._poller = poller
        self._line = line
        self._on_data = on_data
        self._on_down = on_down
        self._watched: dict[Branch, int] = {}
        self._chunk = SMALL_READ
        self.is_reading = True
        """Off while a client does not take what it got already: then the kernel keeps the rest, or drops it."""

    @property
    def is_ours(self) -> bool:
        """Whether the bus is free or held by a client of the tunnel."""
        holder = self._line.lease.holder
        return holder is None or isinstance(holder, Session)

    def mind(self) -> None:
        """Wait for those events of the ports that matter now."""
        # Looked at once: it may change hands meanwhile, and then we are woken and come again.
        holder = self._line.lease.holder
        stranger = None if holder is None or isinstance(holder, Session) else holder
        wanted = self._line.up if stranger is None else ()
        for branch, fd in list(self._watched.items()):
            if branch not in wanted or branch.in_use.fd != fd:
                self._poller.forget(fd)
                del self._watched[branch]
        reading = select.EPOLLIN if self.is_reading else 0
        for branch in wanted:
            mask = reading | (select.EPOLLOUT if branch.pending else 0)
            if branch in self._watched:
                self._poller.change(self._watched[branch], mask)
            else:
                self._watched[branch] = branch.in_use.fd
                self._poller.watch(branch.in_use.fd, mask, partial(self._on_branch, branch))
        if self._line.left_to is not stranger:
            self._line.left_to = stranger
            self._line.on_left()
        if not self._line.up:
            self._on_down()

    def _on_branch(self, branch: Branch, events: int) -> None:
        if events & select.EPOLLIN:
            data = self._line.read(branch, self._chunk, self._poller.now)
            if data:
                self._chunk = LARGE_READ if len(data) >= SMALL_READ else SMALL_READ
                self._on_data(data)
        elif events & _GONE:
            self._line.lose(branch, f"{branch.url}: device disconnected")
        if events & select.EPOLLOUT and branch.pending:
            self._line.write_pending(branch)
        if branch.port is None or (events & select.EPOLLOUT and not branch.pending):
            self.mind()
            self._poller.at(self._poller.now)  # there is room for a client that was paused
