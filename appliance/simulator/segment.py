"""One piece of bus: the meters on it, the ends that masters hold, and every event between them in the order of time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from appliance.mbus.frame import BITS_PER_CHARACTER
from appliance.mbus.scanner import Scanner
from appliance.simulator.fault import BusFaults, Fault
from appliance.simulator.profile import COMMISSIONED
from appliance.simulator.receiver import Receiver, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appliance.simulator.clock import Clock, WireClock
    from appliance.simulator.end import End
    from appliance.simulator.meter import Meter

IDLE_BITS = 33
"""Bit times of silence after which a slave takes the next character for the beginning of a frame (EN 13757-2)."""

STALL = 0.06
"""Real seconds that a master may stall within a frame: what it runs on is not a real-time system."""

DEFAULT_BAUD = 2400

_EARLY = 1e-6
"""Seconds on the wire by which an event may be early: below what a clock's arithmetic can tell."""

_JUNK_FIRST = (0.1, 0.4)
_JUNK_PAUSE = (0.5, 2.0)
_JUNK_LENGTH = 12

_COLLISION = (bytes([0x01] * 8), bytes([0x02] * 8))
"""What two talk over each other: a space wins, so eight bits of 0 come with a parity bit of 1, eight times over."""


@dataclass(frozen=True)
class _Event:
    moment: float
    """On the wire."""
    happen: Callable[[float], None]
    can_jump: bool = True
    """Whether an unpaced wire skips the time until then."""


@dataclass
class _Transmitter:
    """The shift register behind an end's FIFO."""

    end: End
    byte: int = 0
    baud: int = 0
    done_at: float | None = None
    """When the character in it will be out; None while there is none."""


@dataclass
class _Pending:
    """An answer that waits for its meter's answer delay to pass."""

    meter: Meter
    moment: float
    baud: int
    data: bytes


class Segment:
    """A bus that several ends may share. Used by one thread."""

    def __init__(
        self, meters: Sequence[Meter], ends: Sequence[End], *, wire: WireClock, time_of_day: Clock, seed: int
    ) -> None:
        """Put `meters` on the wire; `time_of_day` is what their readings follow, `seed` what noise and junk follow."""
        self.meters = list(meters)
        self.faults = BusFaults()
        self.ends = list(ends)
        self._wire = wire
        self._time_of_day = time_of_day
        self._random = random.Random(seed)  # noqa: S311 (noise, not secrets)
        self._transmitters = [_Transmitter(end) for end in ends]
        self._listening = self.ends[0]
        self._scanner = Scanner()
        self._scanner_baud = 0
        self._last_character = 0.0
        self._receiver = Receiver()
        self._received = bytearray()
        self._pending: list[_Pending] = []
        self._talking: dict[Meter, float] = {}
        self._junk: dict[Meter, float] = {}
        self._powered = True
        self._spoilt = 0

    @property
    def line_errors(self) -> int:
        """Characters that reached the master damaged, since the beginning; any thread may look.

        Those are what a UART reports as parity and framing errors when several talk at once, and all that noise
        changed or swallowed on the way to the master. Of what it spoils on the way to the meters a master sees nothing.
        """
        return self._receiver.framing_errors + self._receiver.parity_errors + self._spoilt

    def collide(self) -> None:
        """Let two talk at once now, unasked; on a bus without supply nothing happens."""
        if not self._powered:
            return
        now = self._wire.now()
        for data in _COLLISION:
            self._receiver.add(Talk(now, self._baud(), data))

    def advance(self) -> float | None:
        """Let everything happen that is due by now.

        Returns the real seconds until the next thing is due, None when nothing is.
        """
        wait = None
        while True:
            self._mind_supply()
            self._mind_babblers()
            self._load_transmitters()
            event = min(self._events(), key=lambda event: event.moment, default=None)
            if event is None:
                break
            if event.moment > self._wire.now() + _EARLY:
                if not (self._wire.jumps and event.can_jump):
                    wait = self._wire.wait(event.moment)
                    break
                self._wire.skip_to(event.moment)
            event.happen(event.moment)
        self._deliver()
        return wait

    def _events(self) -> list[_Event]:
        events = [
            _Event(transmitter.done_at, partial(self._character_sent, transmitter))
            for transmitter in self._transmitters
            if transmitter.done_at is not None
        ]
        due = self._receiver.due(self._baud())
        if due is not None:
            events.append(_Event(due, self._character_received))
        elif self._talking:
            # What the master no longer receives (a break, after many talked at once) still keeps the meters busy.
            events.append(_Event(max(self._talking.values()), self._fall_silent))
        if self._pending:
            first = min(self._pending, key=lambda pending: pending.moment)
            late = first.meter.fault is Fault.LATE
            events.append(_Event(first.moment, partial(self._talk, first), can_jump=not late))
        if self._junk:
            meter = min(self._junk, key=lambda meter: self._junk[meter])
            events.append(_Event(self._junk[meter], partial(self._babble, meter), can_jump=False))
        return events

    def _baud(self) -> int:
        return self._listening.baud() or DEFAULT_BAUD

    def _load_transmitters(self) -> None:
        for transmitter in self._transmitters:
            if transmitter.done_at is None and transmitter.end.fifo:
                self._load(transmitter, self._wire.now())

    def _load(self, transmitter: _Transmitter, moment: float) -> None:
        baud = transmitter.end.baud()
        if not baud:
            transmitter.end.fifo.clear()
            return
        transmitter.byte = transmitter.end.fifo.pop(0)
        transmitter.baud = baud
        transmitter.done_at = moment + BITS_PER_CHARACTER / baud
        self._listening = transmitter.end
        if self._receiver.is_busy:
            # The master's voltage steps upset the measurement of the slaves' currents.
            self._receiver.add(Talk(moment, baud, bytes([transmitter.byte])))

    def _character_sent(self, transmitter: _Transmitter, moment: float) -> None:
        transmitter.done_at = None
        if transmitter.end.fifo:
            # The next one began when this one ended, however late we look.
            byte, baud = transmitter.byte, transmitter.baud
            self._load(transmitter, moment)
            self._hear(byte, baud, moment)
        else:
            self._hear(transmitter.byte, transmitter.baud, moment)

    def _hear(self, byte: int, baud: int, moment: float) -> None:
        if not self._powered:
            return
        began = moment - BITS_PER_CHARACTER / baud
        pause = max(IDLE_BITS / baud, self._wire.wire_time(STALL))
        if baud != self._scanner_baud or began - self._last_character > pause:
            self._scanner.reset()
        self._scanner_baud, self._last_character = baud, moment
        for frame in self._scanner.feed(self._through_noise(byte)):
            # A computer without a battery for its clock may believe to be in 1970, where no M-Bus date reaches.
            now = max(self._time_of_day(), COMMISSIONED)
            for meter in self.meters:
                if self._talking.get(meter, moment) > moment:
                    continue
                answer = meter.hear(frame, baud, moment, now)
                if answer:
                    # A meter that hears something new for it before it answered answers the new.
                    self._pending = [pending for pending in self._pending if pending.meter is not meter]
                    self._pending.append(_Pending(meter, moment + meter.delay(baud), baud, answer))

    def _talk(self, pending: _Pending, moment: float) -> None:
        self._pending.remove(pending)
        self._say(pending.meter, pending.baud, pending.data, moment)

    def _babble(self, meter: Meter, moment: float) -> None:
        self._junk[meter] = moment + self._random.uniform(*_JUNK_PAUSE)
        if self._talking.get(meter, moment) <= moment:
            self._say(meter, meter.baud, self._random.randbytes(self._random.randint(1, _JUNK_LENGTH)), moment)

    def _say(self, meter: Meter, baud: int, data: bytes, moment: float) -> None:
        talk = Talk(moment, baud, data)
        self._talking[meter] = talk.end
        self._receiver.add(talk)

    def _character_received(self, moment: float) -> None:  # noqa: ARG002 (the receiver knows the moment)
        byte = self._receiver.take(self._baud())
        arrived = self._through_noise(byte)
        self._spoilt += arrived != bytes([byte])
        self._received += arrived

    def _fall_silent(self, moment: float) -> None:
        self._talking = {meter: end for meter, end in self._talking.items() if end > moment}

    def _through_noise(self, byte: int) -> bytes:
        if self.faults.noise and self._random.random() < self.faults.noise:
            if self._random.random() < 0.5:
                return b""
            byte ^= self._random.randint(1, 255)
        return bytes([byte])

    def _deliver(self) -> None:
        if self._received:
            self._listening.deliver(bytes(self._received))
            self._received.clear()

    def _mind_supply(self) -> None:
        powered = not self.faults.short_circuit
        if self._powered and not powered:
            self._receiver.clear()
            self._scanner.reset()
            self._pending.clear()
            self._talking.clear()
            for meter in self.meters:
                meter.lose_power()
        self._powered = powered

    def _mind_babblers(self) -> None:
        babblers = [meter for meter in self.meters if meter.fault is Fault.BABBLE] if self._powered else []
        for meter in [meter for meter in self._junk if meter not in babblers]:
            del self._junk[meter]
        for meter in babblers:
            if meter not in self._junk:
                self._junk[meter] = self._wire.now() + self._random.uniform(*_JUNK_FIRST)
