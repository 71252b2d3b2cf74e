"""The settings of the running device: what is configured, what is saved, what is in force."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from appliance.errors import (
    InvalidSettings,
    MigrationError,
    ReentrantChange,
    SaveFailed,
    SettingError,
    UnreadableSettings,
)
from appliance.settings.difference import Difference, differences
from appliance.settings.document import encode, entries_of, schema_of, tables_of
from appliance.settings.factory import FactoryVariant, factory_defaults
from appliance.settings.migration import SCHEMA, migrate
from appliance.settings.problem import Problem
from appliance.settings.setting import Setting
from appliance.settings.store import NAME, Store
from appliance.settings.transition import Prepare, Transition
from appliance.settings.validation import Changes, read, rule_errors
from appliance.settings.values import Values

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class _State:
    """One moment of the settings; replaced as a whole, so that a reader sees all of a change or nothing of it."""

    saved: Values
    running: Values
    start: Values

    @property
    def in_force(self) -> Values:
        held = {setting: self.start[setting] for setting in self.running if setting.needs_reboot}
        return self.running.with_changes(held)


class Settings:
    """Every setting in three forms: `saved` on the disk, `running` as configured now, and `in_force`.

    A setting that needs a reboot is in force with the value that it had when the process began; the others at once.
    Reading never waits. A change is checked as a whole, prepared by all subscribers, saved if that is asked for,
    applied, and only then seen; when anything refuses before that, nothing has changed.
    """

    def __init__(self, state_folder: Path, *, defaults: Mapping[Setting[Any], Any] | None = None) -> None:
        """Load the settings from `state_folder`, which need not exist. Whatever is wrong there is in `problems`.

        `defaults` are the factory defaults in which this device differs from the declarations, as typed values.

        :raises ValueError: when the defaults themselves break a rule.
        """
        self._own_defaults = dict(defaults or {})
        self.defaults = factory_defaults(FactoryVariant.DHCP, self._own_defaults)
        if errors := rule_errors(self.defaults, self._own_defaults):
            raise InvalidSettings(tuple(errors))
        self._store = Store(state_folder)
        loaded = self._store.load(self.defaults)
        self._load_problems = loaded.problems
        self._save_problems: tuple[Problem, ...] = ()
        self._state = _State(loaded.values, loaded.values, loaded.values)
        self._in_force = self._state.in_force
        self._overrides: Changes = {}
        self._subscribers: tuple[Prepare, ...] = ()
        self._subscribers_lock = threading.Lock()
        self._change_lock = threading.Lock()
        self._changing_thread: int | None = None

    def __getitem__(self, setting: Setting[T]) -> T:
        return self._in_force[setting]

    @property
    def in_force(self) -> Values:
        """The values that the device works with now."""
        return self._in_force

    @property
    def running(self) -> Values:
        """The values as they are configured now, saved or not, in force or waiting for a reboot."""
        return self._state.running

    @property
    def saved(self) -> Values:
        """The values on the disk."""
        return self._state.saved

    @property
    def after_reboot(self) -> Values:
        """The values with which the device would start: the saved ones."""
        return self._state.saved

    @property
    def is_saved(self) -> bool:
        """Whether a power cut now would lose no change: all is saved, and the disk has confirmed it."""
        return not self.unsaved and self._store.is_confirmed

    @property
    def unsaved(self) -> list[Difference]:
        """What a restart would lose. What the command line asks for it would ask for again."""
        state = self._state
        asked_for = {setting: value for setting, value in self._overrides.items() if self.is_override(setting)}
        return differences(state.saved.with_changes(asked_for), state.running)

    def is_override(self, setting: Setting[Any]) -> bool:
        """Whether `setting` has the value that the command line has asked for."""
        return setting in self._overrides and self._overrides[setting] == self._state.running[setting]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was wrong with the file at the start, until a reset or import replaces it all, and at the last save."""
        return self._load_problems + self._save_problems

    def set(self, texts: Mapping[str, str], *, save: bool) -> None:
        """Change the settings in `texts`, by name. With `save` these, and no other unsaved ones, go to the disk.

        :raises InvalidSettings: with everything that is wrong, or what a subscriber refused; nothing has changed.
        :raises SaveFailed: when the disk did; nothing has changed.
        """
        with self._changing():
            self._set(texts, save=save)

    def override(self, texts: Mapping[str, str]) -> None:
        """Change settings for this run of the process, as the command line asks at its start: in force, never saved.

        :raises InvalidSettings: with everything that is wrong; nothing has changed.
        """
        with self._changing():
            state = self._state
            changes, errors = read(texts, self.defaults, state.running, at_start=True)
            running = self._checked(state.running, changes, errors)
            self._carry_out(replace(state, running=running, start=state.start.with_changes(changes)))
            self._overrides = {**self._overrides, **changes}

    def save(self) -> None:
        """Write the running settings to the disk.

        :raises InvalidSettings: when what would be saved breaks a rule, because a value of this run cannot be saved.
        :raises SaveFailed: when the disk did.
        """
        with self._changing():
            state = self._state
            saved = state.saved.with_changes(self._that_can_be_saved(state.running))
            self._checked(saved, {}, [])
            self._carry_out(replace(state, saved=saved), write=True)

    def reset(self, variant: FactoryVariant) -> None:
        """Go back to factory defaults, on the disk and as running. A subscriber that cannot follow does not stop it.

        :raises SaveFailed: when the disk did; nothing has changed.
        """
        with self._changing():
            values = factory_defaults(variant, self._own_defaults)
            self._carry_out(replace(self._state, saved=values, running=values), write=True, is_forced=True)
            self._store.forget_old_forms()  # or older firmware would bring the former owner's settings back
            self._load_problems = ()

    def export(self) -> str:
        """Write the whole running configuration as a file, password hashes included.

        A value that holds for this run alone is left out in favour of the saved one.
        """
        state = self._state
        return encode(state.saved.with_changes(self._that_can_be_saved(state.running)))

    def compare(self, text: str) -> list[Difference]:
        """List what `import_` of `text` would change in the running configuration.

        :raises InvalidSettings: when it could not be imported.
        """
        running = self._state.running
        changes, errors = read(self._entries(text), self.defaults, running)
        return differences(running, self._checked(running, changes, errors))

    def import_(self, text: str) -> None:
        """Take over and save a configuration made by `export`. A setting that the file lacks stays as it is.

        :raises InvalidSettings: with everything that is wrong, unknown names too; nothing has changed.
        :raises SaveFailed: when the disk did; nothing has changed.
        """
        with self._changing():
            self._set(self._entries(text), save=True)
            self._load_problems = ()

    def subscribe(self, prepare: Prepare) -> Callable[[], None]:
        """Have `prepare` called before every change of what is in force; returns what ends that.

        It gets the values before and after. It may raise InvalidSettings to refuse; otherwise it gives a Transition,
        or None when the change does not concern it. It and its Transition must not change settings themselves.
        When this returns, no change is half done: values that are read afterwards are followed by every later change.

        :raises ReentrantChange: when called in the middle of a change, by the thread that makes it.
        """
        with self._changing(), self._subscribers_lock:
            self._subscribers = (*self._subscribers, prepare)

        def unsubscribe() -> None:
            # Not under the change lock: a service that is stopped by a change unsubscribes in the middle of it.
            with self._subscribers_lock:
                self._subscribers = tuple(other for other in self._subscribers if other is not prepare)

        return unsubscribe

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        if self._changing_thread == threading.get_ident():
            raise ReentrantChange("settings cannot be changed from inside a change")
        with self._change_lock:
            self._changing_thread = threading.get_ident()
            try:
                yield
            finally:
                self._changing_thread = None

    def _set(self, entries: Mapping[str, object], *, save: bool) -> None:
        state = self._state
        changes, errors = read(entries, self.defaults, state.running)
        running = self._checked(state.running, changes, errors)
        saved = state.saved
        if save:
            saved = self._checked(saved, self._that_can_be_saved(changes), [], " (in what is saved)")
        self._carry_out(replace(state, saved=saved, running=running), write=save)

    @staticmethod
    def _checked(values: Values, changes: Changes, errors: list[SettingError], where: str = "") -> Values:
        changed = values.with_changes(changes)
        errors = errors + rule_errors(changed, changes, where)
        if errors:
            raise InvalidSettings(tuple(errors))
        return changed

    def _that_can_be_saved(self, values: Mapping[Setting[Any], Any]) -> Changes:
        return {
            setting: value
            for setting, value in values.items()
            if value == self.defaults[setting] or setting.can_be_saved(value)
        }

    @staticmethod
    def _entries(text: str) -> dict[str, object]:
        try:
            tables = tables_of(text)
            schema = schema_of(tables)
            if schema is not None and schema <= SCHEMA:
                return entries_of(migrate(tables, schema))
            unreadable = UnreadableSettings(f"its schema is not one of 1 to {SCHEMA}, which this firmware knows")
        except UnreadableSettings as error:
            unreadable = error
        except MigrationError as error:
            unreadable = UnreadableSettings(str(error))
        raise InvalidSettings((unreadable,))

    def _carry_out(self, new: _State, *, write: bool = False, is_forced: bool = False) -> None:
        old, in_force = self._state, new.in_force
        with self._prepared(self._in_force, in_force, is_forced=is_forced) as transitions:
            if write:
                self._write(new)
        for transition in transitions:
            try:
                transition.apply()
            except Exception:
                log.exception("a part of the device could not take over its new settings")
        self._state, self._in_force = new, in_force
        for difference in differences(old.running, new.running):
            log.info("setting %s", difference)

    @contextlib.contextmanager
    def _prepared(self, old: Values, new: Values, *, is_forced: bool) -> Iterator[list[Transition]]:
        transitions: list[Transition] = []
        try:
            for prepare in self._subscribers if old != new else ():
                try:
                    transition = prepare(old, new)
                except Exception:
                    if not is_forced:
                        raise
                    log.exception("a part of the device cannot follow the factory reset before the next start")
                else:
                    if transition is not None:
                        transitions.append(transition)
            yield transitions
        except BaseException:
            for transition in reversed(transitions):
                try:
                    transition.abandon()
                except Exception:
                    log.exception("a part of the device could not abandon a change")
            raise

    def _write(self, new: _State) -> None:
        try:
            self._store.save(new.saved)
        except SaveFailed as error:
            log.error("%s", error)  # noqa: TRY400 (whoever asked gets the error; the log needs the line alone)
            self._save_problems = (Problem(NAME, None, str(error)),)
            if error.replaced:
                self._state = replace(self._state, saved=new.saved)
            raise
        self._save_problems = ()
