"""The search by primary address: one after the other, 0 to 250."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance.mbus.frame import Address
from appliance.readout.answer import Outcome
from appliance.readout.discovery.found import FoundMeter
from appliance.readout.identity import identify

if TYPE_CHECKING:
    from appliance.readout.answer import Answer
    from appliance.readout.master import Master

ATTEMPTS = 3


@dataclass
class PrimarySearch:
    """A sweep at one speed. Its state is a value: it can be stored between two steps and gone on with later.

    An address is asked with a link reset, which costs an empty one nothing but the answer window, and who acknowledges
    is asked for data.
    """

    baud: int
    first: int = Address.UNCONFIGURED
    last: int = Address.LAST
    place: int | None = None
    """The next address; `first` at the beginning."""
    found: list[FoundMeter] = field(default_factory=list)
    diagnoses: list[str] = field(default_factory=list)
    is_finished: bool = False

    @property
    def progress(self) -> float:
        """Part that is done, 0 to 1."""
        return (self._next - self.first) / max(1, self.last - self.first + 1)

    @property
    def _next(self) -> int:
        return self.first if self.place is None else self.place

    def step(self, master: Master) -> bool:
        """Ask one address.

        :returns: whether there is more to do.
        :raises LineError: when the line is gone; the step can be repeated later.
        """
        address = self._next
        if address > self.last:
            self.is_finished = True
            return False
        answer = master.reset(address, listens_on=True)
        if answer.octets:
            self._look_closer(master, address, answer)
        self.place = address + 1
        return True

    def _look_closer(self, master: Master, address: int, answer: Answer) -> None:
        """Find out who is there: one meter, several, or nobody but noise."""
        garbled = silent = 0
        for _ in range(ATTEMPTS):
            master.expect_first(address)
            reading = master.request_once(address)
            frame = reading.data
            if frame is not None:
                self._note(address, identify(frame).primary)
                secondary = identify(frame).secondary
                self.found.append(FoundMeter(self.baud, address, secondary, by_primary=True, answer=bytes(frame)))
                if answer.voices > 1 and garbled:
                    self._diagnose(address, "several meters answer")
                return
            garbled += reading.outcome is Outcome.GARBLED
            silent += not reading.octets
            if reading.outcome is Outcome.ACKNOWLEDGED:
                self._diagnose(address, "a meter acknowledges but tells no data")
                return
        if garbled and answer.voices > 1:
            self._diagnose(address, "two meters or more answer")
        elif garbled:
            self._diagnose(address, "what answers cannot be read: two meters alike, or a damaged one")
        elif silent == ATTEMPTS and answer.outcome is Outcome.ACKNOWLEDGED:
            again = master.reset(address, listens_on=True)
            if again.octets:
                self._diagnose(address, "a meter acknowledges but tells no data")

    def _note(self, address: int, told: int) -> None:
        if told != address:
            self._diagnose(address, f"the answer has the address {told}")

    def _diagnose(self, address: int, words: str) -> None:
        self.diagnoses.append(f"primary address {address}: {words}")

    def as_object(self) -> dict[str, Any]:
        """Give the state as JSON has it."""
        return {
            "baud": self.baud,
            "first": int(self.first),
            "last": int(self.last),
            "place": self.place,
            "found": [meter.as_object() for meter in self.found],
            "diagnoses": self.diagnoses,
            "is_finished": self.is_finished,
        }

    @classmethod
    def from_object(cls, item: dict[str, Any]) -> PrimarySearch:
        """Read what `as_object` gave."""
        return cls(**{**item, "found": [FoundMeter.from_object(meter) for meter in item["found"]]})
