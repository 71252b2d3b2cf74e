"""The web server service: one thread that talks to all clients, and a few that run the application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from appliance.errors import ListenError, ServiceError
from appliance.httpd.doors import Doors, shut
from appliance.httpd.limits import Limits
from appliance.httpd.listening import wants
from appliance.httpd.loop import Loop
from appliance.httpd.shared import Shared
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.httpd.workers import Workers
from appliance.ports import Ports, SocketOptions
from appliance.service import Abandoned, Service
from appliance.settings import http as declared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.certificate import Certificate
    from appliance.httpd.access_log import AccessLog
    from appliance.httpd.exchange import Application
    from appliance.ports import Listener
    from appliance.settings import Settings

log = logging.getLogger(__name__)

RECONFIGURE_TIME = 1.0
"""Seconds that a change of ports waits for the server's thread."""

REBIND = 5.0
"""Seconds between two attempts to get a port that another program holds."""

BACKLOG = 256


class WebServer(Service):
    """Serves an `Application` over HTTP and HTTPS.

    Its thread runs an event loop that reads, writes, and watches deadlines; it never waits for the application, the
    disk or a client. Whatever may take long is done by the workers.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        application: Application,
        certificate: Certificate | None,
        host: str,
        spool: Path,
        counters: HttpCounters | None = None,
        access_log: AccessLog | None = None,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = Limits(),  # noqa: B008 (it is frozen)
    ) -> None:
        """Build the server; it listens on `host` (empty: every address) after `listen`.

        It goes on counting in `counters` and logging to `access_log`, those of a server whose place it takes.

        :param spool: the folder for uploads on their way; nothing is left in it.
        """
        super().__init__("web")
        self.counters = counters or HttpCounters()
        self.access_log = access_log
        self._settings = settings
        self._application = application
        self._spool = spool
        self._clock = clock
        self._limits = limits
        self._loop: Loop | None = None
        self._shared: Shared | None = None
        self._doors: Doors | None = None
        self._end: asyncio.Event | None = None
        self._fault: ServiceError | None = None
        self._commands: deque[Callable[[], None]] = deque()
        self._listeners: tuple[Listener, ...] = ()
        self._retry: asyncio.TimerHandle | None = None
        self._has_ended = threading.Event()
        self._ports = Ports(
            settings,
            wants=wants,
            host=host,
            certificate=certificate,
            on_change=self._take_ports,
            options=SocketOptions(backlog=BACKLOG),
        )

    def listen(self) -> None:
        """Bind the configured ports.

        :raises ListenError: when one cannot be had. `start` can be called all the same: the server tries again.
        """
        self._ports.listen()

    def wake(self) -> None:
        """Make the loop come round now (any thread)."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(self._obey)

    def snapshot(self) -> HttpSnapshot:
        """State and counts (any thread)."""
        shared, ports = self._shared, self._ports
        is_enabled = self._settings[declared.ENABLED]
        return HttpSnapshot(
            state="Off" if not is_enabled else ports.fault or "On (running)",
            is_enabled=is_enabled,
            http_port=ports.plain_port,
            https_port=ports.secure_port,
            connections=len(shared.crowd) if shared is not None else 0,
            busy_workers=shared.workers.busy if shared is not None else 0,
            counters=replace(self.counters),
        )

    def run(self) -> None:
        """Serve until told to stop."""
        loop = self._loop = Loop(self, self._clock)
        loop.set_exception_handler(_report)
        try:
            self._build(loop)
            loop.run_until_complete(self._serve())
        finally:
            self._tear_down(loop)

    def release(self) -> None:
        """Let go of the ports; of a thread that is stuck, also of its clients."""
        self._ports.close()
        if self._loop is not None and not self._has_ended.is_set():
            # Its thread is stuck. It closes its sockets when it comes back; until then they are shut from here.
            self._loop.watched.is_given_up = True
            for listener in self._listeners:
                shut(listener)
            for connection in list(self._shared.crowd) if self._shared is not None else []:
                connection.hang_up()
            return
        self._close_listeners()

    # The loop's thread.

    def _build(self, loop: Loop) -> None:
        self._end = asyncio.Event()
        self._shared = Shared(
            loop,
            Workers(loop, self._limits, on_lost=self._lose_workers),
            settings=self._settings,
            limits=self._limits,
            application=self._application,
            counters=self.counters,
            access_log=self.access_log,
            spool=self._spool,
        )
        self._doors = Doors(self._shared)
        self._doors.listen(*self._listeners)

    async def _serve(self) -> None:
        assert self._end is not None  # noqa: S101 (built before)
        self._mind_ports()
        self._obey()
        await self._end.wait()
        if self._fault is not None:
            raise self._fault
        await self._finish()

    def _lose_workers(self) -> None:
        """End the service, so that another takes its place, with workers that can work."""
        assert self._end is not None  # noqa: S101 (built before)
        self._fault = ServiceError("every worker of the web server is stuck in the system")
        self._end.set()

    def _obey(self) -> None:
        """Do what other threads asked for."""
        while self._commands:
            self._commands.popleft()()
        if self.stopping.is_set() and self._end is not None:
            self._end.set()

    async def _finish(self) -> None:
        """Let answers that are under way be the last."""
        shared, doors = self._shared, self._doors
        assert shared is not None  # noqa: S101 (built before)
        assert doors is not None  # noqa: S101 (likewise)
        doors.close()
        shared.is_closing = True
        self._dismiss()
        if len(shared.crowd):
            shared.crowd.when_empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(shared.crowd.when_empty.wait(), self._limits.last_answers)

    def _dismiss(self) -> None:
        """Close connections without a request, the others after their answer."""
        if self._shared is not None:
            for connection in list(self._shared.crowd):
                connection.dismiss()

    def _tear_down(self, loop: Loop) -> None:
        loop.watched.is_ending = True
        try:
            if self._doors is not None:
                self._doors.close()
                self._doors = None
            self._close_listeners()
            if self._shared is not None:
                for connection in list(self._shared.crowd):
                    connection.drop()
                self._shared.workers.close()
            loop.run_until_complete(_cancel_all())
        finally:
            self._has_ended.set()
            loop.close()

    def _close_listeners(self) -> None:
        """Close what is listened on, and what a change came too late with."""
        while self._commands:
            self._commands.popleft()()
        for listener in self._listeners:
            listener.close()

    def _mind_ports(self) -> None:
        """Try again to get a port that could not be had."""
        assert self._loop is not None  # noqa: S101 (its own thread)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._ports.fault is not None:
            self._retry = self._loop.call_later(REBIND, self._listen_again)

    def _listen_again(self) -> None:
        try:
            self._ports.listen()
        except ListenError as error:
            log.debug("%s", error)
        self._mind_ports()

    # From other threads.

    def _take_ports(self, plain: Listener | None, secure: Listener | None) -> None:
        """Take ports into use in the server's own thread, and wait until it has.

        Without the wait, a change back to the former port would find it still taken.
        """
        done = threading.Event()
        listeners = tuple(listener for listener in (plain, secure) if listener is not None)
        self._commands.append(partial(self._apply, listeners, done))
        if self.thread.ident is None:  # nobody accepts yet
            self._commands.popleft()()
            return
        self.wake()
        waits = self.is_alive and threading.current_thread() is not self.thread
        if waits and not done.wait(RECONFIGURE_TIME):
            log.warning("the web server is slow to take its new ports into use")

    def _apply(self, listeners: tuple[Listener, ...], done: threading.Event) -> None:
        former, self._listeners = self._listeners, listeners
        if self._doors is not None:
            self._doors.listen(*listeners)
            self._mind_ports()
            if not listeners:
                self._dismiss()
        else:
            for listener in former:
                if listener not in listeners:
                    listener.close()
        done.set()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG001 (asyncio's form)
    error = context.get("exception")
    if not isinstance(error, Abandoned):
        log.error("in the web server: %s", context.get("message"), exc_info=error)
