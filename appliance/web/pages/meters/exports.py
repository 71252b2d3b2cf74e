"""Exports: values as CSV, readings as JSON. Sent as they are made: a year of 256 meters fits into no memory."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

from flask import Response

from appliance.errors import InvalidValue, UnknownMeter
from appliance.mbus.value import plain
from appliance.web.access import reads
from appliance.web.api.meter_objects import meter_object, reading_object
from appliance.web.context import context
from appliance.web.error_pages import Refused
from appliance.web.pages.meters.section import section
from appliance.web.period import Period, asked_period, moment_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appliance.meters.meter import Meter
    from appliance.meters.readings import StoredValue
    from appliance.meters.view import MetersView

COLUMNS = (
    "time",
    "meter",
    "name",
    "identification",
    "manufacturer",
    "quantity",
    "unit",
    "function",
    "storage",
    "tariff",
    "subunit",
    "value",
)
"""The head of the table; English, for programs read it too."""

AT_ONCE = 200
"""Lines that are made in one piece."""
READINGS_AT_ONCE = 20
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


@section.get("/meters/values.csv")
@reads
def all_values() -> Response:
    """Give the values of all meters."""
    meters = context().device.meters
    return _table([state.meter for state in meters.snapshot().meters], "meters")


@section.get("/meters/<int(max=9007199254740991):key>/values.csv")
@reads
def values(key: int) -> Response:
    """Give the values of one meter."""
    meter = context().device.meters.find(key)
    return _table([meter], file_name(meter))


@section.get("/meters/<int(max=9007199254740991):key>/readings.json")
@reads
def readings(key: int) -> Response:
    """Give the readings of one meter, with every record."""
    meters = context().device.meters
    meter = meters.find(key)
    pieces = reading_pieces(meters, meter, _period())
    return _file(pieces, f"{file_name(meter)}.json", "application/json")


def file_name(meter: Meter) -> str:
    """Make a name for the file of a meter, of what every file system takes."""
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", meter.name).strip(".-")[:40]
    return f"meter-{meter.key}-{words}".rstrip("-")


def guarded(text: str) -> str:
    """Have a spreadsheet take a text for a text; the apostrophe in front is its own sign for one."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def value_lines(meters: MetersView, listed: Iterable[Meter], period: Period) -> Iterator[str]:
    """Write the table, some lines at once (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    count = 0
    for meter in listed:
        head = (meter.key, guarded(meter.name), meter.identification, guarded(meter.manufacturer))
        for one in meters.values(meter.key, since=period.since, until=period.until):
            writer.writerow(_row(head, one))
            count += 1
            if count % AT_ONCE == 0:
                yield text.getvalue()
                text.seek(0)
                text.truncate()
    yield text.getvalue()


def reading_pieces(meters: MetersView, meter: Meter, period: Period) -> Iterator[str]:
    """Write the readings as one JSON object, some at once."""
    yield f'{{"meter": {json.dumps(meter_object(meter))}, "readings": ['
    after, comma = 0, ""
    while page := meters.readings(
        meter.key, after=after, since=period.since, until=period.until, limit=READINGS_AT_ONCE
    ):
        for reading in page:
            yield f"{comma}\n{json.dumps(reading_object(reading), ensure_ascii=False)}"
            comma = ","
        after = page[-1].key
    yield "\n]}\n"


def _row(head: tuple[object, ...], one: StoredValue) -> tuple[object, ...]:
    series = one.series
    value = plain(one.value) or ""
    return (
        moment_text(one.at),
        *head,
        guarded(series.quantity),
        guarded(series.unit),
        series.function,
        series.storage,
        series.tariff,
        series.subunit,
        guarded(value) if isinstance(one.value, str) else value,
    )


def _table(listed: list[Meter], name: str) -> Response:
    lines = value_lines(context().device.meters, listed, _period())
    return _file(lines, f"{name}.csv", "text/csv; charset=utf-8; header=present")


def _file(pieces: Iterator[str], name: str, kind: str) -> Response:
    answer = Response(_until_removed(pieces), content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _until_removed(pieces: Iterator[str]) -> Iterator[bytes]:
    """End well when a meter is removed while its values are on the way."""
    try:
        for piece in pieces:
            yield piece.encode("utf-8", "replace")
    except UnknownMeter:
        return


def _period() -> Period:
    try:
        return asked_period()
    except InvalidValue as error:
        raise Refused(400, str(error)) from None
