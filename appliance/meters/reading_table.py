"""Readings, series and values as rows of the database."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from appliance.errors import UnknownMeter
from appliance.mbus.frame import frame_length
from appliance.mbus.telegram import decode
from appliance.meters.readings import Series, StoredReading, StoredValue

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

T = TypeVar("T")

_READING = "key, meter, at, seconds, telegrams, notes"
_SERIES = "key, meter, quantity, unit, function, storage, tariff, subunit, is_number, repetition"
_LISTED = "meter IN (SELECT key FROM meter)"
"""What a removed meter told is there until it has been deleted, but out of sight."""
_PAGE = 256
"""Readings whose values are fetched at a time."""
_SPARE = 16
"""Times as many readings are looked at as values are wanted, for a series that not every reading has."""


class Told(NamedTuple):
    """What makes a record the same as one of another reading."""

    quantity: str
    unit: str
    function: str
    storage: int
    tariff: int
    subunit: int
    is_number: bool
    repetition: int


def told_by(telegrams: Iterable[bytes]) -> list[tuple[Told, str]]:
    """Take the values out of telegrams, as exact text; records without a value are left out."""
    found: list[tuple[Told, str]] = []
    seen: dict[tuple[object, ...], int] = {}
    for telegram in telegrams:
        for record in decode(telegram).records:
            text = record.text
            if text is None:
                continue
            is_number = isinstance(record.value, Decimal)
            place = (record.storage, record.tariff, record.subunit, is_number)
            alike = (record.quantity, record.unit, record.function_words, *place)
            repetition = seen.get(alike, 0)
            seen[alike] = repetition + 1
            found.append((Told(record.quantity, record.unit, record.function_words, *place, repetition), text))
    return found


def add_reading(
    connection: sqlite3.Connection,
    meter: int,
    at: float,
    seconds: float,
    telegrams: Sequence[bytes],
    notes: Sequence[str],
) -> int:
    """Write a reading with its values, within a transaction of the caller's; give its number."""
    number = connection.execute(
        "INSERT INTO reading (meter, at, seconds, telegrams, notes) VALUES (?, ?, ?, ?, ?)",
        (meter, at, seconds, b"".join(telegrams), json.dumps(list(notes)) if notes else ""),
    ).lastrowid
    assert number is not None  # noqa: S101 (an insertion has one)
    known = {_told(series): series.key for series in series_of(connection, meter)}
    values = []
    for told, text in told_by(telegrams):
        number_of_series = known.get(told)
        if number_of_series is None:
            number_of_series = connection.execute(
                "INSERT INTO series (meter, quantity, unit, function, storage, tariff, subunit, is_number, repetition) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (meter, *told),
            ).lastrowid
        values.append((number, number_of_series, text))
    connection.executemany("INSERT INTO value (reading, series, value) VALUES (?, ?, ?)", values)
    return number


def _told(series: Series) -> Told:
    place = (series.storage, series.tariff, series.subunit, series.is_number, series.repetition)
    return Told(series.quantity, series.unit, series.function, *place)


def find_readings(
    connection: sqlite3.Connection,
    meter: int | None,
    *,
    after: int = 0,
    since: float = 0.0,
    until: float | None = None,
    limit: int = 100,
) -> tuple[StoredReading, ...]:
    """Give readings of one meter or of all of the list, in the order in which they were stored."""
    whose = _LISTED if meter is None else f"meter = ? AND {_LISTED}"
    if since <= 0.0 and until is None and meter is None:
        found = f"key > ? AND {whose}"  # along the table itself
        values: tuple[object, ...] = (after,)
    else:
        found = f"{whose} AND at >= ? AND at < ? AND key > ?"
        values = (*(() if meter is None else (meter,)), since, float("inf") if until is None else until, after)
    keys = f"SELECT key FROM reading WHERE {found} ORDER BY key LIMIT ?"  # noqa: S608 (no values)
    rows = connection.execute(
        f"SELECT {_READING} FROM reading WHERE key IN ({keys}) ORDER BY key",  # noqa: S608 (no values)
        (*values, max(0, limit)),
    )
    return tuple(_reading(row) for row in rows)


def find_reading(connection: sqlite3.Connection, number: int) -> StoredReading | None:
    """Give one reading."""
    row = connection.execute(f"SELECT {_READING} FROM reading WHERE key = ?", (number,)).fetchone()  # noqa: S608
    return None if row is None else _reading(row)


def series_of(connection: sqlite3.Connection, meter: int) -> tuple[Series, ...]:
    """Give the records that a meter has told so far."""
    rows = connection.execute(
        f"SELECT {_SERIES} FROM series WHERE meter = ? AND {_LISTED} ORDER BY key",  # noqa: S608 (columns, no values)
        (meter,),
    )
    return tuple(_series(row) for row in rows)


def history_of(
    connection: sqlite3.Connection, number: int, *, since: float, until: float | None, most: int
) -> tuple[StoredValue, ...]:
    """Give values of one series, the oldest first, evenly thinned out where there are more than `most`.

    :raises UnknownMeter: when there is no such series.
    """
    row = connection.execute(
        f"SELECT {_SERIES} FROM series WHERE key = ? AND {_LISTED}",  # noqa: S608 (columns)
        (number,),
    ).fetchone()
    if row is None:
        raise UnknownMeter(f"there is no series {number}")
    series = _series(row)
    span = (series.meter, since, float("inf") if until is None else until)
    # The readings are picked by their index alone; the values of those that are left out are never touched.
    readings = connection.execute(
        "SELECT key, at FROM reading WHERE meter = ? AND at >= ? AND at < ? ORDER BY at, key", span
    ).fetchall()
    found = _looked_up(connection, series, _thinned(readings, most))
    if len(found) < min(most, len(readings)):
        # Not every reading has this record: more of them are looked at.
        found = _looked_up(connection, series, _thinned(readings, _SPARE * most))
    return tuple(_thinned(found, most))


def _looked_up(
    connection: sqlite3.Connection, series: Series, readings: Iterable[tuple[int, float]]
) -> list[StoredValue]:
    found: list[StoredValue] = []
    for key, at in readings:
        row = connection.execute(
            "SELECT value FROM value WHERE reading = ? AND series = ?", (key, series.key)
        ).fetchone()
        if row is not None:
            found.append(StoredValue(series, at, _value(series, row[0])))
    return found


def values_page(
    connection: sqlite3.Connection, meter: int, after: tuple[float, int], until: float | None
) -> list[tuple[tuple[float, int], list[StoredValue]]]:
    """Give the values of some readings of a meter behind the one at that time and of that number.

    :returns: time and number of each reading with its values; nothing when there are no more.
    """
    series = {one.key: one for one in series_of(connection, meter)}
    rows = connection.execute(
        "SELECT at, key FROM reading WHERE meter = ? AND (at, key) > (?, ?) AND at < ? ORDER BY at, key LIMIT ?",
        (meter, *after, float("inf") if until is None else until, _PAGE),
    ).fetchall()
    page: list[tuple[tuple[float, int], list[StoredValue]]] = []
    for at, key in rows:
        values = connection.execute("SELECT series, value FROM value WHERE reading = ? ORDER BY series", (key,))
        told = [StoredValue(series[one], at, _value(series[one], text)) for one, text in values if one in series]
        page.append(((at, key), told))
    return page


def delete_readings(connection: sqlite3.Connection, keys: Iterable[int]) -> None:
    """Delete readings with their values, within a transaction of the caller's."""
    for key in keys:
        connection.execute("DELETE FROM value WHERE reading = ?", (key,))
        connection.execute("DELETE FROM reading WHERE key = ?", (key,))


def _thinned(items: list[T], most: int) -> list[T]:
    """Leave out items evenly until `most` are left, the first and the last one kept."""
    if len(items) <= most:
        return items
    if most < 2:
        return items[-1:] if most else []
    step = (len(items) - 1) / (most - 1)
    return [items[round(place * step)] for place in range(most)]


def _value(series: Series, text: str) -> Decimal | str:
    return Decimal(text) if series.is_number else text


def _series(row: tuple[Any, ...]) -> Series:
    key, meter, quantity, unit, function, storage, tariff, subunit, is_number, repetition = row
    return Series(key, meter, quantity, unit, function, storage, tariff, subunit, bool(is_number), repetition)


def _reading(row: tuple[Any, ...]) -> StoredReading:
    key, meter, at, seconds, telegrams, notes = row
    return StoredReading(key, meter, at, seconds, _parted(telegrams), tuple(json.loads(notes)) if notes else ())


def _parted(telegrams: bytes) -> tuple[bytes, ...]:
    """Part frames that were written one behind the other."""
    frames, place = [], 0
    while place < len(telegrams):
        length = frame_length(telegrams[place : place + 4])
        frames.append(telegrams[place : place + length])
        place += length
    return tuple(frames)
