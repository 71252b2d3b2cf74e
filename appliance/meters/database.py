"""The file in which meters and readings are kept, and what is done when it is damaged or the disk is full."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from typing import TYPE_CHECKING

from appliance.atomic import make_folder, sync_folder
from appliance.errors import SaveFailed
from appliance.meters.schema import SCHEMA, migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

NAME = "meters.sqlite"
_FILES = ("", "-wal", "-shm")
_WAIT = 5.0
"""Seconds that a statement waits for a lock. Only we use the file; a tool may look into it."""
_CACHE_KILOBYTES = 1024
_LARGEST_LOG = 4 * 1024 * 1024
"""Bytes that the write-ahead log keeps when it has been emptied."""


class Database:
    """One SQLite file with two connections: what is being written to a slow card does not hold up those who read.

    In WAL mode with every transaction flushed to the disk before it counts as done. A damaged file is moved aside and
    begun anew; `problem` says so, and `on_anew` is called to write into the new one what is still known.
    """

    def __init__(self, folder: Path, *, on_anew: Callable[[sqlite3.Connection, Path], None]) -> None:
        """Use the file in `folder`; nothing is opened before `open`.

        :param on_anew: called in the transaction that makes a file in place of a damaged one, with that one's new path.
        """
        self.path = folder / NAME
        self.aside = folder / f"{NAME}.damaged"
        """Where a damaged file is moved; the latest one is kept."""
        self.loss = ""
        """That a file was damaged, in words; until the next start or `wipe`."""
        self.fault = ""
        """Why nothing can be stored now; empty while all is well."""
        self._on_anew = on_anew
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._is_closed = False

    @property
    def problem(self) -> str:
        """What is wrong with the file, in words; empty while all is well (any thread)."""
        return "; ".join(words for words in (self.fault, self.loss) if words)

    def open(self) -> None:
        """Open the file; what fails is told in `problem`, and tried again at the next use."""
        with contextlib.suppress(SaveFailed), self._write_lock:
            self._connect()

    def close(self) -> None:
        """Close the file for good."""
        with self._write_lock:
            self._is_closed = True
            self._disconnect()

    @contextlib.contextmanager
    def writing(self, *, mends: bool = True) -> Iterator[sqlite3.Connection]:
        """Have a transaction; it is on the disk when this ends, or else nothing of it (any thread).

        :param mends: whether its success ends the fault that was told: not where it needs no more room than before.
        :raises SaveFailed: when the disk failed, or the file was damaged.
        """
        with self._write_lock:
            connection = self._connect()
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        if connection.in_transaction:
                            connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._failed(error) from error
            if self.fault and mends:
                log.info("meters and readings can be stored again")
                self.fault = ""

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Look things up; what is being written at the time is not seen (any thread).

        :raises SaveFailed: when the file cannot be read.
        """
        if self._reader is None:
            with self._write_lock:
                self._connect()
        with self._read_lock:
            if self._reader is None:
                raise SaveFailed(f"{self.path.name} is closed")
            try:
                yield self._reader
            except sqlite3.Error as error:
                failure = error
            else:
                return
        raise self._failed(failure) from failure

    def wipe(self) -> None:
        """Remove the file, and a damaged one that was kept, and begin an empty one in which no number comes again.

        :raises SaveFailed: when the disk failed.
        """
        with self._write_lock:
            sequences: dict[str, int] = {}
            with contextlib.suppress(SaveFailed, sqlite3.Error):
                sequences = _sequences(self._connect())
            self._disconnect()
            try:
                for path in (self.path, self.aside):
                    for ending in _FILES:
                        path.with_name(path.name + ending).unlink(missing_ok=True)
                sync_folder(self.path.parent)
            except OSError as error:
                raise SaveFailed(f"{self.path.name} cannot be removed: {error.strerror}", cause=error) from error
            finally:
                self.open()
            self.loss = ""
            with self.writing() as connection:
                continue_numbers(connection, sequences)

    def used_bytes(self) -> int:
        """Bytes of the file that hold something; what was deleted is used again for what comes.

        :raises SaveFailed: when the file cannot be read.
        """
        with self.reading() as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def _connect(self) -> sqlite3.Connection:
        if self._writer is not None:
            return self._writer
        if self._is_closed:
            raise SaveFailed(f"{self.path.name} is closed")
        try:
            make_folder(self.path.parent)
            if self.path.exists() and not self.path.is_file():
                return self._begin_anew("it is no file")
            try:
                return self._open_file()
            except sqlite3.Error as error:
                self._disconnect()
                if _is_damage(error):
                    return self._begin_anew(str(error))
                raise
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            raise self._failed(error) from error

    def _open_file(self, *, damaged: Path | None = None) -> sqlite3.Connection:
        """Open both connections, and make or migrate the tables.

        :raises sqlite3.Error: when that fails.
        """
        # Before SQLite does, which would let everybody read it; the files beside it get its mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._writer = writer = _connection(self.path)
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA synchronous = FULL")
        writer.execute(f"PRAGMA journal_size_limit = {_LARGEST_LOG}")
        form = int(writer.execute("PRAGMA user_version").fetchone()[0])
        if form > SCHEMA:
            raise sqlite3.DatabaseError(f"its form {form} is newer than this firmware")
        if form < SCHEMA:
            writer.execute("BEGIN IMMEDIATE")
            migrate(writer, form)
            if damaged is not None:
                self._on_anew(writer, damaged)
            writer.execute("COMMIT")
        # The list is short and needed at once: a file that is damaged there shows it now.
        writer.execute("SELECT count(*), max(name) FROM meter").fetchone()
        with self._read_lock:
            self._reader = _connection(self.path)
            self._reader.execute("PRAGMA query_only = ON")
        return writer

    def _begin_anew(self, why: str) -> sqlite3.Connection:
        self._disconnect()
        for ending in _FILES:
            with contextlib.suppress(FileNotFoundError):
                source, aside = (path.with_name(path.name + ending) for path in (self.path, self.aside))
                if aside.is_dir():
                    aside = aside.with_name(f"{aside.name}.{os.urandom(4).hex()}")
                aside.unlink(missing_ok=True)
                source.rename(aside)
        sync_folder(self.path.parent)
        self.loss = f"the readings were damaged ({why}); they are kept as {self.aside.name}, and begun anew"
        log.error("%s: %s", self.path, self.loss)
        return self._open_file(damaged=self.aside)

    def _disconnect(self) -> None:
        with self._read_lock:
            connections, self._writer, self._reader = (self._reader, self._writer), None, None
            for connection in connections:
                if connection is not None:
                    with contextlib.suppress(sqlite3.Error):
                        connection.close()

    def _failed(self, error: Exception) -> SaveFailed:
        """Note what failed, mend it where it can be mended, and give what to raise."""
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if isinstance(error, sqlite3.Error) and _is_damage(error):
            with self._write_lock, contextlib.suppress(sqlite3.Error, OSError):
                if self._writer is not None:
                    self._begin_anew(reason)
        elif not self._is_closed:
            fault = f"meters and readings cannot be stored: {reason}"
            if fault != self.fault:
                log.error("%s: %s", self.path, fault)
            self.fault = fault
        return SaveFailed(f"meters and readings cannot be stored: {reason}")


def _connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")  # the first look into the file
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file's contents are wrong, as opposed to the disk being full or in trouble."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return "newer than this firmware" in str(error)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _sequences(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def continue_numbers(connection: sqlite3.Connection, last: dict[str, int]) -> None:
    """Have the next rows of tables (by name) get numbers above those."""
    for table, number in last.items():
        connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, number))


def numbers_of(damaged: Path) -> dict[str, int]:
    """Read the last numbers given from a damaged file; nothing where that cannot be read."""
    with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(_connection(damaged)) as connection:
        return _sequences(connection)
    return {}
