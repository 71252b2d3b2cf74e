"""A whole search: the ways and the speeds one after the other, and what came of all of them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from appliance.errors import LineError
from appliance.mbus.frame import Address
from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.readout.discovery.primary import PrimarySearch
from appliance.readout.discovery.secondary import SecondarySearch
from appliance.readout.transport import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appliance.readout.discovery.found import FoundMeter
    from appliance.readout.master import Master

_FAST = 1200
MOST_METERS = 256
"""Meters that the device knows at the most."""

_EVERYBODY = Selection(SecondaryAddress())
_KINDS: dict[str, type[PrimarySearch | SecondarySearch]] = {"primary": PrimarySearch, "secondary": SecondarySearch}


@dataclass(frozen=True)
class SearchSnapshot:
    """How far a search has come."""

    progress: float
    """Part that is done, 0 to 1."""
    remaining: float | None
    """Seconds that it will still take, as an estimate; None while there is nothing to estimate from."""
    stage: str
    """What it does now, in words."""
    found: tuple[FoundMeter, ...]
    diagnoses: tuple[str, ...]
    is_finished: bool


@dataclass
class Search:
    """A search whose state is a value: `as_object` between two steps, and `from_object` later goes on with it.

    Pausing is not to call `step`; cancelling is to drop it.
    """

    parts: list[PrimarySearch | SecondarySearch]
    elapsed: float = 0.0
    """Seconds that the steps took so far."""
    place: int = 0

    @classmethod
    def plan(cls, bauds: Sequence[int] = (2400,), *, primary: bool = True, secondary: bool = True) -> Search:
        """Plan a search at each of `bauds`, by primary or secondary address or both."""
        parts: list[PrimarySearch | SecondarySearch] = []
        for baud in bauds:
            if primary:
                parts.append(PrimarySearch(baud))
            if secondary:
                parts.append(SecondarySearch(baud))
        return cls(parts)

    def step(self, master: Master) -> bool:
        """Do a few transactions that belong together; the bus may be lent to others before the next step.

        :returns: whether there is more to do.
        :raises LineError: when the line is gone; the step can be repeated later.
        """
        if self.place >= len(self.parts):
            return False
        part = self.parts[self.place]
        began = master.transport.now()
        if master.transport.timing.baud != part.baud:
            master.transport.set_baud(part.baud)
        more = part.step(master)
        if not more:
            self._look_for_mode_2(master, part)
            self.place += 1
        self.elapsed += master.transport.now() - began
        return self.place < len(self.parts)

    def run(self, master: Master, on_step: Callable[[SearchSnapshot], bool]) -> None:
        """Take steps until done or until `on_step`, called after each, tells False.

        Whatever ends it, no meter stays selected.

        :raises Interrupted: when the transport is told to end.
        :raises LineError: when the line is gone.
        """
        try:
            while self.step(master):
                if not on_step(self.snapshot()):
                    break
            else:
                return
        except Interrupted:
            self._leave(master)
            raise
        self._leave(master)

    @staticmethod
    def _leave(master: Master) -> None:
        with contextlib.suppress(LineError):
            try:
                master.abandon()
            except Interrupted:  # a transport tells that once, however late
                master.abandon()

    def _look_for_mode_2(self, master: Master, part: PrimarySearch | SecondarySearch) -> None:
        """Plan another search where somebody understands the selection of mode 2, lest the other be the only one."""
        if isinstance(part, PrimarySearch) or part.high_first:
            master.reset(Address.NETWORK_LAYER)
            return
        if master.select(_EVERYBODY, high_first=True, listens_on=True).octets:
            self.parts.insert(self.place + 1, SecondarySearch(part.baud, high_first=True))
        master.reset(Address.NETWORK_LAYER)

    @property
    def is_finished(self) -> bool:
        """Whether everything was asked."""
        return self.place >= len(self.parts)

    def found(self) -> list[FoundMeter]:
        """Give each meter once, however often it was found."""
        merged: dict[tuple[int, str, str], FoundMeter] = {}
        for meter in (meter for part in self.parts for meter in part.found):
            former = merged.get(meter.key) or self._same(merged, meter)
            if former is None:
                merged[meter.key] = meter
                continue
            merged[former.key] = replace(
                former,
                by_primary=former.by_primary or meter.by_primary,
                by_secondary=former.by_secondary or meter.by_secondary,
                high_first=former.high_first and meter.high_first,
            )
        return list(merged.values())

    @staticmethod
    def _same(merged: dict[tuple[int, str, str], FoundMeter], meter: FoundMeter) -> FoundMeter | None:
        """Find a meter that was found in the other way and told less or more of itself then."""
        for other in merged.values():
            if other.baud != meter.baud or other.primary != meter.primary:
                continue
            if other.by_primary != meter.by_primary and other.secondary and meter.secondary:
                same = other.secondary.identification == meter.secondary.identification
                plain = replace(other, fabrication="").key == replace(meter, fabrication="").key
                if same and (plain or "FFFFFF" in (other.secondary.text[8:14], meter.secondary.text[8:14])):
                    return other
        return None

    def diagnoses(self) -> list[str]:
        """Say what is wrong on the bus."""
        words = [
            f"{words} at {part.baud} bit/s" if len({part.baud for part in self.parts}) > 1 else words
            for part in self.parts
            for words in part.diagnoses
        ]
        seen = self.found()
        by_address: dict[tuple[int, int], list[FoundMeter]] = {}
        for meter in seen:
            if meter.primary and meter.primary <= Address.LAST:
                by_address.setdefault((meter.baud, meter.primary), []).append(meter)
        for (_, primary), meters in by_address.items():
            if len(meters) > 1:
                words.append(
                    f"{len(meters)} meters have the primary address {primary}: "
                    + ", ".join(meter.secondary.text for meter in meters if meter.secondary)
                )
        by_number: dict[str, list[FoundMeter]] = {}
        for meter in seen:
            if meter.secondary and meter.by_secondary:
                by_number.setdefault(meter.secondary.identification, []).append(meter)
        for number, meters in by_number.items():
            if len(meters) > 1 and len({meter.baud for meter in meters}) == 1:
                words.append(f"{len(meters)} meters have the identification {number}")
        if len(seen) > MOST_METERS:
            words.append(f"{len(seen)} meters were found, {MOST_METERS} is what this device keeps")
        return list(dict.fromkeys(words))

    def snapshot(self) -> SearchSnapshot:
        """Tell how far it has come."""
        weights = [_weight(part) for part in self.parts]
        done = sum(
            weight * (1.0 if place < self.place else min(part.progress, 1.0))
            for place, (part, weight) in enumerate(zip(self.parts, weights, strict=True))
        )
        progress = 1.0 if self.is_finished else min(done / sum(weights), 0.99)
        remaining = None
        if progress > 0.02 and self.elapsed > 2.0:
            remaining = self.elapsed * (1 - progress) / progress
        part = self.parts[min(self.place, len(self.parts) - 1)]
        if isinstance(part, PrimarySearch):
            stage = f"primary addresses at {part.baud} bit/s"
        elif part.verifications and not part.is_finished:
            stage = f"secondary addresses at {part.baud} bit/s, silent ones again"
        else:
            stage = f"secondary addresses at {part.baud} bit/s"
        return SearchSnapshot(
            progress, remaining, stage, tuple(self.found()), tuple(self.diagnoses()), self.is_finished
        )

    def as_object(self) -> dict[str, Any]:
        """Give the state as JSON has it."""
        return {
            "elapsed": self.elapsed,
            "place": self.place,
            "parts": [
                {"kind": "primary" if isinstance(part, PrimarySearch) else "secondary", **part.as_object()}
                for part in self.parts
            ],
        }

    @classmethod
    def from_object(cls, item: dict[str, Any]) -> Search:
        """Read what `as_object` gave."""
        parts = [
            _KINDS[part["kind"]].from_object({name: value for name, value in part.items() if name != "kind"})
            for part in item["parts"]
        ]
        return cls(parts, item["elapsed"], item["place"])


def _weight(part: PrimarySearch | SecondarySearch) -> float:
    """Seconds that a part takes on a bus of average size, to weigh it against the others."""
    return (60.0 if isinstance(part, PrimarySearch) else 90.0) * (6.0 if part.baud < _FAST else 1.0)
