"""What a meter has to tell: its telegrams, in the variable or the fixed structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from appliance.mbus.header import FixedStructure, FixedUnit, Information, LongHeader
from appliance.mbus.record import MORE_FOLLOWS
from appliance.simulator.profile import Growth, Part, set_day

if TYPE_CHECKING:
    from appliance.mbus.secondary import SecondaryAddress


class Contents(Protocol):
    """The application layer of a meter, without its link."""

    @property
    def count(self) -> int:
        """Telegrams in a full readout."""

    def answer(self, address: SecondaryAddress, access: int, telegram: int, now: float) -> tuple[int, bytes]:
        """Return CI field and data of the given telegram, counted from 0, as they are at `now`."""


@dataclass(frozen=True)
class VariableContents:
    """Telegrams of records behind the long header (CI 72)."""

    telegrams: tuple[tuple[Part, ...], ...]
    trailer: bytes = b""
    """Manufacturer specific data at the end of the last telegram, with its DIF 0F."""

    @property
    def count(self) -> int:
        """Telegrams in a full readout."""
        return len(self.telegrams)

    def answer(self, address: SecondaryAddress, access: int, telegram: int, now: float) -> tuple[int, bytes]:
        """Return header and records; all telegrams but the last end with the sign that more follow."""
        records = b"".join(bytes(part.record(now)) for part in self.telegrams[telegram])
        end = bytes([MORE_FOLLOWS]) if telegram < self.count - 1 else self.trailer
        return Information.VARIABLE, bytes(LongHeader(address, access)) + records + end


@dataclass(frozen=True)
class FixedContents:
    """Two counters behind CI 73, the second one of the last set day: a meter of the nineties."""

    growth: Growth
    """In `unit`."""
    unit: FixedUnit
    medium: int
    """Of the fixed structure's own table."""

    @property
    def count(self) -> int:
        """Telegrams in a full readout: it has but one."""
        return 1

    def structure(self, address: SecondaryAddress, access: int, now: float) -> FixedStructure:
        """Return the counters as they are at `now`."""
        return FixedStructure(
            identification=int(address.identification),
            access=access,
            medium=self.medium,
            unit=self.unit,
            counter=int(self.growth.at(now)) % 10**8,
            historic_unit=FixedUnit.SAME_BUT_HISTORIC,
            historic=int(self.growth.at(set_day(now, 1))) % 10**8,
        )

    def answer(self, address: SecondaryAddress, access: int, telegram: int, now: float) -> tuple[int, bytes]:  # noqa: ARG002 (there is one telegram)
        """Return the counters."""
        return Information.FIXED, bytes(self.structure(address, access, now))
