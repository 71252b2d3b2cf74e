"""Changes that a session makes: at once, or together at the end of a batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from appliance.console.complaint import Complaint
from appliance.errors import InvalidValue
from appliance.settings import InvalidSettings, SettingError, find, http
from appliance.settings.password import has_factory_password

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.settings import Setting, Settings

Directives = list[dict[str, Any]]
"""Directives as JSON has them; they may be incomplete until a batch ends."""


class NewPasswordFirst(Complaint):
    """The factory password is in force, and nothing may be changed before it is replaced."""


class Changes:
    """Sets running settings, never the saved ones. In a batch they are collected, and set together at its end.

    A batch is what makes `show configuration` fit to be pasted: settings that depend on each other cannot all be set
    one after the other.
    """

    def __init__(self, settings: Settings, *, asks_new_password: bool) -> None:
        """Change `settings`; with `asks_new_password` only when the factory password is not in force afterwards."""
        self._settings = settings
        self._asks_new_password = asks_new_password
        self._batch: dict[str, str] | None = None

    @property
    def is_batch(self) -> bool:
        """Whether a batch is open."""
        return self._batch is not None

    @property
    def collected(self) -> int:
        """How many settings the batch has so far."""
        return len(self._batch or ())

    def begin(self) -> None:
        """Open a batch."""
        self._batch = {}

    def abort(self) -> None:
        """Forget the batch."""
        self._batch = None

    def commit(self) -> None:
        """Set what was collected. When it is refused the batch stays open, to be mended.

        :raises InvalidSettings: with everything that is wrong; nothing has changed.
        :raises NewPasswordFirst: when the factory password would be in force.
        """
        self._set(self._batch or {})
        self._batch = None

    def set(self, setting: Setting[Any], text: str) -> None:
        """Change one setting.

        :raises InvalidSettings: with everything that is wrong; nothing has changed.
        :raises NewPasswordFirst: when the factory password is in force.
        """
        if self._batch is None:
            self._set({setting.name: text})
            return
        try:  # what is wrong by itself is told at once
            if text.strip(" ") != setting.type.format(self._settings.running[setting]):
                setting.read(text, self._settings.defaults[setting])
        except SettingError as error:
            raise InvalidSettings((error,)) from None
        self._batch[setting.name] = text

    def directives(self) -> Directives:
        """Give the directives to start from: those of the batch, or the running ones."""
        text = (self._batch or {}).get(http.AUTHENTICATION.name)
        if text is not None:
            found: Directives = json.loads(text)
            return found
        return http.AUTHENTICATION.type.to_file(self._settings.running[http.AUTHENTICATION])  # type: ignore[no-any-return] # made for TOML, so Any

    def set_directives(self, directives: Directives) -> None:
        """Change the directives; in a batch they need not be complete yet.

        :raises InvalidSettings: with everything that is wrong; nothing has changed.
        :raises NewPasswordFirst: when the factory password would be in force.
        """
        text = json.dumps(directives)
        if self._batch is None:
            self._set({http.AUTHENTICATION.name: text})
        else:
            self._batch[http.AUTHENTICATION.name] = text

    def require_new_password(self) -> None:
        """Let through only who may change something; for changes that are no settings.

        :raises NewPasswordFirst: when the factory password is in force.
        """
        self._check_password({})

    def _set(self, texts: Mapping[str, str]) -> None:
        self._check_password(texts)
        self._settings.set(texts, save=False)

    def _check_password(self, texts: Mapping[str, str]) -> None:
        if self._asks_new_password and self._leaves_factory_password(texts):
            raise NewPasswordFirst(
                "the password is the one from the factory; nothing can be changed before it is replaced "
                "(end, then password NEW)"
            )

    def _leaves_factory_password(self, texts: Mapping[str, str]) -> bool:
        directives = self._settings.running[http.AUTHENTICATION]
        text = texts.get(http.AUTHENTICATION.name)
        if text is not None:
            try:
                directives = find(http.AUTHENTICATION.name).type.parse(text)
            except InvalidValue:
                return False  # to be told by the settings themselves
        return has_factory_password(directives)


def unsaved(settings: Settings) -> tuple[Setting[Any], ...]:
    """List the settings that a reboot would lose, without those that hold for this run of the program alone."""
    return tuple(find(change.name) for change in settings.unsaved)


def waiting(settings: Settings) -> tuple[Setting[Any], ...]:
    """List the settings whose value is not in force before a reboot."""
    running = settings.running
    return running.changes_from(settings.in_force)
