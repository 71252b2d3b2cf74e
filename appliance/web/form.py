"""Forms made of declared settings: what is shown, what was typed, and what was wrong with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from flask import request

from appliance.errors import InvalidSettings, SaveFailed, SettingError
from appliance.settings.types import Bool, Certificates, Choice, Int, Optional
from appliance.settings.validation import read, rule_errors
from appliance.web.context import context
from appliance.web.languages import N_, _, option_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from appliance.settings import Setting, Values

log = logging.getLogger(__name__)

CORRECT_IT = N_("Nothing was changed yet: correct what is marked below, and submit it again.")

_KINDS: tuple[tuple[type[Any], str], ...] = (
    (Bool, "switch"),
    (Choice, "choice"),
    (Int, "number"),
    (Certificates, "lines"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One setting in a form."""

    setting: Setting[Any]
    text: str
    """As typed, else as it is configured; always empty for a secret."""
    error: str = ""
    """In the visitor's language."""
    in_force: str = ""
    """What the device works with until the reboot, where that is something else."""

    @property
    def id(self) -> str:
        """Name of the element, for labels and descriptions."""
        return self.setting.name.replace(".", "-")

    @property
    def kind(self) -> str:
        """Which control it has: `switch`, `choice`, `number`, `lines`, `secret` or `text`."""
        if self.setting.is_secret:
            return "secret"
        type_ = self.setting.type
        if isinstance(type_, Optional):
            type_ = type_.type
        return next((kind for known, kind in _KINDS if isinstance(type_, known)), "text")

    @property
    def options(self) -> tuple[str, ...]:
        """The texts that a choice has."""
        type_ = self.setting.type
        return tuple(type_.format(option) for option in type_.options) if isinstance(type_, Choice) else ()

    @property
    def hint(self) -> str:
        """What may be typed; nothing where the control shows it."""
        return "" if self.kind in ("switch", "choice") else _(self.setting.type.allowed)


class SettingsForm:
    """The settings of one form. A setting that a request does not send stays as it is."""

    def __init__(
        self, settings: Iterable[Setting[Any]], *, texts: Mapping[str, str] | None = None, trouble: str = ""
    ) -> None:
        """Show `settings` as they are configured, or as `texts` has them by name."""
        self._settings = tuple(settings)
        self._texts = dict(texts or {})
        self._errors: dict[str, str] = {}
        self.trouble = trouble
        """What is wrong as a whole, a sentence; empty for nothing."""
        self.status = 200
        """HTTP status of the page that shows this form."""

    @classmethod
    def posted(cls, settings: Iterable[Setting[Any]], *, trouble: str = "") -> Self:
        """Take what this request has posted."""
        declared = tuple(settings)
        texts = {setting.name: request.form[setting.name] for setting in declared if setting.name in request.form}
        return cls(declared, texts=texts, trouble=trouble)

    def save(self) -> bool:
        """Change and save the settings. When that is refused the form has the reasons, and nothing has changed."""
        try:
            context().device.settings.set(self._meant(), save=True)
        except InvalidSettings as error:
            self._refuse(error)
            return False
        except SaveFailed as error:
            self.status, self.trouble = 500, str(error)
            return False
        return True

    def check(self) -> Values | None:
        """Give the values that all settings would have after `save`, which may be refused all the same.

        :return: None when some cannot be; the form has the reasons then.
        """
        settings = context().device.settings
        changes, errors = read(self._meant(), settings.defaults, settings.running)
        values = settings.running.with_changes(changes)
        errors += rule_errors(values, changes)
        if errors:
            self._refuse(InvalidSettings(tuple(errors)))
            return None
        return values

    def _meant(self) -> dict[str, str]:
        """Give the texts to save."""
        return {setting.name: self._texts[setting.name] for setting in self._settings if self._was_meant(setting)}

    def _was_meant(self, setting: Setting[Any]) -> bool:
        """Whether somebody wants the posted text: a browser sends every field back, touched or not."""
        text = self._texts.get(setting.name)
        if text is None or (setting.is_secret and not text):
            return False
        settings = context().device.settings
        # What the command line asked for is for this run alone, and may even be what cannot be saved.
        return not (settings.is_override(setting) and text == setting.type.format(settings.running[setting]))

    @property
    def fields(self) -> tuple[Field, ...]:
        """All of them, in order."""
        return tuple(self[setting] for setting in self._settings)

    def __getitem__(self, setting: Setting[Any]) -> Field:
        """Give the field of a setting, for a page that places it itself."""
        settings = context().device.settings
        running, in_force = settings.running[setting], settings.in_force[setting]
        configured = "" if setting.is_secret else setting.type.format(running)
        return Field(
            setting,
            configured if setting.is_secret else self._texts.get(setting.name, configured),
            self._errors.get(setting.name, ""),
            in_force="" if running == in_force else option_text(setting, setting.describe(in_force)) or _("none"),
        )

    def _refuse(self, refusal: InvalidSettings) -> None:
        self.status, self.trouble = 400, _(CORRECT_IT)
        own = {setting.name for setting in self._settings}
        elsewhere = []
        for error in refusal.errors:
            if error.name in own:
                self._errors.setdefault(error.name, complaint(error))
            else:
                elsewhere.append(f"{error.name}: {complaint(error)}")
        if elsewhere:
            self.trouble = " ".join(elsewhere)


def complaint(error: SettingError) -> str:
    """Say beside a field what is wrong with what stands in it; the field itself shows the text."""
    allowed = _(error.allowed)
    if error.reason and error.reason != error.allowed:
        return _("Not possible (%(reason)s). Allowed: %(allowed)s.") % {"reason": _(error.reason), "allowed": allowed}
    return _("Not possible. Allowed: %(allowed)s.") % {"allowed": allowed}
