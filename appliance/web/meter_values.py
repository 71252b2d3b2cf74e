"""What a reading says: its records, and the two or three of them that people look for first."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from appliance.errors import FrameError
from appliance.mbus.record import Function
from appliance.mbus.telegram import Telegram, decode
from appliance.web.meter_words import words

if TYPE_CHECKING:
    from appliance.mbus.data_record import DataRecord
    from appliance.meters.readings import StoredReading
    from appliance.meters.snapshot import MeterState
    from appliance.meters.view import MetersView

MAIN = 3
"""Values that stand for a whole reading."""

_FIRST = (
    "energy",
    "volume",
    "units for H.C.A.",
    "power",
    "volume flow",
    "flow temperature",
    "return temperature",
    "mass",
    "relative humidity",
    "external temperature",
    "voltage",
    "current",
    "pressure",
)
"""Quantities in the order in which people ask for them."""
_LAST = ("on time", "operating time", "error flags", "address", "averaging duration", "actuality duration")
"""Numbers that say nothing of what was measured."""


class MainValue(NamedTuple):
    """One of the values that stand for a reading."""

    quantity: str
    """In the standard's words."""
    value: str
    """Exactly as decoded, with its unit."""

    @property
    def label(self) -> str:
        """The quantity in the visitor's language."""
        return words(self.quantity)


def telegrams_of(reading: StoredReading) -> tuple[Telegram, ...]:
    """Take the telegrams of a reading apart; bytes that are no frame are left out."""
    found = []
    for octets in reading.telegrams:
        try:
            found.append(decode(octets))
        except FrameError:  # a disk that has lost bits: what else there is can still be read
            continue
    return tuple(found)


def main_values(reading: StoredReading) -> tuple[MainValue, ...]:
    """Choose the values to show of a reading where there is little room."""
    records = [record for telegram in telegrams_of(reading) for record in telegram.records if record.text is not None]
    now = [record for record in records if _is_present(record)] or records
    chosen: dict[str, DataRecord] = {}
    for record in sorted(now, key=_rank):  # stable: of one quantity the first
        chosen.setdefault(record.quantity, record)
    return tuple(
        MainValue(record.quantity, f"{record.text} {record.unit}".rstrip()) for record in list(chosen.values())[:MAIN]
    )


def _is_present(record: DataRecord) -> bool:
    """Whether it is what the meter measures now, and not what it kept, or says of itself."""
    return (
        isinstance(record.value, Decimal)
        and record.function is Function.INSTANTANEOUS
        and not (record.storage or record.tariff or record.subunit)
    )


def _rank(record: DataRecord) -> int:
    quantity = record.quantity.partition(", ")[0]
    if quantity in _FIRST:
        return _FIRST.index(quantity)
    return len(_FIRST) + (1 if quantity in _LAST else 0)


class MainValues:
    """Keeps the values of each meter's last reading: to decode 256 of them for each look at the list takes a while."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[float, tuple[MainValue, ...]]] = {}
        self._lock = threading.Lock()

    def of(self, meters: MetersView, state: MeterState) -> tuple[MainValue, ...]:
        """Give the values of a meter's last reading; nothing before the first."""
        key, at = state.meter.key, state.last_reading
        if at is None:
            return ()
        with self._lock:
            known = self._found.get(key)
        if known is not None and known[0] == at:
            return known[1]
        reading = meters.latest(key)
        values = main_values(reading) if reading is not None else ()
        with self._lock:
            self._found[key] = (at, values)
        return values

    def keep_only(self, keys: set[int]) -> None:
        """Forget meters that are no longer in the list."""
        with self._lock:
            for key in self._found.keys() - keys:
                del self._found[key]
