"""What meters told, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One readout that succeeded."""

    key: int
    """Its number: from 1, growing in the order in which readings were stored, never given again."""
    meter: int
    """The meter's number in the list."""
    at: float
    """When its first answer came, seconds since 1970 (UTC)."""
    seconds: float
    """How long the readout took."""
    telegrams: tuple[bytes, ...]
    """As they came, each a whole frame."""
    notes: tuple[str, ...] = ()
    """What was strange about it."""


@dataclass(frozen=True, slots=True)
class Series:
    """One record of a meter, as it comes again with every reading."""

    key: int
    """Its number, never given again."""
    meter: int
    quantity: str
    unit: str
    function: str
    """Which value of the quantity it is, in the standard's words."""
    storage: int = 0
    tariff: int = 0
    subunit: int = 0
    is_number: bool = True
    """Whether its values are numbers."""
    repetition: int = 0
    """Which one it is of those that a reading has alike in all the rest; 0 for the first."""


@dataclass(frozen=True, slots=True)
class StoredValue:
    """One value of a reading."""

    series: Series
    at: float
    """When it was read, seconds since 1970 (UTC)."""
    value: Decimal | str
    """Exact, in the unit of the series."""
