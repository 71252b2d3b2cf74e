"""The list of meters as rows of the database."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

from appliance.meters.database import continue_numbers, numbers_of
from appliance.meters.health import Health
from appliance.meters.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from appliance.meters.list_copy import ListCopy

_METER = "key, name, baud, primary_address, secondary, fabrication, reads_by_primary, high_first, interval, on_battery"
_HEALTH = ", ".join(field.name for field in fields(Health))
_METER_PLACES = ", ".join("?" * len(fields(Meter)))
_HEALTH_PLACES = ", ".join("?" * len(fields(Health)))


def load_meters(connection: sqlite3.Connection) -> dict[int, Meter]:
    """Read the list, in its order."""
    rows = connection.execute(f"SELECT {_METER} FROM meter ORDER BY key")  # noqa: S608 (columns, no values)
    return {row[0]: _meter(row) for row in rows}


def load_health(connection: sqlite3.Connection) -> dict[int, Health]:
    """Read how it goes with each meter."""
    rows = connection.execute(f"SELECT meter, {_HEALTH} FROM health")  # noqa: S608 (columns, no values)
    return {row[0]: Health(*row[1:]) for row in rows}


def put_meter(connection: sqlite3.Connection, meter: Meter) -> Meter:
    """Write a meter, with a new number where it has 0; give it with its number."""
    values = astuple(meter)
    key = meter.key or None
    statement = f"INSERT OR REPLACE INTO meter ({_METER}) VALUES ({_METER_PLACES})"  # noqa: S608 (columns, no values)
    cursor = connection.execute(statement, (key, *values[1:]))
    return meter if meter.key else _meter((cursor.lastrowid, *values[1:]))


def put_health(connection: sqlite3.Connection, meter: int, health: Health) -> None:
    """Write how it goes with a meter."""
    statement = f"INSERT OR REPLACE INTO health (meter, {_HEALTH}) VALUES (?, {_HEALTH_PLACES})"  # noqa: S608 (columns)
    connection.execute(statement, (meter, *astuple(health)))


def remove_meter(connection: sqlite3.Connection, key: int) -> None:
    """Take a meter from the list; its readings are out of sight, and deleted later in small steps."""
    connection.execute("DELETE FROM meter WHERE key = ?", (key,))
    connection.execute("DELETE FROM health WHERE meter = ?", (key,))
    connection.execute("INSERT OR IGNORE INTO removed (meter) VALUES (?)", (key,))


def last_number(connection: sqlite3.Connection) -> int:
    """Give the last number that a meter was given, be it gone since."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'meter'").fetchone()
    return 0 if row is None else int(row[0])


def begin_anew(
    connection: sqlite3.Connection, damaged: Path, known: Iterable[Meter], copy: ListCopy, now: float
) -> None:
    """Write into an empty database the list as it is known, as a damaged file still tells it, or as the copy has it.

    Numbers go on above those of the damaged file. Where it does not tell those of the readings, they begin with the
    seconds since 1970: readings never come as fast as that.
    """
    copied, last_copied = copy.read()
    meters = list(known) or _salvaged(damaged) or copied
    last = {"reading": int(now), "series": int(now), **numbers_of(damaged)}
    for meter in meters:
        put_meter(connection, meter)
    highest = max((meter.key for meter in meters), default=0)
    continue_numbers(connection, {**last, "meter": max(highest, last_copied, last.get("meter", 0))})


def _salvaged(damaged: Path) -> list[Meter]:
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(damaged)) as connection:
        return list(load_meters(connection).values())
    return []


def _meter(row: tuple[Any, ...]) -> Meter:
    key, name, baud, primary, secondary, fabrication, by_primary, high_first, interval, on_battery = row
    ways = bool(by_primary), bool(high_first)
    return Meter(key, name, baud, primary, secondary, fabrication, *ways, interval, bool(on_battery))
