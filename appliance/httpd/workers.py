"""The threads that run the application, and the queue before them."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.service import Abandoned

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from appliance.httpd.limits import Limits

log = logging.getLogger(__name__)

T = TypeVar("T")

END_TIME = 0.15
"""Seconds that the threads have to end by themselves, and again after they were given up."""


class WorkQueueFull(Exception):  # noqa: N818 (called by what happened, as those of appliance.errors)
    """Too many requests wait already."""


class WorkStuck(Exception):  # noqa: N818 (likewise)
    """A piece of work took so long that its thread was given up."""


class _Job:
    """One piece of work."""

    __slots__ = ("began", "future", "work")

    def __init__(self, work: Callable[[], object], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.began: float | None = None


class _Worker:
    """A thread of the pool."""

    def __init__(self, pool: Workers, number: int) -> None:
        self.job: _Job | None = None
        self.is_abandoned = False
        self.thread = threading.Thread(target=pool.work, args=(self,), name=f"web worker {number}", daemon=True)


class Workers:
    """A fixed number of threads. All methods are for the loop's thread, but for `work`, the threads' own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        """Start the threads; results are given in `loop`."""
        self._loop = loop
        self._limits = limits
        self._condition = threading.Condition()
        self._new: deque[_Job] = deque()
        self._urgent: deque[_Job] = deque()
        self._is_closed = False
        self._count = 0
        self._workers: list[_Worker] = []
        self._given_up: list[threading.Thread] = []
        for _ in range(limits.workers):
            self._add()

    @property
    def busy(self) -> int:
        """Workers that have something to do (any thread)."""
        return sum(worker.job is not None for worker in self._workers)

    async def run(self, work: Callable[[], T], *, is_new: bool) -> T:
        """Have `work` done by a worker.

        What is not new goes on with a request that was begun, comes first and is never refused: there can be no more
        of it than connections.

        :raises WorkQueueFull: when `is_new` and too much waits already.
        :raises WorkStuck: when it took too long.
        """
        job = _Job(work, self._loop.create_future())
        with self._condition:
            if self._is_closed:
                raise WorkQueueFull
            if is_new and len(self._new) >= self._limits.queue:
                raise WorkQueueFull
            (self._new if is_new else self._urgent).append(job)
            self._condition.notify()
        watch = self._loop.call_later(self._limits.stuck, self._look_at, job)
        try:
            result: T = await job.future
        finally:
            watch.cancel()
        return result

    def close(self) -> None:
        """End the threads: those that work after what they do now; one that is stuck is given up."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
        end = time.monotonic() + END_TIME
        for worker in self._workers:
            worker.thread.join(max(0.0, end - time.monotonic()))
        for worker in self._workers:
            if worker.thread.is_alive():
                self._abandon(worker)
        for worker in self._workers:
            worker.thread.join(max(0.0, end + END_TIME - time.monotonic()))

    def work(self, worker: _Worker) -> None:
        """Do one job after the other."""
        try:
            while True:
                with self._condition:
                    worker.job = None
                    while not (self._urgent or self._new or self._is_closed or worker.is_abandoned):
                        self._condition.wait()
                    if self._is_closed or worker.is_abandoned:
                        return
                    job = (self._urgent or self._new).popleft()
                    if job.future.cancelled():
                        continue
                    worker.job = job
                    job.began = self._loop.time()
                self._do(job)
                del job  # its result must not live until the next one comes
        except Abandoned:
            log.warning("%s, given up before, has ended", worker.thread.name)

    def _do(self, job: _Job) -> None:
        try:
            result = job.work()
        except Exception as error:  # noqa: BLE001 (it is raised again where the result is awaited)
            self._give(job, error, None)
        else:
            self._give(job, None, result)

    def _give(self, job: _Job, error: Exception | None, result: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits any more
            self._loop.call_soon_threadsafe(_settle, job.future, error, result)

    def _add(self) -> None:
        self._count += 1
        worker = _Worker(self, self._count)
        self._workers.append(worker)
        worker.thread.start()

    def _look_at(self, job: _Job) -> None:
        if job.future.done():
            return
        self._given_up = [thread for thread in self._given_up if thread.is_alive()]
        for worker in self._workers:
            if worker.job is job:
                log.error("%s is stuck in a request and is given up", worker.thread.name)
                self._abandon(worker)
                if len(self._given_up) < self._limits.abandoned:
                    self._workers.remove(worker)
                    self._given_up.append(worker.thread)
                    self._add()
                break
        else:
            with self._condition:
                for queue in (self._new, self._urgent):
                    with contextlib.suppress(ValueError):
                        queue.remove(job)
        _settle(job.future, WorkStuck(), None)

    def _abandon(self, worker: _Worker) -> None:
        """Send the thread an exception, which ends it as soon as it runs Python code again."""
        with self._condition:
            worker.is_abandoned = True
            ident = worker.thread.ident
            if worker.job is not None and ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Abandoned))


def _settle(future: asyncio.Future[Any], error: Exception | None, result: object) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
