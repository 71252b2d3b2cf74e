"""Looks after the services: restarts one that died or hangs, and gives up the program when that does not help."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import ServiceError
from appliance.supervision.ward import WINDOW

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from appliance.supervision.ward import Ward, WardSnapshot

log = logging.getLogger(__name__)

PERIOD = 2.5
"""Seconds between two looks at services that all are well. Each costs an idle device a wake-up."""

CLOSER = 0.95
"""Seconds between two looks while a service owes a sign of life."""

STALL = 1.5
"""Seconds by which a look may be late; more means that the machine stood still, and no service is to blame."""

LIMIT = 3
"""Times that a service is restarted alone within five minutes before that is held to be of no use."""

HEALTHY = 600.0
"""Seconds without a failure after which the program counts as healthy."""

REBOOT_AFTER = 2
"""Runs in a row that ended in failure, after which the device is rebooted in place of the program alone."""

PATIENT_AFTER = 4
"""Runs in a row that ended in failure, after which neither is tried again soon: it did not help, and whatever still
works had better go on working."""

PATIENT_FOR = 3600.0
"""Seconds that it then carries on before it tries another reboot."""

SLOWEST = 60.0
"""Seconds between two attempts to restart a service, at most."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Restarting a service did not help."""

    why: str
    is_for_device: bool
    """Whether the whole device is to be rebooted, and not the program alone."""


class Supervisor:
    """Starts the services in order, watches them from the main thread, and stops them in reverse.

    The ladder: a service is restarted alone, the others do not notice; then the program ends and systemd starts it
    again; then the device reboots. Below all that are watchdogs: `feed` is called only while this supervisor makes
    its rounds, and the kernel's own is fed by systemd.
    """

    def __init__(
        self,
        wards: Sequence[Ward],
        *,
        failures_in_a_row: int = 0,
        feed: Callable[[], None] = lambda: None,
        on_started: Callable[[str], None] = lambda _: None,
        on_healthy: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Look after `wards`; call `feed` after each round and `on_healthy` once, after ten minutes without a failure.

        `on_started` is called in `start` with the name of each service that was started, before the next one is.
        `failures_in_a_row` counts the runs of the program before this one that ended in failure.
        """
        self._wards = tuple(wards)
        self._failures_in_a_row = failures_in_a_row
        self._feed = feed
        self._on_started = on_started
        self._on_healthy = on_healthy
        self._clock = clock
        self._wall_clock = wall_clock
        self._began_at = self._good_since = self._looked_at = clock()
        self._has_told_health = False
        self._had_trouble = False
        self.faults: tuple[str, ...] = ()
        """Which services fail again and again, a sentence each (any thread)."""

    def start(self) -> None:
        """Start every service, in order. One that cannot be started is tried again in the rounds."""
        for ward in self._wards:
            if self._start(ward):
                self._on_started(ward.name)
        self._began_at = self._good_since = self._looked_at = self._clock()

    def watch(self, stopping: threading.Event) -> Verdict | None:
        """Make round after round until told to stop.

        :returns: the verdict when the services cannot be kept alive; `None` when told to stop.
        """
        while not stopping.wait(self._pause):
            verdict = self.look()
            if verdict is not None:
                return verdict
            self._feed()
        return None

    def look(self) -> Verdict | None:
        """Make one round."""
        now = self._clock()
        late = now - self._looked_at - self._pause
        if late >= STALL:
            log.warning("the machine stood still for %.1f s", late)
            for ward in self._wards:
                ward.forgive(now)
        self._looked_at = now
        for ward in self._wards:
            trouble = ward.look(now)
            if trouble is not None and now >= ward.not_before:
                verdict = self._restart(ward, trouble, now)
                if verdict is not None:
                    return verdict
        if self._had_trouble:
            self.faults = tuple(f"service {ward.name} {ward.trouble}" for ward in self._wards if ward.is_failing(now))
            self._had_trouble = now - self._good_since <= WINDOW
        if not self._has_told_health and now - self._good_since >= HEALTHY:
            self._has_told_health = True
            self._failures_in_a_row = 0
            self._on_healthy()
        return None

    def stop(self) -> None:
        """Stop the services, the last started first. One that does not end is given up."""
        for ward in reversed(self._wards):
            service = ward.service
            if service is None:
                continue
            try:
                service.stop()
            except ServiceError:
                log.exception("stopping %s", ward.name)
                service.abandon()

    def snapshot(self) -> tuple[WardSnapshot, ...]:
        """State of every service (any thread)."""
        return tuple(ward.snapshot() for ward in self._wards)

    @property
    def _pause(self) -> float:
        """Seconds from one look to the next."""
        for ward in self._wards:
            if ward.owes_answer:
                return min(PERIOD, CLOSER)
        return PERIOD

    def _start(self, ward: Ward) -> bool:
        try:
            ward.start(self._clock())
        except Exception:
            log.exception("service %s could not be started", ward.name)
            return False
        return True

    def _restart(self, ward: Ward, trouble: str, now: float) -> Verdict | None:
        self._good_since, self._had_trouble = now, True
        count = ward.note(trouble, now, self._wall_clock())
        if ward.service is not None and ward.service.is_alive:
            ward.service.abandon()
        if count > LIMIT and not self._is_patient(now):
            why = f"service {ward.name} {trouble}, {count} times in a short while"
            log.critical("%s: giving up", why)
            return Verdict(why, is_for_device=self._failures_in_a_row >= REBOOT_AFTER)
        log.error("service %s %s; restarting it", ward.name, trouble)
        ward.not_before = now + (min(SLOWEST, 2.0 ** (count - LIMIT)) if count > LIMIT else 0.0)
        self._start(ward)
        return None

    def _is_patient(self, now: float) -> bool:
        """Whether to carry on with what works, since restarts of the program and the device did not help."""
        return self._failures_in_a_row >= PATIENT_AFTER and now - self._began_at < PATIENT_FOR
