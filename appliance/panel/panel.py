"""The front panel as a service: LEDs show the state of the device, the button resets it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.panel.button import Button
from appliance.panel.indications import (
    LAMP_TEST,
    LINE_ERROR_SHOWN,
    NEVER,
    TRAFFIC_SHOWN,
    Circumstances,
    Indication,
    indications,
)
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led, LedSnapshot, PanelSnapshot
from appliance.panel.sources import SourceReader
from appliance.service import PATIENCE, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.panel.board import Board
    from appliance.panel.sources import Sources
    from appliance.settings import FactoryVariant

log = logging.getLogger(__name__)

POLL = 0.15
"""Seconds between two looks while nothing blinks: a byte is to reach ACT within 200 ms."""

FULL_LOOK = 5.0
"""Seconds after which everything is worked out anew, even if nothing that is polled has changed."""

HELD_POLL = 0.025
"""Seconds between two looks at the button while it is pressed or bounces."""

MEND_AFTER = 10.0
"""Seconds between two attempts to get pins that could not be had: another program may have held them for a moment."""

RESTART_DEADLINE = 60.0
"""Seconds after a factory reset within which the device restarts, or never will."""

RESET_PATIENCE = 20.0
"""Seconds that writing the factory defaults may take on a slow card."""


class Panel(Service):
    """Looks at inputs and sources, lights the LEDs and serves the button, all in its own thread.

    It neither opens nor closes the board, which outlives it. Without its thread it can be led through time by calling
    `look`.
    """

    def __init__(
        self,
        board: Board,
        *,
        sources: Sources,
        on_reset: Callable[[FactoryVariant], None],
        after_button_reset: bool = False,
        is_power_on: bool = True,
        started: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Build the panel.

        :param on_reset: writes factory defaults and has the device restart; called in the panel's thread.
        :param after_button_reset: the device restarted because of a reset by this button.
        :param is_power_on: whether the device has just started, as opposed to the panel alone.
        :param started: when the program started, in seconds of `clock`: holds at power-on count from there; now, if
            not given.
        """
        super().__init__("panel")
        self._board = board
        self._on_reset = on_reset
        self._clock = clock
        self._has_lamp_test = is_power_on  # before us
        self._reader = SourceReader(sources)
        self._button = Button(
            clock() if started is None else started, is_power_on=is_power_on, after_button_reset=after_button_reset
        )
        self._has_short_circuit = False
        self._lamp_test_until = NEVER
        self._identified = self._identified_shown = (NEVER, NEVER)  # from when until when
        self._restart_until = NEVER
        self._settled_until = NEVER
        self._reset_fault = ""
        self._mend_at = NEVER
        self._shown: dict[Led, Indication] = {led: Indication(Rhythm.OFF, "starting") for led in Led}
        self._since: dict[Led, float] = dict.fromkeys(Led, 0.0)
        self._lit: dict[Led, bool] = dict.fromkeys(Led, False)
        self._snapshot = PanelSnapshot(self._led_snapshots(), False, 0.0, "", False, board.is_bus_powered, False, ())
        self._subscribers: tuple[Callable[[], None], ...] = ()
        self._lock = threading.Lock()
        self._bell = threading.Lock()
        self._bell.acquire()

    # Any thread.

    def wake(self) -> None:
        """Make the panel look at once."""
        with contextlib.suppress(RuntimeError):  # it has been told already
            self._bell.release()

    def snapshot(self) -> PanelSnapshot:
        """Give what the panel shows now."""
        return self._snapshot

    def identify(self, seconds: float = 30.0) -> None:
        """Let all LEDs flash for some time so that a person finds this device; 0 ends it."""
        now = self._clock()
        begun, until = self._identified
        self._identified = (begun if now < until else now, now + seconds)
        self.wake()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called in the panel's thread after any LED or input changed; it must be quick.

        :returns: what ends the subscription. One whose callback raises is ended too.
        """
        with self._lock:
            self._subscribers = (*self._subscribers, callback)
        return lambda: self._unsubscribe(callback)

    def _unsubscribe(self, callback: Callable[[], None]) -> None:
        with self._lock:
            self._subscribers = tuple(other for other in self._subscribers if other is not callback)

    # The panel's thread.

    def run(self) -> None:
        """Look, and look again when there is something to do."""
        is_told = True
        while not self.stopping.is_set():
            self.beat()
            due = self.look(self._clock(), is_told=is_told)
            is_told = self._rest(max(0.0, due - self._clock()))

    def release(self) -> None:
        """Turn the LEDs off; the board stays open for the next panel."""
        for led in Led:
            self._board.light(led, False)

    def _rest(self, seconds: float) -> bool:
        """Wait until `wake`, at most `seconds`; say whether it was called.

        On a bare lock: an event costs half as much again, and this is most of what an idle panel costs at all.
        """
        self.is_resting = True
        is_told = self._bell.acquire(timeout=seconds)
        self.is_resting = False
        return is_told

    def look(self, now: float, *, is_told: bool = True) -> float:
        """Look at everything once, as of `now`, and do what is to be done.

        When it is not told that there is news, it looks at some things less often.

        :returns: when to look next.
        """
        if self._has_lamp_test:
            self._has_lamp_test = False
            self._lamp_test_until = now + LAMP_TEST
        pressed = self._board.is_pressed()
        has_short_circuit = self._board.has_short_circuit()
        is_news = self._reader.read(now, all_of_them=is_told)
        # Nearly always this is all: seven times a second, for years, on a processor that has better things to do.
        is_settled = now < self._settled_until and self._identified is self._identified_shown
        if is_settled and not (is_news or pressed or has_short_circuit is not self._has_short_circuit):
            return min(now + POLL, self._settled_until)
        self._has_short_circuit = has_short_circuit
        self._mend(now)
        self._await_restart(now)
        self._button.reset_in_operation = self._reader.reset_in_operation
        outcome = self._button.update(pressed, now)
        variant = None
        if outcome is not None and self._restart_until == NEVER:
            variant = outcome.variant
            log.info(
                "button held for %.1f s: %s", outcome.held, f"factory defaults, {variant.value}" if variant else "-"
            )
        if variant is not None:
            self._restart_until = now + RESTART_DEADLINE
        self._show(now)
        if variant is not None:
            self._reset(variant)
            self._show(now)
        edge = min(now + shown.rhythm.until_change(now - self._since[led]) for led, shown in self._shown.items())
        if self._button.is_idle:
            self._settled_until = min(edge, now + FULL_LOOK, self._next_end(now))
            return min(now + POLL, self._settled_until)
        self._settled_until = NEVER
        return min(edge, now + (HELD_POLL if self._button.needs_watching else POLL))

    def _next_end(self, now: float) -> float:
        """Tell when the next of the things that last for a time will be over."""
        ends = (
            self._lamp_test_until,
            self._identified_shown[1],
            self._restart_until,
            self._reader.line_error_at + LINE_ERROR_SHOWN,
            self._reader.traffic_at + TRAFFIC_SHOWN,
        )
        return min((end for end in ends if end > now), default=float("inf"))

    def _mend(self, now: float) -> None:
        if not self._board.faults:
            self._mend_at = NEVER
        elif self._mend_at == NEVER:
            self._mend_at = now + MEND_AFTER
        elif now >= self._mend_at:
            self._mend_at = now + MEND_AFTER
            self._board.mend()

    def _reset(self, variant: FactoryVariant) -> None:
        self.patience = RESET_PATIENCE
        try:
            self._on_reset(variant)
        except Exception as error:
            log.exception("the factory reset failed")
            self._reset_fault = f"the factory reset failed ({str(error) or type(error).__name__})"
            self._restart_until = NEVER
        else:
            self._reset_fault = ""
        self.beat()
        self.patience = PATIENCE

    def _await_restart(self, now: float) -> None:
        if self._restart_until != NEVER and now >= self._restart_until:
            self._restart_until = NEVER
            self._reset_fault = "factory defaults are set, but the device did not restart"
            log.error("%s", self._reset_fault)

    def _faults(self) -> tuple[str, ...]:
        own = (self._button.fault, self._reset_fault)
        return (*self._board.faults, *(fault for fault in own if fault), *self._reader.faults)

    def _show(self, now: float) -> None:
        reader = self._reader
        self._identified_shown = self._identified
        identified_at, identify_until = self._identified_shown
        stage = self._button.stage(now) if self._restart_until == NEVER else None
        on_release = stage.on_release if stage is not None else ""
        faults = self._faults()
        shown = indications(
            Circumstances(
                now=now,
                restart_until=self._restart_until,
                identify_until=identify_until,
                lamp_test_until=self._lamp_test_until,
                has_short_circuit=self._has_short_circuit,
                line_faults=reader.line_faults,
                line_error_at=reader.line_error_at,
                device_faults=faults + reader.device_faults if faults else reader.device_faults,
                has_link=reader.has_link,
                traffic_at=reader.traffic_at,
                feedback=stage.feedback if stage is not None else None,
                on_release=on_release,
            )
        )
        for led, indication in shown.items():
            rhythm = indication.rhythm
            if rhythm is not self._shown[led].rhythm:
                # LEDs that identify flash together, also the one that the button had before.
                self._since[led] = identified_at if rhythm is Rhythm.IDENTIFY else now
            self._lit[led] = lit = rhythm.is_lit(now - self._since[led])
            self._board.light(led, lit)
        self._shown = shown
        held = self._button.held(now)
        before = self._snapshot
        self._snapshot = after = PanelSnapshot(
            self._led_snapshots(),
            self._button.is_held,
            held,
            on_release,
            self._has_short_circuit,
            self._board.is_bus_powered,
            now < identify_until,
            faults,
        )
        if replace(before, held=held) != after:
            self._tell()

    def _led_snapshots(self) -> tuple[LedSnapshot, ...]:
        return tuple(
            LedSnapshot(led, shown.rhythm, self._lit[led], shown.meaning) for led, shown in self._shown.items()
        )

    def _tell(self) -> None:
        for callback in self._subscribers:
            try:
                callback()
            except Exception:
                log.exception("a subscriber of the panel failed and is told no more")
                self._unsubscribe(callback)
