"""The meters: the list, one meter with what it told, and the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.display import safe, table
from appliance.console.meter_words import address_of, number_of, title_of
from appliance.console.report.moment import moment, seconds
from appliance.console.report.statistics import duration
from appliance.errors import FrameError
from appliance.mbus.manufacturer import decode_manufacturer
from appliance.mbus.medium import medium_name
from appliance.mbus.secondary import ANY_MANUFACTURER, ANY_MEDIUM
from appliance.mbus.telegram import decode
from appliance.meters.snapshot import SearchPhase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.mbus.data_record import DataRecord
    from appliance.mbus.telegram import Telegram
    from appliance.meters.meter import Meter
    from appliance.meters.readings import StoredReading
    from appliance.meters.snapshot import MetersSnapshot, MeterState, SearchState
    from appliance.meters.view import MetersView
    from appliance.readout.discovery.found import FoundMeter

NOTHING = "-"
LONGEST_NAME = 24
"""Characters of a name that the list shows, so that it fits 80 columns; `show meters <number>` has all of it."""


def list_lines(meters: MetersView) -> list[str]:
    """Write the list, what is being done, and what is wrong with it as a whole."""
    snapshot = meters.snapshot()
    lines = ["There are no meters in the list: search finds them, add takes them by hand."]
    if snapshot.meters:
        head = ("no.", "name", "address", "bit/s", "last reading (UTC)", "error")
        lines = table([head, *(_row(state) for state in snapshot.meters)])
    return [*lines, *_notices(snapshot)]


def _notices(snapshot: MetersSnapshot) -> list[str]:
    notices = [f"Now: {snapshot.activity}"] if snapshot.activity else []
    if snapshot.bus_load:
        notices.append(f"The schedule needs {snapshot.bus_load:.0%} of the bus time.")
    notices += [f"Warning: {words}" for words in snapshot.warnings]
    if snapshot.problem:
        notices.append(f"Fault: {snapshot.problem}")
    return [safe(notice) for notice in notices]


def _row(state: MeterState) -> tuple[str, ...]:
    meter = state.meter
    name = meter.name if len(meter.name) <= LONGEST_NAME else f"{meter.name[: LONGEST_NAME - 3]}..."
    return (
        str(meter.key),
        name or NOTHING,
        meter.address_text or NOTHING,
        str(meter.baud),
        moment(state.last_reading),
        state.error or ("is asked for" if state.is_waiting else ""),
    )


def meter_lines(meters: MetersView, meter: Meter) -> list[str]:
    """Write one meter, how it goes with it, and the records of its last reading."""
    state = next((state for state in meters.snapshot().meters if state.meter.key == meter.key), None)
    rows = _address_rows(meter)
    if state is not None:
        rows += _state_rows(state)
    lines = [f"Meter {safe(title_of(meter))}", *table(rows, indent="  ")]
    reading = meters.latest(meter.key)
    return [*lines, *(["No reading is kept."] if reading is None else _reading_lines(reading))]


def _address_rows(meter: Meter) -> list[tuple[str, str]]:
    return [
        ("name", meter.name or NOTHING),
        ("read at", meter.address_text or NOTHING),
        ("primary", NOTHING if meter.primary is None else str(meter.primary)),
        ("secondary", meter.secondary or NOTHING),
        ("fabrication", meter.fabrication or NOTHING),
        ("maker", meter.manufacturer or NOTHING),
        ("version", NOTHING if meter.version is None else str(meter.version)),
        ("medium", meter.medium or NOTHING),
        ("baud", f"{meter.baud} bit/s"),
        ("reads-by-primary", _switch(meter.reads_by_primary)),
        ("high-first", _switch(meter.high_first)),
        ("interval", f"{meter.interval} s" if meter.interval else "0 s (on demand)"),
        ("on-battery", _switch(meter.on_battery)),
    ]


def _state_rows(state: MeterState) -> list[tuple[str, str]]:
    rows = [
        ("last try", _utc(state.last_try)),
        ("last reading", _utc(state.last_reading)),
        ("error", state.error or NOTHING),
        ("response time", seconds(state.response_time) or NOTHING),
        ("readout time", seconds(state.readout_time) or NOTHING),
        ("readouts", f"{state.tries}, {state.failures} of them failed"),
        ("next readout", "is asked for" if state.is_waiting else _utc(state.due)),
    ]
    return [*rows, ("warning", state.warning)] if state.warning else rows


def _reading_lines(reading: StoredReading) -> list[str]:
    telegrams: list[Telegram] = []
    troubles = list(reading.notes)
    for octets in reading.telegrams:
        try:
            telegrams.append(decode(octets))
        except FrameError as error:
            troubles.append(f"a telegram that is kept is no frame: {error}")
    count = f"{len(reading.telegrams)} telegram{'' if len(reading.telegrams) == 1 else 's'}"
    lines = [f"Reading {reading.key} of {_utc(reading.at)}, {count} in {seconds(reading.seconds)}"]
    header = telegrams[0].header if telegrams else None
    if header is not None:
        status = ", ".join(telegrams[0].status) or "no error"
        lines.append(safe(f"  access number {header.access}, status {header.status:02X}: {status}"))
    records = [record for telegram in telegrams for record in telegram.records]
    if records:
        head = ("quantity", "value", "unit", "function", "storage", "tariff", "subunit", "remark")
        lines += table([head, *(_record_row(record) for record in records)], indent="  ")
    for telegram in telegrams:
        if telegram.manufacturer_data:
            lines.append(f"  manufacturer specific data: {telegram.manufacturer_data.hex(' ')}")
        troubles += [*telegram.notes, *telegram.errors]
    return [*lines, *(f"  {safe(trouble)}" for trouble in troubles)]


def _record_row(record: DataRecord) -> tuple[str, ...]:
    return (
        record.quantity,
        NOTHING if record.text is None else record.text,
        record.unit,
        record.function_words,
        str(record.storage),
        str(record.tariff),
        str(record.subunit),
        record.error or record.refusal or record.note,
    )


def search_lines(meters: MetersView) -> list[str]:
    """Write how far a search is, and what it found."""
    snapshot = meters.snapshot()
    search = snapshot.search
    if search.phase is SearchPhase.NONE:
        return ["There was no search yet."]
    lines = table(_search_rows(search))
    if search.found:
        head = ("no.", "address", "primary", "maker", "version", "medium", "bit/s", "answers at")
        lines += ["", *table([head, *(_found_row(found, snapshot.meters) for found in search.found)])]
    return [*lines, *(safe(f"! {diagnosis}") for diagnosis in search.diagnoses)]


def _search_rows(search: SearchState) -> list[tuple[str, str]]:
    phase = "waiting for a TCP client" if search.phase is SearchPhase.WAITING else str(search.phase)
    rows = [("Search", f"{phase}: {search.error}" if search.error else phase), ("Progress", f"{search.progress:.0%}")]
    if search.remaining is not None and search.phase in (SearchPhase.RUNNING, SearchPhase.WAITING, SearchPhase.PAUSED):
        rows.append(("Remaining", f"about {duration(search.remaining)}"))
    rows += [("Bus time", duration(search.elapsed)), ("Begun", _utc(search.began_at))]
    if search.stage:
        rows.append(("Stage", search.stage))
    return [*rows, ("Found", str(len(search.found)))]


def _found_row(found: FoundMeter, states: Sequence[MeterState]) -> tuple[str, ...]:
    number, address = number_of(found, states), found.secondary
    maker = version = medium = NOTHING
    if address is not None:
        if address.manufacturer != ANY_MANUFACTURER:
            maker, version = decode_manufacturer(address.manufacturer), str(address.version)
        if address.medium != ANY_MEDIUM:
            medium = medium_name(address.medium)
    ways = [way for is_so, way in ((found.by_primary, "primary"), (found.by_secondary, "secondary")) if is_so]
    return (
        NOTHING if number is None else str(number),
        address_of(found),
        str(found.primary),
        maker,
        version,
        medium,
        str(found.baud),
        ", ".join(ways),
    )


def _switch(is_on: bool) -> str:
    return "on" if is_on else "off"


def _utc(at: float | None) -> str:
    return moment(at) if at is None else f"{moment(at)} UTC"
