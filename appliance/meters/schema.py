"""The tables of the meters' database, and how an older form is brought to the present one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_FIRST = (
    """CREATE TABLE meter (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        baud INTEGER NOT NULL,
        primary_address INTEGER,
        secondary TEXT NOT NULL,
        fabrication TEXT NOT NULL,
        reads_by_primary INTEGER NOT NULL,
        high_first INTEGER NOT NULL,
        interval INTEGER NOT NULL,
        on_battery INTEGER NOT NULL
    )""",
    # Apart from the list, which people change: this row is written with every readout.
    """CREATE TABLE health (
        meter INTEGER PRIMARY KEY,
        last_try REAL,
        last_reading REAL,
        latest INTEGER,
        error TEXT NOT NULL,
        response_time REAL,
        readout_time REAL,
        tries INTEGER NOT NULL,
        failures INTEGER NOT NULL
    )""",
    """CREATE TABLE reading (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        meter INTEGER NOT NULL,
        at REAL NOT NULL,
        seconds REAL NOT NULL,
        telegrams BLOB NOT NULL,
        notes TEXT NOT NULL
    )""",
    "CREATE INDEX reading_of_meter ON reading (meter, at)",
    """CREATE TABLE series (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        meter INTEGER NOT NULL,
        quantity TEXT NOT NULL,
        unit TEXT NOT NULL,
        function TEXT NOT NULL,
        storage INTEGER NOT NULL,
        tariff INTEGER NOT NULL,
        subunit INTEGER NOT NULL,
        is_number INTEGER NOT NULL,
        repetition INTEGER NOT NULL
    )""",
    "CREATE INDEX series_of_meter ON series (meter)",
    # In the order in which they come, so that a reading's values are written side by side.
    """CREATE TABLE value (
        reading INTEGER NOT NULL,
        series INTEGER NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (reading, series)
    ) WITHOUT ROWID""",
    "CREATE TABLE search (key INTEGER PRIMARY KEY CHECK (key = 1), state TEXT NOT NULL)",
    # Meters that are gone from the list and have readings still, which are deleted in small steps.
    "CREATE TABLE removed (meter INTEGER PRIMARY KEY)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""At place n, what makes form n + 1 of form n; form 0 is an empty file."""

SCHEMA = len(MIGRATIONS)
"""The present form, which stands in the file as its `user_version`."""


def migrate(connection: sqlite3.Connection, form: int) -> None:
    """Bring a database of that form to the present one, within a transaction of the caller's."""
    for statements in MIGRATIONS[form:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
