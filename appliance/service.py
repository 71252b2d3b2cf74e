"""What a service is: a thread that can be told to stop and says that it is alive."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from appliance.errors import ServiceError

log = logging.getLogger(__name__)

STOP_DEADLINE = 1.5
"""Seconds that a service may take to end after it was told to. The whole appliance has two."""


class Service(ABC):
    """One part of the appliance with a thread of its own.

    A subclass writes `run`, which returns soon after `stopping` is set. One that waits on something other than
    `stopping` (a poll loop) also overrides `wake`, which must be callable from any thread.
    A service is started once; after `stop` a new one is built.
    """

    def __init__(self, name: str) -> None:
        """Prepare the service called `name`; nothing runs before `start`."""
        self.name = name
        self.stopping = threading.Event()
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._guarded_run, name=name, daemon=True)

    @abstractmethod
    def run(self) -> None:
        """Do the service's work in its own thread until `stopping` is set."""

    def wake(self) -> None:  # noqa: B027 (most services wait on `stopping` itself and need no other way to be woken)
        """Make `run` look at its surroundings now."""

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self.thread.is_alive()

    def start(self) -> None:
        """Start the thread.

        :raises ServiceError: when it was started before.
        """
        if self.thread.ident is not None:
            raise ServiceError(f"service {self.name} was started before")
        self.thread.start()

    def stop(self, deadline: float = STOP_DEADLINE) -> None:
        """Tell the service to stop and wait for its end, at most `deadline` seconds.

        :raises ServiceError: when the thread outlives the deadline.
        """
        self.stopping.set()
        self.wake()
        if self.thread.ident is None:
            return
        self.thread.join(deadline)
        if self.thread.is_alive():
            raise ServiceError(f"service {self.name} did not stop within {deadline:g} s")

    def _guarded_run(self) -> None:
        try:
            self.run()
        except BaseException as error:
            self.failure = error
            log.exception("service %s died", self.name)
