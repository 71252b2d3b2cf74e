"""Builds what the API and the exports say of meters."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from appliance.errors import FrameError
from appliance.mbus.telegram import decode
from appliance.mbus.telegram_object import header_object, record_object
from appliance.mbus.value import plain
from appliance.meters.addition import counterpart, drafted

if TYPE_CHECKING:
    from appliance.meters.meter import Meter
    from appliance.meters.readings import Series, StoredReading, StoredValue
    from appliance.meters.snapshot import MetersSnapshot, MeterState
    from appliance.web.api import meter_shapes as shapes


def meter_object(meter: Meter) -> shapes.Meter:
    """Write a meter."""
    return {
        "key": meter.key,
        "name": meter.name,
        "baud": meter.baud,
        "primary": meter.primary,
        "secondary": meter.secondary,
        "fabrication": meter.fabrication,
        "reads_by_primary": meter.reads_by_primary,
        "high_first": meter.high_first,
        "interval": meter.interval,
        "on_battery": meter.on_battery,
        "address": meter.address_text,
        "identification": meter.identification,
        "manufacturer": meter.manufacturer,
        "version": meter.version,
        "medium": meter.medium,
    }


def state_object(state: MeterState) -> shapes.MeterState:
    """Write how it goes with a meter."""
    return {
        "meter": meter_object(state.meter),
        "is_waiting": state.is_waiting,
        "last_try": state.last_try,
        "last_reading": state.last_reading,
        "error": state.error,
        "response_time": state.response_time,
        "readout_time": state.readout_time,
        "tries": state.tries,
        "failures": state.failures,
        "due": state.due,
        "warning": state.warning,
    }


def meters_object(snapshot: MetersSnapshot) -> shapes.Meters:
    """Write the list."""
    return {
        "meters": [state_object(state) for state in snapshot.meters],
        "is_busy": snapshot.is_busy,
        "activity": snapshot.activity,
        "bus_load": snapshot.bus_load,
        "warnings": list(snapshot.warnings),
        "readings": snapshot.readings,
        "problem": snapshot.problem,
    }


def reading_object(reading: StoredReading) -> shapes.Reading:
    """Write a reading, decoded as `cme3000 decode --json` does."""
    header: shapes.Header | None = None
    records: list[shapes.Record] = []
    errors: list[str] = []
    notes = list(reading.notes)
    for octets in reading.telegrams:
        try:
            telegram = decode(octets)
        except FrameError as error:
            errors.append(str(error))
            continue
        if header is None and telegram.header is not None:
            header = cast("shapes.Header", header_object(telegram.header))
        records += [cast("shapes.Record", record_object(record)) for record in telegram.records]
        notes += telegram.notes
        errors += telegram.errors
    return {
        "key": reading.key,
        "meter": reading.meter,
        "at": reading.at,
        "seconds": reading.seconds,
        "header": header,
        "records": records,
        "telegrams": [octets.hex() for octets in reading.telegrams],
        "notes": notes,
        "errors": errors,
    }


def series_object(series: Series) -> shapes.Series:
    """Write what a series is."""
    return {
        "key": series.key,
        "quantity": series.quantity,
        "unit": series.unit,
        "function": series.function,
        "storage": series.storage,
        "tariff": series.tariff,
        "subunit": series.subunit,
        "is_number": series.is_number,
    }


def value_object(value: StoredValue) -> shapes.Value:
    """Write one value, exact."""
    return {"at": value.at, "value": plain(value.value) or ""}


def search_object(snapshot: MetersSnapshot) -> shapes.Search:
    """Write the search, each meter with its counterpart in the list."""
    state = snapshot.search
    known = [one.meter for one in snapshot.meters]
    found: list[shapes.Found] = []
    for one in state.found:
        meter = drafted(one, interval=0, battery_interval=0)
        same = counterpart(meter, known)
        found.append({"address": meter.address_text, "meter": meter_object(meter), "known": same.key if same else None})
    return {
        "phase": str(state.phase),
        "progress": state.progress,
        "remaining": state.remaining,
        "elapsed": state.elapsed,
        "stage": state.stage,
        "found": found,
        "diagnoses": list(state.diagnoses),
        "error": state.error,
        "began_at": state.began_at,
    }
