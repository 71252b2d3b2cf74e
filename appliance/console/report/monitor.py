"""The last telegrams of the line: when, who sent them, their bytes, and what they are."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from appliance.console.display import safe
from appliance.console.report.moment import moment
from appliance.monitor.meaning import meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.monitor.line_monitor import LineMonitor
    from appliance.monitor.line_telegram import LineTelegram

MOST = 40
"""Telegrams that are shown; the page and its download have more."""
OCTETS = 24
"""Bytes on one line: 76 columns with what stands before them."""


def monitor_lines(monitor: LineMonitor) -> list[str]:
    """Write the last telegrams, the newest last."""
    telegrams = list(islice(monitor.latest(), MOST))[::-1]
    lines = [line for telegram in telegrams for line in _telegram(telegram)]
    return lines or ["Nothing went over the line yet."]


def _telegram(telegram: LineTelegram) -> Iterator[str]:
    party = telegram.party or "nobody"
    way = f"{party} > meters" if telegram.to_meters else f"{telegram.branch} > {party}"
    delay = "" if telegram.delay is None else f", +{telegram.delay:.3f} s"
    milliseconds = int(telegram.at % 1 * 1000)
    words = "; ".join((meaning(telegram), *telegram.notes))
    yield safe(f"{moment(telegram.at)}.{milliseconds:03} {way}{delay}: {words}")
    for place in range(0, len(telegram.octets), OCTETS):
        yield f"    {telegram.octets[place : place + OCTETS].hex(' ')}"
