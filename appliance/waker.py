"""Wakes a thread that waits for descriptors."""

from __future__ import annotations

import contextlib
import os
import threading

LEAVE = 0.5
"""Seconds in which a thread that was given up must leave its poll; whoever does not is stuck elsewhere."""


class Waker:
    """A descriptor that becomes readable when somebody calls `wake`: an eventfd(2), to wait for beside others."""

    def __init__(self) -> None:
        """Take a descriptor."""
        self._lock = threading.Lock()
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Give the descriptor; -1 after `close`."""
        return self._event

    def wake(self) -> None:
        """Make it readable; after `close` nothing happens (any thread)."""
        # Under a lock: written a moment after `close`, the number could belong to somebody else's descriptor.
        with self._lock:
            if self._event >= 0:
                os.eventfd_write(self._event, 1)

    def clear(self) -> None:
        """Make it unreadable again (the thread that waits)."""
        with contextlib.suppress(OSError, ValueError):  # nobody has woken it; or it is closed
            os.eventfd_read(self._event)

    def close(self, sleeper: threading.Thread) -> None:
        """Give the descriptor back, once `sleeper` no longer waits for it or was given `LEAVE` to.

        For poll(2) looks its descriptors up by number again when it wakes. If they were somebody else's by then, a
        thread that was given up would wait on for ever.
        """
        with self._lock:
            event, self._event = self._event, -1
        if event < 0:
            return
        os.eventfd_write(event, 1)
        if sleeper.ident is not None and sleeper is not threading.current_thread():
            sleeper.join(LEAVE)
        os.close(event)
