"""The readings that are kept, and how they are found again."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from appliance.errors import SaveFailed
from appliance.meters import reading_table, retention
from appliance.meters.reading_table import add_reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appliance.meters.database import Database
    from appliance.meters.readings import Series, StoredReading, StoredValue
    from appliance.meters.time_of_day import TimeOfDay

__all__ = ["Archive", "add_reading"]

log = logging.getLogger(__name__)


class Archive:
    """Finds readings and values in the database (any thread). Where it cannot be read there are none."""

    def __init__(self, database: Database) -> None:
        """Look into `database`."""
        self.database = database
        self.kept = 0
        """Readings that are kept."""

    @property
    def problem(self) -> str:
        """What is wrong with the file in which all is kept; empty while all is well."""
        return self.database.problem

    def count_readings(self) -> None:
        """Count what is kept."""
        with suppress(SaveFailed), self.database.reading() as connection:
            self.kept = connection.execute("SELECT count(*) FROM reading").fetchone()[0]

    def latest(self, key: int) -> StoredReading | None:
        """Give the newest reading of a meter."""
        with suppress(SaveFailed), self.database.reading() as connection:
            row = connection.execute("SELECT latest FROM health WHERE meter = ?", (key,)).fetchone()
            if row is not None and row[0] is not None:
                return reading_table.find_reading(connection, row[0])
        return None

    def readings(
        self,
        key: int | None = None,
        *,
        after: int = 0,
        since: float = 0.0,
        until: float | None = None,
        limit: int = 100,
    ) -> tuple[StoredReading, ...]:
        """Give readings, of one meter or of all, in the order in which they were stored; see `MetersView.readings`."""
        with suppress(SaveFailed), self.database.reading() as connection:
            return reading_table.find_readings(connection, key, after=after, since=since, until=until, limit=limit)
        return ()

    def series(self, key: int) -> tuple[Series, ...]:
        """Give the records that a meter has told so far."""
        with suppress(SaveFailed), self.database.reading() as connection:
            return reading_table.series_of(connection, key)
        return ()

    def history(
        self, series: int, *, since: float = 0.0, until: float | None = None, most: int = 340
    ) -> tuple[StoredValue, ...]:
        """Give values of one series, the oldest first; see `MetersView.history`.

        :raises UnknownMeter: when there is no such series.
        """
        with suppress(SaveFailed), self.database.reading() as connection:
            return reading_table.history_of(connection, series, since=since, until=until, most=most)
        return ()

    def values(self, key: int, *, since: float = 0.0, until: float | None = None) -> Iterator[StoredValue]:
        """Go through all values of a meter, the oldest first, without holding them all in memory.

        :raises SaveFailed: when the disk failed in the middle: who exports shall not take a part for the whole.
        """
        after = (since, -1)
        while True:
            page: list[tuple[tuple[float, int], list[StoredValue]]]
            with self.database.reading() as connection:
                page = reading_table.values_page(connection, key, after, until)
            if not page:
                return
            after = page[-1][0]
            for _, told in page:
                yield from told

    def date(self, time: TimeOfDay) -> None:
        """Give their time to readings that came before it was known.

        :raises SaveFailed: when the disk failed.
        """
        undated = time.undated
        if not undated:
            return
        with self.database.writing() as connection:
            connection.executemany("UPDATE reading SET at = ? WHERE key = ?", [(at, key) for key, at in undated])
        time.dated(len(undated))
        log.info("%d readings from before the clock was set have their time now", len(undated))

    def delete_some(self, meters: Iterable[int], *, older_than: float | None, most_bytes: int) -> bool:
        """Delete a little of what shall go; give whether there may be more. See `retention.tidy`.

        :raises SaveFailed: when the disk failed.
        """
        deleted = retention.tidy(self.database, meters, older_than=older_than, most_bytes=most_bytes)
        self.kept = max(0, self.kept - deleted)
        return deleted > 0
