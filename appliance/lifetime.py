"""The program from its first moment to its last: what it tells systemd, what it remembers, and how it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from enum import IntEnum
from typing import TYPE_CHECKING, Self

from appliance import __version__
from appliance.device import Device
from appliance.errors import ApplianceError, RebootError
from appliance.supervision.journal import RestartJournal
from appliance.supervision.notifier import Notifier
from appliance.supervision.reboot import RestartProgram, rebooter_for
from appliance.supervision.restart import Kind
from appliance.supervision.thread_dump import thread_dumps

if TYPE_CHECKING:
    import threading
    from pathlib import Path
    from types import TracebackType

    from appliance.hardware import Hardware
    from appliance.settings import Settings

log = logging.getLogger(__name__)

STATUS_ROUNDS = 5
"""Rounds of the supervisor, 2.5 seconds each or less, between two lines of status for systemd."""

START_PATIENCE = 60.0
"""Seconds that loading one of the services after the tunnel may take."""


class Outcome(IntEnum):
    """How the appliance ended: the exit status of the program, but for the last."""

    STOPPED = 0
    GIVEN_UP = 70
    """The services cannot be kept alive (EX_SOFTWARE of sysexits.h); whoever started the program starts it again."""
    BEGIN_ANEW = -1
    """The program is to replace itself, in place of a reboot."""


class Lifetime:
    """Around the device: its journal, its service manager, its way to reboot. For the main thread, in a `with`."""

    def __init__(self, state: Path, stopping: threading.Event) -> None:
        """Keep the journal in the folder `state`; `stopping` tells the device to stop."""
        self.began_at = time.monotonic()
        self._state = state
        self.journal = RestartJournal(state)
        self.notifier = Notifier.from_environment()
        self.rebooter = rebooter_for(os.environ, stopping.set)
        self._stopping = stopping
        self._device: Device | None = None
        self._rounds = 0
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._held.callback(self.notifier.close)
        self._held.enter_context(thread_dumps())
        self.journal.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, ApplianceError):  # a port that another program has, a setting that cannot be
            self.journal.end(Kind.STOPPED, f"it could not start ({error})")
        elif error is not None:
            self.journal.end(Kind.FAILURE, f"{type(error).__name__}: {error}")
        self._held.close()

    def new_device(
        self, settings: Settings, hardware: Hardware, *, host: str, asks_new_password: bool = True
    ) -> Device:
        """Build the device whose life this is.

        :param host: the address to listen on, empty for every one.
        :param asks_new_password: whether the factory password must be replaced before anything else can be changed.
        """
        return Device(
            settings,
            hardware=hardware,
            journal=self.journal,
            rebooter=self.rebooter,
            state=self._state,
            host=host,
            asks_new_password=asks_new_password,
            began_at=self.began_at,
            feed=self.feed,
            on_started=self.started,
        )

    def started(self, service: str) -> None:
        """Show systemd that a service of the device was started; what it waits for is the tunnel."""
        if service == "tunnel":
            self.notifier.ready("The tunnel serves; the rest is being loaded.", patience=START_PATIENCE)
        self.notifier.alive()

    def feed(self) -> None:
        """Show systemd that the supervisor makes its rounds."""
        if not self.notifier.has_manager:
            return
        self.notifier.alive()
        if self._device is not None and self._rounds % STATUS_ROUNDS == 0:
            self.notifier.status(self._device.status())
        self._rounds += 1

    def supervise(self, device: Device) -> Outcome:
        """Say that all of `device` is there, look after it until it is told to stop or has to, and write down why."""
        self._device = device
        self.notifier.ready(device.status())
        verdict = device.supervise(self._stopping)
        log.info("stopping")
        if verdict is None:
            self.notifier.stopping()
            self.journal.end(Kind.STOPPED, "told to stop")
            is_reboot = isinstance(self.rebooter, RestartProgram) and self.rebooter.why is not None
            return Outcome.BEGIN_ANEW if is_reboot else Outcome.STOPPED
        self.journal.end(Kind.FAILURE, verdict.why)
        if verdict.is_for_device:
            try:
                self.rebooter.reboot(verdict.why)
            except RebootError:
                log.exception("the device goes on without a reboot")
        return Outcome.GIVEN_UP

    def banner(self) -> str:
        """Say which program this is and why it began anew."""
        last = self.journal.last
        return f"cme3000 {__version__}" + (f", last restart: {last.why}" if last is not None else "")
