"""The settings on the disk."""

import contextlib
import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from appliance import atomic
from appliance.errors import MigrationError, NotConfirmed, SaveFailed, UnreadableSettings
from appliance.settings import aside
from appliance.settings.document import (
    LARGEST,
    encode,
    entries_of,
    known_in,
    schema_of,
    tables_of,
)
from appliance.settings.migration import SCHEMA, STEPS, Step, migrate
from appliance.settings.problem import Problem, bounded
from appliance.settings.salvage import Salvage
from appliance.settings.validation import restore
from appliance.settings.values import Values

log = logging.getLogger(__name__)

NAME = "settings.toml"


class Loaded(NamedTuple):
    """What a file gave: complete values, and what was wrong with it."""

    values: Values
    problems: tuple[Problem, ...]


class Store:
    """The file `settings.toml` in a folder. One process at a time may use it.

    `is_confirmed` says that the disk has confirmed the file that is in place, so that a power cut cannot change it.
    """

    def __init__(self, folder: Path, *, schema: int = SCHEMA, steps: Mapping[int, Step] = STEPS) -> None:
        """Use `folder`, which need not exist; `schema` and `steps` are those of the present firmware."""
        self.path = folder / NAME
        self.is_confirmed = True
        self._schema = schema
        self._steps = steps
        self._is_in_the_way = False

    def load(self, defaults: Values) -> Loaded:
        """Read the file; never fails. Every entry that cannot be used is replaced by its default and is a problem.

        A file that could not be used whole is kept aside, in the form in which it was found.
        """
        atomic.remove_leftovers(self.path)
        problems: list[Problem] = []
        data = self._read(problems)
        values = defaults
        if data is not None:
            self._confirm()
            values, found = self._restore(data, defaults)
            if found:
                problems += [*bounded(found), self._keep(data)]
        if os.access(self.path.parent, os.F_OK) and not os.access(self.path.parent, os.W_OK):
            problems.append(Problem(str(self.path.parent), None, "read-only; no change of settings can be saved"))
        for problem in problems:
            log.warning("%s", problem)
        return Loaded(values, tuple(problems))

    def save(self, values: Values) -> None:
        """Write `values`; they are on the disk when this returns.

        When the disk does not confirm a new file that is already in place, the former one is put back, so that a
        failed save changes nothing; which of the two a power cut would leave, nobody knows until a save succeeds.

        :raises SaveFailed: when it could not be written.
        """
        try:
            atomic.make_folder(self.path.parent)
            atomic.remove_leftovers(self.path)
            if self._is_in_the_way and os.path.lexists(self.path):
                aside.move(self.path)
            self._is_in_the_way = False
            former = self._content() if self.path.exists() else None
            try:
                atomic.replace(self.path, encode(values, self._schema).encode())
            except NotConfirmed as error:
                self.is_confirmed = False
                raise self._failure(error, replaced=not self._put_back(former)) from error
        except SaveFailed:
            raise
        except OSError as error:
            raise self._failure(error) from error
        self.is_confirmed = True

    def forget_old_forms(self) -> None:
        """Remove what is kept for older firmware; silently does what it can."""
        for path in self.path.parent.glob(f"{NAME}.schema-*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def _failure(self, error: OSError, *, replaced: bool = False) -> SaveFailed:
        return SaveFailed(
            f"the settings could not be saved in {self.path}: {error.strerror}", cause=error, replaced=replaced
        )

    def _put_back(self, former: bytes | None) -> bool:
        try:
            if former is None:
                self.path.unlink()
            else:
                atomic.replace(self.path, former)
        except NotConfirmed:
            return True  # in place is all that can be had
        except OSError:
            return False
        return True

    def _read(self, problems: list[Problem]) -> bytes | None:
        try:
            data = self._content()
        except FileNotFoundError:
            return None
        except OSError as error:
            # It may be readable the next time: nothing is touched before something new has to be written.
            self._is_in_the_way = True
            problems.append(Problem(NAME, None, f"it cannot be read ({error.strerror}); all settings are default"))
            return None
        if data is None:
            reason = f"not a file, or larger than {LARGEST} bytes; all settings are default"
            problems += [Problem(NAME, None, reason), self._move_aside()]
        return data

    def _content(self) -> bytes | None:
        """Read the file, or give None when it is none or too large."""
        # Without blocking, for it may turn out to be a pipe.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            return b"".join(iter(lambda: os.read(descriptor, LARGEST), b""))
        finally:
            os.close(descriptor)

    def _restore(self, data: bytes, defaults: Values) -> tuple[Values, list[Problem]]:
        problems: list[Problem] = []
        tables = self._tables(data, problems)
        if not tables:
            problems.append(Problem(NAME, None, "nothing is in it; all settings are default"))
        schema = schema_of(tables)
        if schema is None:
            problems.append(Problem("schema", None, "not a number; the file is read as one of this firmware"))
        elif schema > self._schema:
            tables = self._kept(tables, schema, problems)
        elif schema < self._schema:
            tables = self._migrate(tables, schema, data, problems)
        values, unusable = restore(entries_of(tables), defaults)
        return values, [*problems, *unusable]

    @staticmethod
    def _tables(data: bytes, problems: list[Problem]) -> dict[str, Any]:
        whole: dict[str, Any] = {}
        reason = "it has headings or names that are none"
        try:
            whole = tables_of(data.decode())
        except UnicodeDecodeError:
            reason = "it is not UTF-8"
        except UnreadableSettings as error:
            reason = error.reason
        if known_in(whole) == len(entries_of(whole)) and whole:
            return whole
        # What is not UTF-8 becomes a control character, which no line with a setting has.
        salvage = Salvage(data.decode(errors="replace").replace("\ufffd", "\x00"))
        if not data.strip() or (whole and known_in(salvage.tables) <= known_in(whole)):
            return whole
        problems += [Problem(NAME, None, f"damaged and read line by line: {reason}"), *salvage.problems]
        return salvage.tables

    def _kept(self, tables: dict[str, Any], schema: int, problems: list[Problem]) -> dict[str, Any]:
        """Give what a newer firmware kept in the present form when it came; else what it wrote, as far as it goes.

        What was changed since then is lost with that: but what is in the newer form may be anything.
        """
        kept = self._old_form(self._schema)
        try:
            old_tables = tables_of(kept.read_bytes()[: LARGEST + 1].decode())
        except (OSError, UnicodeDecodeError, UnreadableSettings):
            old_tables = {}
        if old_tables and schema_of(old_tables) == self._schema:
            reason = f"{schema} is that of a newer firmware; the settings from before it are taken, {kept.name}"
            problems.append(Problem("schema", str(schema), reason))
            return old_tables
        reason = f"{schema} is that of a newer firmware; the settings that this one knows are taken"
        problems.append(Problem("schema", str(schema), reason))
        return tables

    def _old_form(self, schema: int) -> Path:
        return self.path.with_name(f"{NAME}.schema-{schema}")

    def _migrate(self, tables: dict[str, Any], schema: int, data: bytes, problems: list[Problem]) -> dict[str, Any]:
        old_form = self._old_form(schema)
        try:
            # The newest counts: a device that went back to this form may have changed it there.
            if not old_form.exists() or old_form.read_bytes() != data:
                atomic.replace(old_form, data)
        except OSError as error:
            problems.append(Problem(old_form.name, None, f"the old form could not be kept: {error.strerror}"))
        try:
            return migrate(tables, schema, to_version=self._schema, steps=self._steps)
        except MigrationError as error:
            problems.append(Problem("schema", str(schema), f"{error}; the file is read as it is"))
            return tables

    def _keep(self, data: bytes) -> Problem:
        try:
            kept = aside.keep_copy(self.path, data)
        except OSError as error:
            return Problem(NAME, None, f"the original could not be kept aside: {error.strerror}")
        return Problem(NAME, None, f"the original is kept as {kept.name}")

    def _move_aside(self) -> Problem:
        try:
            kept = aside.move(self.path)
        except OSError as error:
            self._is_in_the_way = True
            return Problem(NAME, None, f"it could not be moved aside: {error.strerror}")
        return Problem(NAME, None, f"it was moved to {kept.name}")

    def _confirm(self) -> None:
        # The process may have been killed between the rename and the last flush of a save.
        try:
            atomic.sync_folder(self.path.parent)
        except OSError as error:
            self.is_confirmed = False
            log.warning("the disk does not confirm the settings: %s", error)
