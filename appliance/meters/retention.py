"""Deleting what is too old or for which there is no room, a little at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.meters.reading_table import delete_readings
from appliance.meters.time_of_day import CLOCK_IS_SET

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from appliance.meters.database import Database

AT_ONCE = 100
"""Readings that are deleted in one transaction: nobody waits for longer than that takes."""


def tidy(database: Database, meters: Iterable[int], *, older_than: float | None, most_bytes: int) -> int:
    """Delete some of what shall go; give the number of readings deleted, 0 when nothing is left to delete.

    :param meters: numbers of the list.
    :param older_than: seconds since 1970; None keeps readings of any age. Those stored while the clock was not set
        are of no known age.
    :raises SaveFailed: when the disk did.
    """
    is_crowded = database.used_bytes() > most_bytes
    with database.reading() as connection:
        removed = [row[0] for row in connection.execute("SELECT meter FROM removed")]
        doomed = _of_removed(connection, removed)
        if not doomed and older_than is not None:
            doomed = _old(connection, meters, older_than)
        if not doomed and is_crowded:
            doomed = [row[0] for row in connection.execute("SELECT key FROM reading ORDER BY key LIMIT ?", (AT_ONCE,))]
    if not doomed and not removed:
        return 0
    with database.writing() as connection:
        delete_readings(connection, doomed)
        if not doomed:
            for meter in removed:
                connection.execute("DELETE FROM series WHERE meter = ?", (meter,))
                connection.execute("DELETE FROM removed WHERE meter = ?", (meter,))
    return len(doomed)


def _of_removed(connection: sqlite3.Connection, removed: Iterable[int]) -> list[int]:
    for meter in removed:
        rows = connection.execute("SELECT key FROM reading WHERE meter = ? LIMIT ?", (meter, AT_ONCE)).fetchall()
        if rows:
            return [row[0] for row in rows]
    return []


def _old(connection: sqlite3.Connection, meters: Iterable[int], older_than: float) -> list[int]:
    doomed: list[int] = []
    for meter in meters:
        rows = connection.execute(
            "SELECT key FROM reading WHERE meter = ? AND at >= ? AND at < ? LIMIT ?",
            (meter, CLOCK_IS_SET, older_than, AT_ONCE - len(doomed)),
        )
        doomed += [row[0] for row in rows]
        if len(doomed) == AT_ONCE:
            break
    return doomed
