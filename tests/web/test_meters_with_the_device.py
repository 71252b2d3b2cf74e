"""The pages of the meters on a whole device: simulated meters are found, put into the list, read and readdressed."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from appliance.meters.snapshot import SearchPhase
from appliance.simulator.bus import SimulatedBus
from appliance.simulator.contents import VariableContents
from appliance.simulator.profile import Gauge
from appliance.web.period import moment_text
from tests.appliance_rig import running
from tests.tunnel.rig import wait_until
from tests.web.rig import text_of
from tests.web.visitor import Visitor, directives, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.meters.meters import Meters
    from appliance.simulator.meter import Meter

NOW = 1_790_000_000.0
METERS = 3
LONG = 60.0
"""Seconds; a search of this bus takes a tenth of it."""


@pytest.fixture
def bus() -> Iterator[SimulatedBus]:
    simulated = SimulatedBus(METERS, optical=False, time_of_day=lambda: NOW)
    simulated.start()
    yield simulated
    simulated.stop()


def meant(meter: Meter) -> list[Decimal | None]:
    """Give what a simulated meter wants to tell, in order; None for what is no plain number."""
    assert isinstance(meter.contents, VariableContents)
    return [
        Decimal(part.number(NOW)).scaleb(part.exponent)
        if isinstance(part, Gauge) and part.coding(0).coding.name != "REAL_32"
        else None
        for parts in meter.contents.telegrams
        for part in parts
    ]


def values_on(page: str) -> list[str]:
    return [text_of(one) for one in re.findall(r'<span class="number"><bdi>(.*?)</bdi>', page)]


def search(visitor: Visitor, meters: Meters) -> None:
    assert visitor.post("/meters/search", speeds="2400", ways="secondary").status == 303
    visitor.post("/meters/search/pause")
    assert meters.snapshot().search.phase is SearchPhase.PAUSED
    visitor.post("/meters/search/resume")
    wait_until(lambda: meters.snapshot().search.phase is SearchPhase.FINISHED, "the search", LONG)


def test_from_the_search_to_the_export(bus: SimulatedBus, tmp_path: Path) -> None:
    with running(tmp_path, line__two_wire=bus.line_url, http__authentication=directives()) as appliance:
        web, meters = appliance.device.http, appliance.device.meters
        assert web is not None
        with visiting(web.snapshot().http_port) as visitor:
            search(visitor, meters)
            page = visitor.get("/meters/search").text
            boxes = re.findall(r'name="address" value="([^"]+)"', page)
            assert sorted(boxes) == sorted(meter.address.text for meter in bus.meters)
            assert visitor.post("/meters/search/add", address=boxes[0]).status == 303
            assert [meter.secondary for meter in meters.meters.values()] == [boxes[0]]
            visitor.post("/meters/search/add", all="yes")
            assert len(meters.meters) == METERS

            assert visitor.post("/meters/read", all="yes").status == 303
            wait_until(lambda: all(one.last_reading for one in meters.snapshot().meters), "the readouts", LONG)
            assert visitor.get("/meters").text.count("in order") == METERS
            for meter in meters.meters.values():
                simulated = next(one for one in bus.meters if one.address.text == meter.secondary)
                shown = values_on(visitor.get(f"/meters/{meter.key}").text)
                expected = meant(simulated)
                pairs = [
                    (Decimal(text), value) for text, value in zip(shown, expected, strict=False) if value is not None
                ]
                assert len(pairs) >= 2
                assert all(text == value for text, value in pairs), pairs

            rows = list(csv.DictReader(io.StringIO(visitor.get("/meters/values.csv").text, newline="")))
            stored = [one for meter in meters.meters for one in meters.values(meter)]
            assert len(rows) == len(stored) > METERS
            assert [(row["time"], row["quantity"], row["unit"]) for row in rows] == [
                (moment_text(one.at), one.series.quantity, one.series.unit) for one in stored
            ]
            assert [row["value"].removeprefix("'") for row in rows] == [
                format(one.value, "f") if isinstance(one.value, Decimal) else one.value for one in stored
            ]

            meter = next(iter(meters.meters.values()))
            simulated = next(one for one in bus.meters if one.address.text == meter.secondary)
            assert "200" in visitor.post(f"/meters/{meter.key}/primary", primary="200").text
            assert simulated.primary == meter.primary
            assert visitor.post(f"/meters/{meter.key}/primary", primary="200", confirmed="yes").status == 303
            wait_until(lambda: meters.find(meter.key).primary == 200, "the new address", LONG)
            assert simulated.primary == 200
            assert "200" in visitor.get(f"/meters/{meter.key}").text

            assert visitor.post(f"/meters/{meter.key}/remove").status == 303
            assert len(meters.meters) == METERS - 1
