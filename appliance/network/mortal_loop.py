"""An event loop that leaves no socket open, wherever its thread was struck."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Coroutine

GRACE = 1.0
"""Seconds that tasks have to end after they were cancelled."""


class MortalLoop(asyncio.SelectorEventLoop):
    """Ends in good order, also when its thread was given up (`appliance.service.Abandoned`).

    That exception may come up anywhere. Inside a datagram transport it is taken for an error of the connection, and
    all later use of the transport fails; between the queue of callbacks and their call it lets a task's next step be
    forgotten, and the task never ends. So the wait for the tasks has an end, and sockets are closed without them.
    """

    def __init__(self) -> None:
        """Make the loop; it has no sockets but its own."""
        super().__init__()
        self._adopted: list[socket.socket] = []

    async def create_datagram_endpoint(self, *arguments: Any, **options: Any) -> Any:
        """Do as the library's own, and remember the socket until it is closed."""
        self._adopted = [known for known in self._adopted if known.fileno() >= 0]
        if options.get("sock") is not None:
            self._adopted.append(options["sock"])
        return await super().create_datagram_endpoint(*arguments, **options)

    def run_to_the_end(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`, then end all other tasks and close the loop; whatever `work` raised is raised."""
        try:
            self.run_until_complete(work)
        finally:
            try:
                self._end_tasks()
            finally:
                self.close()

    def close(self) -> None:
        """Close the loop and all sockets."""
        super().close()
        for adopted in self._adopted:
            adopted.close()

    def _end_tasks(self) -> None:
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left, timeout=GRACE))
