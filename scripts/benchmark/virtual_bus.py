"""A bus in virtual time: the simulator's own segment with a clock that jumps from event to event."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.mbus.manufacturer import encode_manufacturer
from appliance.mbus.secondary import SecondaryAddress
from appliance.readout.discovery.secondary import SecondarySearch
from appliance.readout.master import Master
from appliance.readout.timing import Timing
from appliance.simulator.catalogue import KINDS
from appliance.simulator.clock import WireClock
from appliance.simulator.end import End
from appliance.simulator.meter import Meter
from appliance.simulator.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.mbus.frame import Frame
    from appliance.simulator.contents import Contents


class VirtualEnd(End):
    """A bus end in memory."""

    def __init__(self, baud: int) -> None:
        """Begin at `baud` bit/s."""
        super().__init__()
        self.speed = baud
        self.received = bytearray()

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def baud(self) -> int:
        """Return the speed."""
        return self.speed

    def watched(self) -> dict[int, int]:
        """Return that there is nothing to poll."""
        return {}

    def attend(self, descriptor: int, events: int) -> None:
        """Do nothing."""

    def deliver(self, data: bytes) -> None:
        """Keep what arrives."""
        self.received += data


class _Segment(Segment):
    """A segment on which nobody babbles, so that nobody has to be asked at each event whether he does."""

    def _mind_babblers(self) -> None:
        """Do nothing."""


class VirtualTransport:
    """A readout's transport on the simulator's own segment, in a time of its own: every wait is over at once.

    What happens on the wire, and when, is to the bit what the simulator does in real time.
    """

    def __init__(
        self,
        meters: Sequence[Meter],
        *,
        baud: int = 2400,
        margin: float = 0.01,
        jitter: float = 0.02,
        seed: int = 0,
        echoes: bool = False,
    ) -> None:
        """Put `meters` on a bus; `margin` and `jitter` are those of a real line, `echoes` is a converter that does."""
        self._now = 0.0
        self._margin, self._jitter, self._echoes = margin, jitter, echoes
        self.end = VirtualEnd(baud)
        self.segment = _Segment(
            meters,
            [self.end],
            wire=WireClock(1.0, lambda: self._now),
            time_of_day=lambda: 1.8e9 + self._now,
            seed=seed,
        )

    @property
    def timing(self) -> Timing:
        """The waits of this wire."""
        return Timing(self.end.speed, self._margin, self._jitter)

    def now(self) -> float:
        """Seconds since the beginning."""
        return self._now

    def set_baud(self, baud: int) -> None:
        """Change the speed."""
        self.end.speed = baud

    def discard(self) -> bytes:
        """Take what arrived."""
        data = bytes(self.end.received)
        self.end.received.clear()
        return data

    def send(self, data: bytes) -> float:
        """Send, and give the moment when the last bit leaves."""
        self.end.fifo += data
        if self._echoes:
            self.end.received += data
        return self._now + self.timing.on_wire(len(data))

    def receive(self, until: float) -> bytes:
        """Let the bus run until something arrives or `until` is there."""
        while True:
            wait = self.segment.advance()
            if self.end.received or self._now >= until:
                return self.discard()
            # A billionth more, so that what is due then is not a rounding error away.
            self._now = until if wait is None else min(until, self._now + wait + 1e-9)


class LossyMeter(Meter):
    """A meter some of whose answers get lost, by chance."""

    chance = random.Random()  # noqa: S311 (losses, not secrets)
    loss = 0.0
    """Part of its answers that get lost."""

    def hear(self, frame: Frame, baud: int, moment: float, now: float) -> bytes:
        """Obey, and perhaps answer in vain."""
        answer = super().hear(frame, baud, moment, now)
        return b"" if answer and self.chance.random() < self.loss else answer


@dataclass(frozen=True)
class HighFirst:
    """Contents told in mode 2: CI 76, numbers with their highest byte first."""

    inner: Contents

    @property
    def count(self) -> int:
        """Telegrams in a full readout."""
        return self.inner.count

    def answer(self, address: SecondaryAddress, access: int, telegram: int, now: float) -> tuple[int, bytes]:
        """Return the header turned round; nobody looks at the records."""
        _, data = self.inner.answer(address, access, telegram, now)
        return 0x76, data[3::-1] + data[5:3:-1] + data[6:]


@dataclass(frozen=True)
class Population:
    """What is on a bus of the search's tests."""

    count: int
    seed: int = 0
    loss: float = 0.0
    """Part of the answers that get lost."""
    equal_delays: bool = False
    """All answer after the same time, so that answers coincide to the bit."""
    equal_pairs: int = 0
    """Pairs of meters with one identification and different makers."""
    high_first: int = 0
    """Meters that answer with CI 76; an eighth of the others with CI 73."""
    prefix: str = ""
    """Digits that all identifications begin with."""

    def meters(self) -> list[LossyMeter]:
        """Make the meters, all at 2400 bit/s and with random identifications; the same for the same seed."""
        chance = random.Random(f"bus {self.seed}")  # noqa: S311 (a seeded generator makes a failure repeatable)
        losses = random.Random(f"losses {self.seed}")  # noqa: S311 (likewise)
        rest = 8 - len(self.prefix)
        numbers = [f"{self.prefix}{number:0{rest}d}" for number in chance.sample(range(10**rest), self.count)]
        for pair in range(self.equal_pairs):
            numbers[2 * pair + 1] = numbers[2 * pair]
        made = []
        for place, number in enumerate(numbers):
            kind = KINDS[place % len(KINDS)]
            contents = kind.build(chance)
            if place < self.high_first:
                contents = HighFirst(KINDS[0].build(chance))
            meter = LossyMeter(
                place % 250 + 1,
                SecondaryAddress(number, encode_manufacturer(kind.maker), kind.version, kind.medium),
                contents,
                fabrication=f"{chance.randrange(10**8):08d}",
                delay_bits=60 if self.equal_delays else chance.randint(15, 150),
            )
            meter.chance, meter.loss = losses, self.loss
            made.append(meter)
        return made


@dataclass(frozen=True)
class Outcome:
    """How a search in virtual time went."""

    seconds: float
    """Until it ended."""
    last_found: float
    """Until the last meter was found."""
    missed: int
    search: SecondarySearch


def search_virtually(population: Population, *, baud: int = 2400, margin: float = 0.01) -> Outcome:
    """Search a bus by secondary address."""
    meters = population.meters()
    for meter in meters:
        meter.speeds, meter.automatic = (300, 2400), True
    transport = VirtualTransport(meters, baud=baud, margin=margin, seed=population.seed)
    master, search = Master(transport), SecondarySearch(baud)
    found, last = 0, 0.0
    while search.step(master):
        if len(search.found) > found:
            found, last = len(search.found), transport.now()
    told = Counter(meter.secondary.identification for meter in search.found if meter.secondary)
    there = Counter(meter.address.identification for meter in meters)
    return Outcome(transport.now(), last, (there - told).total(), search)
