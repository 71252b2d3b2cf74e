"""How simulated quantities go with time: consumption that only grows, and values that come and go.

Everything follows from the moment alone (seconds since 1970), so that a simulator that was restarted goes on where
a real meter would be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from appliance.mbus.record import Function, Record, Value, day, decimal, moment

if TYPE_CHECKING:
    from appliance.mbus.quantity import Quantity

DAY = 86400.0
COMMISSIONED = datetime(2022, 1, 1, tzinfo=UTC).timestamp()
"""When every simulated meter was put into service."""

Course = Callable[[float], float]
"""A value in its quantity's unit, by the moment."""


@dataclass(frozen=True)
class Growth:
    """A consumption that grows faster by day than by night and never shrinks."""

    start: float
    """At commissioning."""
    daily: float
    """Mean consumption of a day."""
    swing: float = 0.8
    """0 for the same at all hours, 1 for none at all in the quietest one."""
    phase: float = 0.0
    """Part of a day by which the busiest hour is shifted from midnight UTC."""

    def at(self, now: float) -> float:
        """Return the register."""
        days = days_in_service(now)
        wave = math.sin(2 * math.pi * (days - self.phase)) + math.sin(2 * math.pi * self.phase)
        return self.start + self.daily * (days + self.swing * wave / (2 * math.pi))

    def per_hour(self, now: float) -> float:
        """Return the rate at which the register grows."""
        days = days_in_service(now)
        return self.daily / 24 * (1 + self.swing * math.cos(2 * math.pi * (days - self.phase)))


@dataclass(frozen=True)
class Wave:
    """A value that swings around a mean."""

    mean: float
    amplitude: float
    period: float = DAY
    """Seconds."""
    phase: float = 0.0
    """Part of a period."""

    def at(self, now: float) -> float:
        """Return the value."""
        return self.mean + self.amplitude * math.sin(2 * math.pi * (now / self.period - self.phase))


def set_day(now: float, storage: int) -> float:
    """Return the set day of a storage number: midnight UTC at the beginning of this month for 1, and so back."""
    today = datetime.fromtimestamp(now, UTC)
    months = today.year * 12 + today.month - storage
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp()


def days_in_service(now: float) -> float:
    """Days since commissioning."""
    return max(0.0, now - COMMISSIONED) / DAY


def register(digits: int) -> Callable[[int], Value]:
    """Coding of a BCD register, which rolls over as a mechanical one does."""
    return lambda value: decimal(value % 10**digits if value >= 0 else value, digits)


@dataclass(frozen=True)
class Gauge:
    """One record of a meter: which quantity, how it goes, and how it is coded."""

    quantity: Quantity
    exponent: int
    """The value is sent in units of ten to this."""
    course: Course
    coding: Callable[[int], Value] = field(default=register(8))
    function: Function = Function.INSTANTANEOUS
    storage: int = 0
    """0 for now, 1 for the last set day, 2 for the one before."""
    tariff: int = 0
    orthogonal: tuple[int, ...] = ()
    """VIFEs that go with every value."""

    def number(self, now: float) -> int:
        """Return what is sent: the value in units of ten to `exponent`, cut as a register cuts it."""
        at = set_day(now, self.storage) if self.storage else now
        value = self.course(at)
        # Scaled by a whole number either way, since 10**-3 is not exact; and rounded first, so that 2.9999999 is 3.
        scaled = value / 10.0**self.exponent if self.exponent >= 0 else value * 10.0**-self.exponent
        return math.floor(round(scaled, 6))

    def record(self, now: float) -> Record:
        """Return the record as it reads at `now`."""
        information = self.quantity.vif(self.exponent, *self.orthogonal)
        value = self.coding(self.number(now))
        return Record(value, information, self.function, self.storage, self.tariff)


@dataclass(frozen=True)
class Calendar:
    """A date record: of now with the time, or of the last set day."""

    quantity: Quantity
    storage: int = 0

    def record(self, now: float) -> Record:
        """Return the record as it reads at `now`, in UTC."""
        if self.storage:
            value = day(datetime.fromtimestamp(set_day(now, self.storage), UTC).date())
        else:
            value = moment(datetime.fromtimestamp(now, UTC))
        return Record(value, self.quantity.vif(), storage=self.storage)


@dataclass(frozen=True)
class Constant:
    """A record that never changes."""

    fixed: Record

    def record(self, now: float) -> Record:  # noqa: ARG002 (every part of a telegram is asked in the same way)
        """Return the record."""
        return self.fixed


Part = Gauge | Calendar | Constant
"""What a telegram is made of."""
