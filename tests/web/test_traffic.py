"""The traffic page without a script: sums of the hours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.recorder import History
from appliance.recorder.history import PERIOD
from appliance.sampling import sources_of
from appliance.web.pages.traffic import PLOTS
from tests.web.rig import text_of

if TYPE_CHECKING:
    from tests.web.rig import Web

BEGIN = 1_700_000_000 // 3600 * 3600


class Recorded:
    """A history of a day, made in a moment."""

    def __init__(self) -> None:
        self.now = float(BEGIN)
        self.count = 0
        self.link: float | None = 1.0
        names = [series.name for plot in PLOTS for series in plot.series]
        self.history = History(
            counters={name: lambda: self.count for name in names},
            gauges={"tunnel_clients": lambda: 0.5, "link_up": lambda: self.link},
            clock=lambda: self.now,
            wall=lambda: self.now,
        )
        self.history.sample()

    def run(self, hours: float, each: int) -> None:
        end = self.now + hours * 3600
        while self.now < end:
            self.now += PERIOD
            self.count += each
            self.history.sample()


def rows(web: Web) -> list[list[str]]:
    table = re.search(r'<table class="hours">.*?</table>', web.get("/traffic").text, re.DOTALL)
    assert table is not None
    return [[text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in table[0].split("</tr>")[:-1]]


def test_the_hours(web: Web) -> None:
    recorded = Recorded()
    recorded.run(1, 10)
    recorded.link = 0.0
    recorded.run(1, 0)
    web.device.history = recorded.history
    head, newest, oldest = rows(web)
    assert head[0] == "Hour (UTC)"
    assert head[1:4] == ["Bytes from the meters", "Bytes to the meters", "Line errors"]
    assert newest == ["11-14 23:00", *["0"] * 7, "0.5", "0%"]
    assert oldest == ["11-14 22:00", *["1\u202f800"] * 7, "0.5", "100%"]


def test_never_more_than_a_day(web: Web) -> None:
    recorded = Recorded()
    recorded.run(30, 1)
    web.device.history = recorded.history
    assert len(rows(web)) == 1 + 24


def test_what_is_not_known_is_a_dash(web: Web) -> None:
    recorded = Recorded()
    recorded.link = None
    recorded.run(0.5, 1)
    web.device.history = recorded.history
    assert rows(web)[1][-2:] == ["0.5", "\u2013"]


def test_a_recording_that_has_just_begun(web: Web) -> None:
    assert "The recording has just begun." in web.get("/traffic").text


def test_every_series_is_one_that_is_recorded() -> None:
    sources = sources_of(None, line_errors=lambda: 0)  # type: ignore[arg-type]  # nothing is asked yet
    assert {series.name for plot in PLOTS for series in plot.series} <= set(sources["counters"])
    assert set(sources["gauges"]) == {"tunnel_clients", "link_up"}
