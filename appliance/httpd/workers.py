"""The threads that run the application, and the queue before them."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import threading
import time
from collections import deque
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.service import Abandoned

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from appliance.httpd.limits import Limits

    Done = Callable[[Any, Exception | None], None]
    """Takes the result, or what was raised."""

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

    __slots__ = ("asked_at", "done", "work")

    def __init__(self, work: Callable[[], object], done: Done, asked_at: float) -> None:
        self.work = work
        self.done = done
        self.asked_at = asked_at


class _Worker:
    """A thread of the pool."""

    def __init__(self, pool: Workers, number: int) -> None:
        self.job: _Job | None = None
        self.calls: SimpleQueue[None] = SimpleQueue()
        """What the thread waits on, without a line of Python."""
        self.is_abandoned = False
        self.has_ended = False
        self.thread = threading.Thread(target=pool.work, args=(self,), name=f"web worker {number}", daemon=True)


class Workers:
    """A fixed number of threads. All methods are for the loop's thread, but for `work`, the threads' own."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limits: Limits, *, on_lost: Callable[[], None] = lambda: None
    ) -> None:
        """Start the threads; results are given in `loop`.

        :param on_lost: called when all threads have been stuck beyond help for `Limits.stuck` seconds.
        """
        self._loop = loop
        self._limits = limits
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._new: deque[_Job] = deque()
        self._urgent: deque[_Job] = deque()
        self._was_urgent = False
        """Whether the last one was, of those that had to wait."""
        self._idle: list[_Worker] = []
        """The last to have worked is the next: what it needs is still at hand in the processor."""
        self._unsettled: dict[_Job, None] = {}
        """In the order in which they were asked for."""
        self._watch: asyncio.TimerHandle | None = None
        self._results: deque[tuple[_Job, Any, Exception | None]] = deque()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        """Rung when there are results; the loop's own way to be called from a thread makes a handle for each."""
        self._is_rung = False
        loop.add_reader(self._bell, self._take_results)
        self._users = 1
        """Of the bell: the loop and each thread."""
        self._is_closed = False
        self._count = 0
        self._workers: list[_Worker] = []
        self._given_up: list[_Worker] = []
        """Replaced, and still there."""
        for _ in range(limits.workers):
            self._add()

    @property
    def busy(self) -> int:
        """Workers that have something to do (any thread)."""
        return sum(worker.job is not None for worker in self._workers)

    async def run(self, work: Callable[[], T], *, is_new: bool) -> T:
        """Have `work` done by a worker; as `submit`, for a task that waits for the result.

        :raises WorkQueueFull: when `is_new` and too much waits already.
        :raises WorkStuck: when it took too long.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self.submit(work, partial(_settle, future), is_new=is_new)
        return await future

    def submit(self, work: Callable[[], object], done: Done, *, is_new: bool) -> None:
        """Have `work` done by a worker, and `done` called in the loop with what came of it.

        What is not new goes on with a request that was begun, and is never refused: there can be no more of it than
        connections. It takes turns with what is new.

        :raises WorkQueueFull: when `is_new` and too much waits already.
        """
        if self._is_closed or (is_new and len(self._new) >= self._limits.queue):
            raise WorkQueueFull
        job = _Job(work, done, self._loop.time())
        self._unsettled[job] = None
        if self._watch is None:
            self._watch = self._loop.call_later(self._limits.stuck, self._look)
        with self._lock:
            worker = self._idle.pop() if self._idle else None
            if worker is None:
                (self._new if is_new else self._urgent).append(job)
                return
            worker.job = job
        worker.calls.put(None)

    def close(self) -> None:
        """End the threads: those that work after what they do now; one that is stuck is given up."""
        self._is_closed = True
        if self._watch is not None:
            self._watch.cancel()
        for worker in self._workers:
            worker.calls.put(None)
        end = time.monotonic() + END_TIME
        for worker in self._workers:
            worker.thread.join(max(0.0, end - time.monotonic()))
        for worker in self._workers:
            with self._lock:
                if worker.thread.is_alive():
                    self._abandon(worker)
        for worker in self._workers:
            worker.thread.join(max(0.0, end + END_TIME - time.monotonic()))
        self._loop.remove_reader(self._bell)
        self._leave_bell()

    def work(self, worker: _Worker) -> None:
        """Do one job after the other."""
        try:
            while (is_idle := self._find_work(worker)) is not None:
                if is_idle:
                    worker.calls.get()
                if worker.job is not None:  # else it was called to end
                    self._do(worker.job)
        except Abandoned:
            log.warning("%s, given up before, has ended", worker.thread.name)
        finally:
            worker.job = None
            worker.has_ended = True
            os.eventfd_write(self._bell, 1)  # in case that it was given up between the two lines that ring
            self._leave_bell()
            with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits any more
                self._loop.call_soon_threadsafe(self._replace)

    def _find_work(self, worker: _Worker) -> bool | None:
        """Take the next job, or a place among the idle, who are called once; say which. None ends the thread."""
        with self._lock:
            worker.job = None
            if self._is_closed or worker.is_abandoned:
                return None
            # In turns: those who go on must not keep those who come from beginning.
            first, second = (self._new, self._urgent) if self._was_urgent else (self._urgent, self._new)
            queue = first or second
            if queue:
                worker.job = queue.popleft()
                self._was_urgent = queue is self._urgent
                return False
            self._idle.append(worker)
            return True

    def _do(self, job: _Job) -> None:
        try:
            result = job.work()
        except Exception as error:  # noqa: BLE001 (it is raised again where the result is awaited)
            self._give(job, None, error)
        else:
            self._give(job, result, None)

    def _give(self, job: _Job, result: object, error: Exception | None) -> None:
        self._results.append((job, result, error))
        if not self._is_rung:
            self._is_rung = True
            os.eventfd_write(self._bell, 1)

    def _leave_bell(self) -> None:
        """Do without the bell; the last one closes it. A thread that is stuck may want to ring long after the rest."""
        with self._lock:
            self._users -= 1
            if not self._users:
                os.close(self._bell)

    # The loop's thread.

    def _take_results(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        self._is_rung = False  # before looking: what is added from now on rings again
        for _ in range(len(self._results)):
            job, result, error = self._results.popleft()
            if job in self._unsettled:  # else it was given up
                del self._unsettled[job]
                job.done(result, error)

    def _add(self) -> None:
        self._count += 1
        worker = _Worker(self, self._count)
        self._workers.append(worker)
        with self._lock:
            self._users += 1
        worker.thread.start()

    def _look(self) -> None:
        """Look for what takes too long. One timer serves all, for they all have the same time."""
        self._watch = None
        now = self._loop.time()
        while self._unsettled:
            job = next(iter(self._unsettled))
            if now - job.asked_at < self._limits.stuck:
                self._watch = self._loop.call_at(job.asked_at + self._limits.stuck, self._look)
                break
            del self._unsettled[job]
            self._give_up(job)
            job.done(None, WorkStuck())

    def _give_up(self, job: _Job) -> None:
        with self._lock:
            worker = next((worker for worker in self._workers if worker.job is job), None)
            if worker is None:
                for queue in (self._new, self._urgent):
                    with contextlib.suppress(ValueError):
                        queue.remove(job)
                return
            self._abandon(worker)  # before it can begin something else
        log.error("%s is stuck in a request and is given up", worker.thread.name)
        self._replace()
        if all(worker.is_abandoned for worker in self._workers):
            self._loop.call_later(self._limits.stuck, self._hope_no_more)

    def _replace(self) -> None:
        """Have new threads in the place of those that were given up, as far as there may be more."""
        if self._is_closed:
            return
        self._given_up = [worker for worker in self._given_up if not worker.has_ended]
        for worker in [worker for worker in self._workers if worker.is_abandoned]:
            if not worker.has_ended:
                if len(self._given_up) >= self._limits.abandoned:
                    continue
                self._given_up.append(worker)
            self._workers.remove(worker)
            self._add()

    def _hope_no_more(self) -> None:
        """Say that there is nobody left to work, unless one has come back."""
        if not self._is_closed and all(worker.is_abandoned for worker in self._workers):
            self._on_lost()

    def _abandon(self, worker: _Worker) -> None:
        """Send the thread an exception, which ends it as soon as it runs Python code again (under the lock)."""
        worker.is_abandoned = True
        ident = worker.thread.ident
        if worker.job is not None and ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Abandoned))


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
