"""How far publishing has come, so that neither a power cut nor a restart loses a reading or tells one twice."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.atomic import make_folder, sync_folder
from appliance.errors import SaveFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

NAME = "mqtt.sqlite"
_FILES = ("", "-wal", "-shm")
_WAIT = 1.0
"""Seconds that a statement waits for a lock; only we use the file."""

_TABLES = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS flight (
    only INTEGER PRIMARY KEY CHECK (only = 1), reading INTEGER NOT NULL, meter INTEGER NOT NULL, at REAL NOT NULL,
    packet INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL, retain INTEGER NOT NULL,
    is_received INTEGER NOT NULL, session TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS told (
    meter INTEGER PRIMARY KEY, identification TEXT NOT NULL, place TEXT NOT NULL, topic TEXT NOT NULL,
    announcement TEXT NOT NULL, digest TEXT NOT NULL, components TEXT NOT NULL DEFAULT '{}'
);
"""


@dataclass(frozen=True, slots=True)
class Flight:
    """The one reading that is on its way to the broker."""

    reading: int
    meter: int
    at: float
    packet: int
    """The identifier by which the broker knows the message until both have forgotten it (MQTT 5.0, 2.2.1)."""
    topic: str
    payload: bytes
    """To be sent again exactly as it was: a broker may take other content for another message."""
    retain: bool
    session: str
    is_received: bool = False
    """Whether the broker has said that it has it, so that only its release is still to be sent."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the broker keeps for us of one meter; meter 0 is this device itself."""

    meter: int
    identification: str = ""
    place: str = ""
    """Its level in topics."""
    topic: str = ""
    """Where its last reading is retained; empty where none is."""
    announcement: str = ""
    """Where it is announced to Home Assistant; empty where it is not."""
    digest: str = ""
    """Of the announcement that the broker has."""


class Progress:
    """The publisher's own file: SQLite, every transaction flushed to the disk. For its thread alone.

    Raises SaveFailed when the disk fails. A damaged file is moved aside: the readings are not in it.
    """

    def __init__(self, folder: Path) -> None:
        """Use the file in `folder`; nothing is opened before `open`."""
        self.path = folder / NAME
        self._connection: sqlite3.Connection | None = None
        self.cursor: int | None = None
        """Number of the last reading that is settled; None before publishing was first switched on."""
        self.cursor_at = 0.0
        """When that one was read, seconds since 1970 (UTC)."""
        self.published = 0
        self.skipped = 0
        self.packet = 0
        """The packet identifier used last."""
        self.store = ""
        """Names for ever, with its number, a reading of this device."""
        self.flight: Flight | None = None

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._connection is not None

    def open(self) -> None:
        """Open the file and read where publishing stands.

        :raises SaveFailed: when it can be neither opened nor made.
        """
        if self._connection is not None:
            return
        try:
            make_folder(self.path.parent)
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                self.close()
                if isinstance(error, sqlite3.OperationalError):  # the disk, and not what is on it
                    raise
                self._set_aside(error)
                self._open()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise SaveFailed(f"{NAME} cannot be opened: {error}") from error

    def close(self) -> None:
        """Close the file; it can be opened again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def begin(self, cursor: int, at: float) -> None:
        """Publish what comes after reading `cursor`, and forget all that was before.

        :raises SaveFailed: when the disk fails.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM flight")
            self._write(connection, cursor=cursor, cursor_at=at, published=0, skipped=0)
        self.flight = None
        self.cursor, self.cursor_at, self.published, self.skipped = cursor, at, 0, 0

    def forget(self) -> None:
        """Have publishing begin anew the next time that it is switched on.

        :raises SaveFailed: when the disk fails.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM flight")
            connection.execute("DELETE FROM fact WHERE name = 'cursor'")
        self.cursor, self.flight = None, None

    def remove(self) -> None:
        """Remove the file: whoever has the device next has other meters.

        :raises SaveFailed: when the disk fails.
        """
        self.close()
        try:
            for ending in _FILES:
                for path in (self.path, self.path.with_name(f"{NAME}.damaged")):
                    path.with_name(path.name + ending).unlink(missing_ok=True)
            if self.path.parent.exists():
                sync_folder(self.path.parent)
        except OSError as error:
            raise SaveFailed(f"{NAME} cannot be removed: {error.strerror}", cause=error) from error
        self.cursor, self.flight = None, None

    def depart(self, flight: Flight) -> None:
        """Note that a reading is about to be sent; one that was on its way before has arrived.

        :raises SaveFailed: when the disk fails; nothing may be sent then.
        """
        arrived = self.flight if self.flight is not None and self.flight.reading != flight.reading else None
        published = self.published + (arrived is not None)
        with self._writing() as connection:
            if arrived is not None:
                self._write(connection, cursor=arrived.reading, cursor_at=arrived.at, published=published)
            self._write(connection, packet=flight.packet)
            connection.execute(
                "INSERT OR REPLACE INTO flight VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    flight.reading,
                    flight.meter,
                    flight.at,
                    flight.packet,
                    flight.topic,
                    flight.payload,
                    flight.retain,
                    flight.is_received,
                    flight.session,
                ),
            )
        if arrived is not None:
            self.cursor, self.cursor_at, self.published = arrived.reading, arrived.at, published
        self.packet, self.flight = flight.packet, flight

    def receive(self, flight: Flight) -> None:
        """Note that the broker has it; from now on it must not be sent again.

        :raises SaveFailed: when the disk fails; the release may not be sent then.
        """
        with self._writing() as connection:
            connection.execute("UPDATE flight SET is_received = 1")
        self.flight = flight

    def arrive(self) -> None:
        """Note that the reading on its way has arrived, with nothing to send after it.

        :raises SaveFailed: when the disk fails.
        """
        flight = self.flight
        if flight is None:
            return
        with self._writing() as connection:
            connection.execute("DELETE FROM flight")
            self._write(connection, cursor=flight.reading, cursor_at=flight.at, published=self.published + 1)
        self.cursor, self.cursor_at, self.flight = flight.reading, flight.at, None
        self.published += 1

    def skip(self, cursor: int, at: float, count: int) -> None:
        """Go on behind reading `cursor`: `count` readings, one on its way included, are never published.

        :raises SaveFailed: when the disk fails.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM flight")
            self._write(connection, cursor=cursor, cursor_at=at, skipped=self.skipped + count)
        self.cursor, self.cursor_at, self.flight = cursor, at, None
        self.skipped += count

    def told(self) -> dict[int, Told]:
        """Give what the broker keeps, by meter.

        :raises SaveFailed: when the file cannot be read.
        """
        with self._writing() as connection:
            rows = connection.execute(
                "SELECT meter, identification, place, topic, announcement, digest FROM told"
            ).fetchall()
        return {row[0]: Told(*row) for row in rows}

    def tell(self, told: Told) -> None:
        """Keep what the broker keeps of a meter.

        :raises SaveFailed: when the disk fails.
        """
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO told (meter, identification, place, topic, announcement, digest) "
                "VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (meter) DO UPDATE SET identification = excluded.identification, place = excluded.place, "
                "topic = excluded.topic, announcement = excluded.announcement, digest = excluded.digest",
                (told.meter, told.identification, told.place, told.topic, told.announcement, told.digest),
            )

    def components(self, meter: int) -> dict[str, dict[str, Any]]:
        """Give the entities of a meter, by name; they are many, and not kept in memory.

        :raises SaveFailed: when the file cannot be read.
        """
        with self._writing() as connection:
            row = connection.execute("SELECT components FROM told WHERE meter = ?", (meter,)).fetchone()
        return dict(json.loads(row[0])) if row else {}

    def keep_components(self, meter: int, components: dict[str, dict[str, Any]]) -> None:
        """Keep the entities of a meter that was told of.

        :raises SaveFailed: when the disk fails.
        """
        with self._writing() as connection:
            connection.execute("UPDATE told SET components = ? WHERE meter = ?", (json.dumps(components), meter))

    def untell(self, meter: int) -> None:
        """Forget a meter of which the broker keeps nothing.

        :raises SaveFailed: when the disk fails.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM told WHERE meter = ?", (meter,))

    def doubt(self) -> None:
        """Note that the broker may have lost every announcement.

        :raises SaveFailed: when the disk fails.
        """
        with self._writing() as connection:
            connection.execute("UPDATE told SET digest = ''")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        if connection is None:
            raise SaveFailed(f"{NAME} is closed")
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
        except sqlite3.Error as error:
            self.close()  # opening it again shows whether it is damaged
            raise SaveFailed(f"{NAME} cannot be written: {error}") from error

    @staticmethod
    def _write(connection: sqlite3.Connection, **facts: object) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO fact VALUES (?, ?)", [(name, json.dumps(value)) for name, value in facts.items()]
        )

    def _open(self) -> None:
        # Before SQLite does, which would let everybody read it; the files beside it get its mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._connection = connection = sqlite3.connect(
            self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -256")
        connection.execute("PRAGMA journal_size_limit = 1048576")
        connection.executescript(_TABLES)
        facts: dict[str, Any] = {
            name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM fact")
        }
        if "store" not in facts:
            facts["store"] = uuid.uuid4().hex
            with self._writing():
                self._write(connection, store=facts["store"])
        self.store = str(facts["store"])
        self.cursor = facts.get("cursor")
        self.cursor_at = float(facts.get("cursor_at", 0.0))
        self.published, self.skipped = int(facts.get("published", 0)), int(facts.get("skipped", 0))
        self.packet = int(facts.get("packet", 0))
        row = connection.execute(
            "SELECT reading, meter, at, packet, topic, payload, retain, session, is_received FROM flight"
        ).fetchone()
        self.flight = None
        if row:
            reading, meter, at, packet, topic, payload, retain, session, is_received = row
            self.flight = Flight(reading, meter, at, packet, topic, payload, bool(retain), session, bool(is_received))

    def _set_aside(self, error: sqlite3.Error) -> None:
        log.error("%s is damaged (%s); publishing begins anew with the next reading", self.path, error)
        for ending in _FILES:
            with contextlib.suppress(FileNotFoundError):
                source = self.path.with_name(NAME + ending)
                source.rename(source.with_name(f"{NAME}.damaged{ending}"))
        sync_folder(self.path.parent)
