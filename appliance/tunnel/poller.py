"""Waits for descriptors and for one deadline, in one thread."""

from __future__ import annotations

import contextlib
import select
import time
from typing import TYPE_CHECKING

from appliance.waker import Waker

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from appliance.service import Service

    Handler = Callable[[int], None]

FOREVER = float("inf")

EVENTS = 32
"""Events taken at a time; by default Python makes room for a thousand at each call."""


class Poller:
    """A poll loop's inside: handlers by descriptor, a deadline, and a way to be woken.

    Nothing ticks: with no deadline set and no event, the thread sleeps. Methods are for the loop's thread, `wake`
    for any.
    """

    def __init__(self, on_wake: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Call `on_wake` in the loop's thread after each `wake`."""
        self._clock = clock
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._masks: dict[int, int] = {}
        self._last: dict[int, Handler] = {}
        self._waker = Waker()
        self._on_wake = on_wake
        self.due = FOREVER
        self.now = clock()
        """When the events that are being handled were seen, seconds of the loop's clock."""
        self.watch(self._waker.fileno(), select.EPOLLIN, self._woken, last=True)

    def watch(self, fd: int, mask: int, handler: Handler, *, last: bool = False) -> None:
        """Call `handler` with the events of `fd` that are in `mask`.

        Handlers that bring new descriptors into being are `last` in their round: else an event meant for a descriptor
        that was closed in this round could reach a new one of the same number.
        """
        self._epoll.register(fd, mask)
        (self._last if last else self._handlers)[fd] = handler
        self._masks[fd] = mask

    def change(self, fd: int, mask: int) -> None:
        """Wait for other events of `fd`."""
        if self._masks[fd] != mask:
            self._masks[fd] = mask
            self._epoll.modify(fd, mask)

    def forget(self, fd: int) -> None:
        """Stop waiting for `fd`; it may be closed already."""
        if self._masks.pop(fd, None) is not None:
            self._handlers.pop(fd, None)
            self._last.pop(fd, None)
            with contextlib.suppress(OSError):  # closed, the kernel has forgotten it by itself
                self._epoll.unregister(fd)

    def at(self, due: float) -> None:
        """Have `serve` call its `on_due` at `due` or before."""
        self.due = min(self.due, due)

    def wake(self) -> None:
        """Make the loop call `on_wake` now (any thread)."""
        self._waker.wake()

    def serve(self, service: Service, *, on_due: Callable[[], None]) -> None:
        """Wait for events and handle them until `service` is stopping.

        `on_due` is called when the deadline has passed and is unset.
        """
        poll, clock, handlers, last = self._epoll.poll, self._clock, self._handlers, self._last
        is_done = service.stopping.is_set
        while not is_done():
            due = self.due
            timeout = None if due == FOREVER else max(0.0, due - clock())
            service.is_resting = True
            events = poll(timeout, EVENTS)
            service.is_resting = False
            self.now = clock()
            postponed = None
            for fd, event in events:
                handler = handlers.get(fd)
                if handler is not None:
                    handler(event)
                else:  # one of the last, or closed by a handler before it
                    postponed = events
            for fd, event in postponed or ():
                if fd in last:
                    last[fd](event)
            if self.due <= self.now:
                self.due = FOREVER
                on_due()

    def close(self, thread: threading.Thread) -> None:
        """Free the loop's own descriptors; `thread` is the loop's."""
        self._waker.close(thread)
        self._epoll.close()

    def look_at_the_clock(self) -> None:
        """Take the present for `now`, outside of a round."""
        self.now = self._clock()

    def _woken(self, _events: int) -> None:
        self._waker.clear()
        self._on_wake()
