"""Waits for descriptors and for one deadline, in one thread."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[int], None]

FOREVER = float("inf")


class Poller:
    """A poll loop's inside: handlers by descriptor, a deadline, and a way to be woken.

    Nothing ticks: with no deadline set and no event, the thread sleeps. Methods are for the loop's thread, `wake`
    for any.
    """

    def __init__(self, on_wake: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Call `on_wake` in the loop's thread after each `wake`."""
        self._clock = clock
        self._poll = select.poll()
        self._handlers: dict[int, Handler] = {}
        self._masks: dict[int, int] = {}
        self._last: set[int] = set()
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._on_wake = on_wake
        self._is_open = True
        self.due = FOREVER
        self.now = clock()
        """When the events that are being handled were seen, seconds of the loop's clock."""
        self.watch(self._event, select.POLLIN, self._woken, last=True)

    def watch(self, fd: int, mask: int, handler: Handler, *, last: bool = False) -> None:
        """Call `handler` with the events of `fd` that are in `mask`.

        Handlers that bring new descriptors into being are `last` in their round: else an event meant for a descriptor
        that was closed in this round could reach a new one of the same number.
        """
        self._poll.register(fd, mask)
        self._handlers[fd] = handler
        self._masks[fd] = mask
        if last:
            self._last.add(fd)

    def change(self, fd: int, mask: int) -> None:
        """Wait for other events of `fd`."""
        if self._masks[fd] != mask:
            self._masks[fd] = mask
            self._poll.modify(fd, mask)

    def forget(self, fd: int) -> None:
        """Stop waiting for `fd`; it may be closed already."""
        if self._handlers.pop(fd, None) is not None:
            del self._masks[fd]
            self._last.discard(fd)
            with contextlib.suppress(KeyError):
                self._poll.unregister(fd)

    def at(self, due: float) -> None:
        """Return from `turn` at `due` or before."""
        self.due = min(self.due, due)

    def wake(self) -> None:
        """Make the loop call `on_wake` now (any thread)."""
        if self._is_open:
            with contextlib.suppress(OSError):
                os.eventfd_write(self._event, 1)

    def turn(self) -> bool:
        """Wait for events or the deadline and handle the events.

        :returns: whether the deadline has passed; it is then no longer set.
        """
        due = self.due
        timeout = None if due == FOREVER else max(0.0, (due - self._clock()) * 1000)
        events = self._poll.poll(timeout)
        now = self.now = self._clock()
        last = None
        for fd, event in events:
            if fd in self._last:
                last = [*(last or ()), (fd, event)]
                continue
            handler = self._handlers.get(fd)
            if handler is not None:
                handler(event)
        if last:
            for fd, event in last:
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler(event)
        if self.due <= now:
            self.due = FOREVER
            return True
        return False

    def close(self) -> None:
        """Free the loop's own descriptor."""
        self._is_open = False
        os.close(self._event)

    def _woken(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._event)
        self._on_wake()
