"""The pages and the API of the meters on a real list in a real file, without a bus."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from appliance.mbus.frame import LongFrame, parse
from appliance.meters.meters import Meters
from appliance.meters.snapshot import SearchPhase, SearchState
from appliance.readout.reading import Reading
from tests.console.meters_rig import telegram
from tests.web.rig import Web

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from werkzeug.test import TestResponse

    from appliance.meters.meter import Meter
    from appliance.readout.discovery.found import FoundMeter

SECONDARY = "12345678A7320407"
OTHER = "87654321B40A0107"
BEGINNING = 1_790_000_000.0
"""When the clock of these devices begins."""

HEADERS = {"X-Requested-With": "test"}

NUMBERS = "0413 15CD5B07" + "426C 5F2C" + "440F 78563412" + "042B 2A000000"
"""A volume of 123456.789 m³, of storage 1 a date and an energy, a power of 42 W."""


class MetersWeb(Web):
    """A device with a list of meters, its own password set."""

    def __init__(self, folder: Path, beginning: float = BEGINNING) -> None:
        super().__init__(folder)
        self.set_password()
        self.seconds = 100.0
        self.meters = Meters(
            self.device.settings,
            folder / "state",
            clock=lambda: self.seconds,
            wall=lambda: beginning + self.seconds,
        )
        self.device.meters = self.meters
        self.asked: list[str] = []
        self.meters.on_order = lambda: self.asked.append("order")

    def put(self, name: str = "Cellar", **texts: str) -> Meter:
        return self.meters.add({"name": name, "secondary": SECONDARY, "primary": "5", **texts})

    def tell(self, meter: Meter, records: str = NUMBERS, *, notes: Sequence[str] = (), **more: Any) -> int:
        """Store a reading with one telegram of these records, a second after the one before."""
        self.seconds += 1
        frames = tuple(self._frame(meter, one, more) for one in records.split("|"))
        number = self.meters.store_reading(
            meter.key, Reading(frames, tuple(notes), 0.25), came=self.seconds, response=0.05
        )
        assert number is not None
        return number

    @staticmethod
    def _frame(meter: Meter, records: str, more: dict[str, Any]) -> LongFrame:
        frame = parse(telegram(records, secondary=meter.secondary or SECONDARY, **more))
        assert isinstance(frame, LongFrame)
        return frame

    def found(self, *meters: FoundMeter, phase: SearchPhase = SearchPhase.FINISHED, **fields: Any) -> None:
        """Show what a search found."""
        self.meters.job._state = replace(SearchState(phase, **fields), found=meters)

    def replace(self, **methods: Any) -> None:
        """Have methods of the meters do something else, such as fail."""
        for name, method in methods.items():
            setattr(self.meters, name, method)

    def api(self, path: str, body: Any = None) -> TestResponse:
        """Post JSON."""
        return self.client.post(
            f"/api/v1/meters{path}",
            data=json.dumps({} if body is None else body),
            content_type="application/json",
            headers=HEADERS,
            environ_overrides=self.environ(),
        )

    def ask(self, path: str = "") -> TestResponse:
        return self.get(f"/api/v1/meters{path}")

    def close(self) -> None:
        self.meters.close()
