"""Meters > one meter: where it is, how it goes, and all that it told last, to the single byte."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from flask import render_template

from appliance.errors import FrameError, UnknownMeter
from appliance.mbus.application import status_words
from appliance.mbus.telegram import decode
from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.meter_fields import INTERVALS
from appliance.web.meter_refusals import refusal_text
from appliance.web.meter_words import words
from appliance.web.pages.meters.listing import errors_text, list_mark, seconds_text, state_of, time_text
from appliance.web.pages.meters.section import section
from appliance.web.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.mbus.data_record import DataRecord
    from appliance.mbus.heading import Header
    from appliance.mbus.telegram import Telegram
    from appliance.meters.meter import Meter
    from appliance.meters.readings import Series, StoredReading
    from appliance.meters.snapshot import MeterState

SPANS = (
    (86_400, N_("Day")),
    (7 * 86_400, N_("Week")),
    (31 * 86_400, N_("Month")),
    (366 * 86_400, N_("Year")),
)
"""Seconds that a plot may show."""
MOST_PARTS = 4096
"""Pieces of telegrams that a page explains; a reading of a good meter has some hundred."""


class Shown(NamedTuple):
    """A telegram on the page."""

    telegram: Telegram | None
    """None where its bytes are no frame."""
    octets: bytes
    trouble: str
    header: list[Row]
    records: tuple[DataRecord, ...]


class Plotted(NamedTuple):
    """A series that can be plotted."""

    key: int
    label: str
    unit: str


@section.get("/meters/<int(max=9007199254740991):key>")
@reads
def details(key: int) -> str:
    """Show one meter."""
    meters = context().device.meters
    meter = meters.find(key)
    snapshot = meters.snapshot()
    state = next((one for one in snapshot.meters if one.meter.key == key), None)
    if state is None:
        raise UnknownMeter(f"there is no meter {key}")
    reading = meters.latest(key)
    return render_template(
        "meters/details.html",
        meter=meter,
        state=state,
        facts=list(facts(meter)),
        health=list(health(state)),
        reading=reading,
        read_at=time_text(reading.at) if reading is not None else "",
        took=seconds_text(reading.seconds) if reading is not None else "",
        notes=[refusal_text(note) for note in reading.notes] if reading is not None else [],
        telegrams=shown(reading) if reading is not None else [],
        place=place_text,
        words=words,
        remark=remark,
        plotted=plotted(meters.series(key)),
        spans=SPANS,
        now=round(time.time(), 3),
        most=MOST_PARTS,
        mark=list_mark(snapshot),
    )


def facts(meter: Meter) -> Iterator[Row]:
    """Say which meter it is and how it is reached."""
    unknown = _("not known")
    yield Row(_("Read at"), meter.address_text or unknown)
    yield Row(_("Primary address"), unknown if meter.primary is None else str(meter.primary))
    yield Row(_("Secondary address"), meter.secondary or unknown)
    if meter.fabrication:
        yield Row(_("Fabrication number"), meter.fabrication)
    yield Row(_("Manufacturer"), meter.manufacturer or unknown)
    yield Row(_("Version"), unknown if meter.version is None else str(meter.version))
    yield Row(_("Medium"), words(meter.medium) if meter.medium else unknown)
    yield Row(_("Speed"), f"{meter.baud} {_('bit/s')}")
    yield Row(_("Readout"), interval_text(meter.interval))
    if meter.on_battery:
        yield Row(_("Battery"), _("fed by a battery"))


def health(state: MeterState) -> Iterator[Row]:
    """Say how it goes with a meter."""
    never = _("not yet")
    told = state_of(state)
    yield Row(_("State"), told.text, is_bad=told.kind == "bad")
    if state.warning and state.warning != told.text:
        yield Row(_("Warning"), refusal_text(state.warning))
    yield Row(_("Last read"), time_text(state.last_reading) or never)
    yield Row(_("Last try"), time_text(state.last_try) or never)
    if state.due is not None:
        yield Row(_("Next readout"), time_text(state.due))
    yield Row(_("Response time"), seconds_text(state.response_time) or never)
    yield Row(_("Readout takes"), seconds_text(state.readout_time) or never)
    yield Row(_("Errors"), errors_text(state) or never)


def interval_text(seconds: int) -> str:
    """Write how often a meter is read."""
    usual = dict(INTERVALS).get(str(seconds))
    return _(usual) if usual else _("every %(seconds)d seconds") % {"seconds": seconds}


def shown(reading: StoredReading) -> list[Shown]:
    """Take the telegrams of a reading apart for the page."""
    found = []
    for octets in reading.telegrams:
        try:
            telegram = decode(octets)
        except FrameError as error:
            found.append(Shown(None, octets, str(error), [], ()))
            continue
        header = list(header_rows(telegram.header)) if telegram.header is not None else []
        found.append(Shown(telegram, octets, "", header, telegram.records))
    return found


def header_rows(header: Header) -> Iterator[Row]:
    """Say who answered, and in which state."""
    if header.identification is not None:
        yield Row(_("Identification"), header.identification)
    if header.manufacturer is not None:
        yield Row(_("Manufacturer"), header.manufacturer)
    if header.version is not None:
        yield Row(_("Version"), str(header.version))
    if header.medium_name is not None:
        yield Row(_("Medium"), words(header.medium_name))
    yield Row(_("Access number"), str(header.access))
    states = status_words(header.status)
    told = ", ".join(_(state) for state in states) or _("no error")
    yield Row(_("Status"), told, source=f"{header.status:02X}", is_bad=bool(states))


def place_text(record: DataRecord) -> str:
    """Write where in the meter a value stands, of storage, tariff and subunit what is not 0."""
    places = (
        (record.storage, _("storage %(number)d")),
        (record.tariff, _("tariff %(number)d")),
        (record.subunit, _("subunit %(number)d")),
    )
    return ", ".join(text % {"number": number} for number, text in places if number)


def remark(record: DataRecord) -> str:
    """Say what a reader of a value should know."""
    return record.error or record.refusal or record.note


def plotted(series: tuple[Series, ...]) -> list[Plotted]:
    """Choose the series that are numbers, those of now first."""
    numbers = [one for one in series if one.is_number]
    numbers.sort(key=lambda one: (one.storage, one.tariff, one.subunit, one.function != "instantaneous value"))
    return [Plotted(one.key, series_label(one), one.unit) for one in numbers]


def series_label(series: Series) -> str:
    """Write which value of a meter a series is."""
    places = (
        (series.storage, _("storage %(number)d")),
        (series.tariff, _("tariff %(number)d")),
        (series.subunit, _("subunit %(number)d")),
    )
    parts = [words(series.quantity)]
    if series.function != "instantaneous value":
        parts.append(_(series.function))
    parts += [text % {"number": number} for number, text in places if number]
    label = ", ".join(parts)
    return f"{label} ({series.unit})" if series.unit else label
