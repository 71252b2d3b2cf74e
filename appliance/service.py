"""What a service is: a thread that can be told to stop and says that it is alive."""

from __future__ import annotations

import ctypes
import logging
import threading
from abc import ABC, abstractmethod

from appliance.errors import ServiceError

log = logging.getLogger(__name__)

STOP_DEADLINE = 1.5
"""Seconds that a service may take to end after it was told to. The whole appliance has two."""

PATIENCE = 1.8
"""Seconds that a service which was woken may take to say that it is alive."""


class Abandoned(BaseException):
    """Ends the thread of a service that was given up; nothing should catch it."""


class Service(ABC):
    """One part of the appliance with a thread of its own.

    A subclass writes `run`, which returns soon after `stopping` is set, and calls `beat` each time it comes round.
    Between rounds it waits with `rest`; one that waits on something else (a poll loop) sets `is_resting` around that
    wait and overrides `wake`, which must be callable from any thread and bring the service round once.
    What it holds besides its thread it gives back in `release`.

    A service is started once; after `stop` or `abandon` a new one is built.
    """

    patience = PATIENCE
    """Seconds within which it comes round when woken. A service sets it higher before work that may take longer."""

    def __init__(self, name: str) -> None:
        """Prepare the service called `name`; nothing runs before `start`."""
        self.name = name
        self.stopping = threading.Event()
        self.failure: BaseException | None = None
        self.beats = 0
        """Times that it has come round; whoever sees the number change knows that it is alive."""
        self.is_resting = False
        """Whether it waits for something to do, as opposed to being busy or stuck."""
        self.thread = threading.Thread(target=self._guarded_run, name=name, daemon=True)
        self._attention = threading.Event()
        self._release_lock = threading.Lock()
        self._is_released = False

    @abstractmethod
    def run(self) -> None:
        """Do the service's work in its own thread until `stopping` is set."""

    def release(self) -> None:  # noqa: B027 (many services hold nothing)
        """Give back what the service holds. Called once: by its thread at the end, or when it was given up as stuck."""

    def wake(self) -> None:
        """Make the service come round now (any thread)."""
        self._attention.set()

    def beat(self) -> None:
        """Say that the service is alive (its own thread)."""
        self.beats += 1

    def rest(self, seconds: float | None) -> None:
        """Wait until `wake`, at most `seconds` (its own thread)."""
        self.is_resting = True
        self._attention.wait(seconds)
        self.is_resting = False
        self._attention.clear()

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
            self._release_once()
            return
        self.thread.join(deadline)
        if self.thread.is_alive():
            raise ServiceError(f"service {self.name} did not stop within {deadline:g} s")

    def abandon(self, grace: float = 0.2) -> None:
        """Give up a service that is stuck, and free what it holds so that another can take its place.

        No thread can be killed from outside; it is sent an exception, which ends it as soon as it runs Python code
        again. One that loops ends at once. One that waits in the kernel stays there, and on its return ends before
        it can touch a descriptor that by then may belong to something else.
        """
        self.stopping.set()
        ident = self.thread.ident
        if ident is not None and self.thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Abandoned))
            self.thread.join(grace)
        self._release_once()

    def _guarded_run(self) -> None:
        try:
            self.run()
        except Abandoned:
            log.warning("service %s, given up before, has ended", self.name)
        except BaseException as error:
            self.failure = error
            log.exception("service %s died", self.name)
        finally:
            self._release_once()

    def _release_once(self) -> None:
        with self._release_lock:
            if self._is_released:
                return
            self._is_released = True
        try:
            self.release()
        except Exception:
            log.exception("service %s could not give back all that it held", self.name)
