"""The simulated bus as a whole: a two-wire segment, an optical head, and the thread that runs both."""

from __future__ import annotations

import math
import os
import select
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from appliance.errors import ServiceError, UnknownMeterError
from appliance.mbus.frame import Address
from appliance.service import Service
from appliance.simulator.clock import Clock, WireClock
from appliance.simulator.population import describe, make_meters, make_optical_meter
from appliance.simulator.pty_end import PtyEnd
from appliance.simulator.segment import Segment
from appliance.simulator.tcp_end import TcpEnd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.simulator.end import End
    from appliance.simulator.fault import BusFaults
    from appliance.simulator.meter import Meter

_ORDER_DEADLINE = 5.0
"""Seconds that the bus thread may take to do what another thread asks of it."""


class SimulatedBus(Service):
    """Meters on a line that a gateway can open.

    `line_url` is the two-wire segment, `optical_url` the optical head with one electricity meter of its own. With a
    `folder` both are links in it (``line``, ``optical``) that stay the same over `unplug` and `plug`. A `tcp_port`
    (0 for a free one) opens the two-wire segment to tools as a plain TCP gateway besides; what the meters send goes to
    the end that spoke last.

    `pace` is how many times as fast as real the wire runs; None waits for nothing. `time_of_day` is what the readings
    follow.
    """

    def __init__(
        self,
        meters: int = 8,
        seed: int = 0,
        *,
        pace: float | None = 1.0,
        optical: bool = True,
        tcp_port: int | None = None,
        tcp_host: str = "127.0.0.1",
        tcp_baud: int = 2400,
        folder: Path | None = None,
        time_of_day: Clock = time.time,
        clock: Clock = time.monotonic,
    ) -> None:
        """Build the bus; nothing can be reached before `start`.

        :raises ValueError: for more meters than addresses, or a pace that is not positive.
        """
        super().__init__("simulated bus")
        self._line = PtyEnd(folder / "line" if folder else None)
        self._tcp = None if tcp_port is None else TcpEnd(tcp_host, tcp_port, tcp_baud)
        self._head = PtyEnd(folder / "optical" if folder else None) if optical else None
        ends: list[End] = [self._line] if self._tcp is None else [self._line, self._tcp]
        self._two_wire = self._segment(make_meters(meters, seed), ends, pace, time_of_day, clock, seed)
        self._segments = [self._two_wire]
        if self._head:
            # An address that is free on the two-wire segment: requests go to both.
            primary = meters + 1 if meters < Address.LAST else Address.UNCONFIGURED
            optical_meters = [make_optical_meter(primary, seed)]
            self._segments.append(self._segment(optical_meters, [self._head], pace, time_of_day, clock, seed + 1))
        self._ends: list[End] = [*ends, *([self._head] if self._head else [])]
        self._opened = False
        self._orders: deque[Callable[[], None]] = deque()
        self._waker = -1
        self._waker_lock = threading.Lock()

    def _segment(
        self, meters: list[Meter], ends: list[End], pace: float | None, time_of_day: Clock, clock: Clock, seed: int
    ) -> Segment:
        for meter in meters:
            meter.on_fault = self.wake
        return Segment(meters, ends, wire=WireClock(pace, clock), time_of_day=time_of_day, seed=seed)

    @property
    def line_url(self) -> str:
        """What to open for the two-wire segment; empty while it is unplugged and there is no folder for a link."""
        return self._line.path

    @property
    def optical_url(self) -> str:
        """What to open for the optical head; empty when there is none."""
        return self._head.path if self._head else ""

    @property
    def tcp_port(self) -> int:
        """Where tools connect; 0 when they cannot."""
        return self._tcp.port if self._tcp else 0

    @property
    def meters(self) -> list[Meter]:
        """All meters: those of the two-wire segment, then the one before the optical head."""
        return [meter for segment in self._segments for meter in segment.meters]

    @property
    def faults(self) -> BusFaults:
        """What is wrong with the two-wire segment."""
        return self._two_wire.faults

    @property
    def line_errors(self) -> int:
        """Characters that reached the gateway damaged or not at all, on both segments; it only grows (any thread).

        A pty carries neither parity nor framing errors, so here is what the kernel counts for a real UART: collisions,
        noise, and what was lost because the gateway did not read (overrun).
        """
        overruns = self._line.overruns + (self._head.overruns if self._head else 0)
        return overruns + sum(segment.line_errors for segment in self._segments)

    @property
    def is_plugged(self) -> bool:
        """Whether the line device is there (any thread)."""
        return self._line.is_open

    def meter(self, primary: int) -> Meter:
        """Return the first meter that has that primary address now.

        :raises UnknownMeterError: when there is none.
        """
        for meter in self.meters:
            if meter.primary == primary:
                return meter
        raise UnknownMeterError(f"no meter has the primary address {primary}")

    def describe(self) -> list[str]:
        """Return a table of the meters, heading first."""
        return describe(self.meters)

    def start(self) -> None:
        """Open the ends and run.

        :raises LineError: when there is no pty to be had.
        :raises ListenError: when the TCP port cannot be listened on.
        :raises ServiceError: when it was started before.
        """
        if self._opened:
            raise ServiceError(f"service {self.name} was started before")
        self._opened = True
        try:
            for end in self._ends:
                end.open()
            self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            super().start()
        except BaseException:
            self._close()
            raise

    def stop(self, deadline: float = 1.5) -> None:
        """Stop the thread and close the ends."""
        super().stop(deadline)
        self._close()

    def wake(self) -> None:
        """Make the thread look at meters, faults and orders now."""
        with self._waker_lock:
            if self._waker >= 0:
                os.eventfd_write(self._waker, 1)

    def unplug(self) -> None:
        """Take the line device away, as when its USB cable is pulled: whoever has it open sees it hang up."""
        self._order(self._line.close)

    def plug(self) -> None:
        """Bring the line device back, under the same link but as a new device. Nothing happens while it is there.

        :raises LineError: when there is no pty to be had.
        """
        self._order(lambda: None if self._line.is_open else self._line.open())

    def collide(self) -> None:
        """Let two talkers on the two-wire segment talk over each other once: some eight line errors."""
        self._order(self._two_wire.collide)

    def run(self) -> None:
        """Move bytes until told to stop."""
        while not self.stopping.is_set():
            self.beat()
            while self._orders:
                self._orders.popleft()()
            waits = [wait for segment in self._segments if (wait := segment.advance()) is not None]
            # Poll counts in milliseconds. Rounded up it is late by less than one, and the lateness never adds up.
            timeout = math.ceil(min(waits) * 1000) if waits else None
            poll = select.poll()
            poll.register(self._waker, select.POLLIN)
            owners: dict[int, End] = {}
            for end in self._ends:
                for descriptor, events in end.watched().items():
                    poll.register(descriptor, events)
                    owners[descriptor] = end
            self.is_resting = True
            ready = poll.poll(timeout)
            self.is_resting = False
            for descriptor, events in ready:
                if descriptor == self._waker:
                    os.eventfd_read(self._waker)
                else:
                    owners[descriptor].attend(descriptor, events)

    def _order(self, action: Callable[[], None]) -> None:
        if not self.is_alive:
            raise ServiceError(f"service {self.name} does not run")
        done = threading.Event()
        errors: list[Exception] = []

        def obey() -> None:
            try:
                action()
            except Exception as error:  # noqa: BLE001 (raised again in the thread that asked)
                errors.append(error)
            finally:
                done.set()

        self._orders.append(obey)
        self.wake()
        if not done.wait(_ORDER_DEADLINE):
            raise ServiceError(f"service {self.name} did not obey within {_ORDER_DEADLINE:g} s")
        if errors:
            raise errors[0]

    def _close(self) -> None:
        for end in self._ends:
            end.close()
        with self._waker_lock:
            if self._waker >= 0:
                os.close(self._waker)
            self._waker = -1
