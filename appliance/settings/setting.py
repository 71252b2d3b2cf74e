"""One setting: its name, type, factory default, and what a person reads about it."""

import json
from dataclasses import dataclass
from typing import Generic, TypeVar

from appliance.errors import InvalidValue, SettingError
from appliance.settings.types.type import Type

T = TypeVar("T")


def raw_text(raw: object) -> str:
    """Write a value from a file as a message shows it."""
    return raw if isinstance(raw, str) else json.dumps(raw, default=str, ensure_ascii=False)[:1000]


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting(Generic[T]):
    """One setting, declared once. It is the key under which its value is found, so two are never equal.

    `name` is `section.key`. `static` is the default after a factory reset to the static address, where that differs.
    `needs_reboot` says that a change takes effect at the next start of the device. With `blank_is_default` a field
    left empty means the factory default.
    """

    name: str
    type: Type[T]
    default: T
    label: str
    help: str
    static: T | None = None
    needs_reboot: bool = False
    blank_is_default: bool = False

    @property
    def section(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    @property
    def key(self) -> str:
        """The part of the name after the dot."""
        return self.name.partition(".")[2]

    @property
    def unit(self) -> str:
        """The unit of a number, or nothing."""
        return self.type.unit

    @property
    def is_secret(self) -> bool:
        """Whether its text must not be shown."""
        return self.type.secret

    def read(self, raw: object, default: T, *, at_start: bool = False) -> T:
        """Make a value of `raw`: a text from a form, the console or the command line, or what TOML gives.

        `default` is this device's factory default; it is always allowed, and a blank stands for it where blank does.
        `at_start` allows what only the command line may give, such as port 0 for any free one.

        :raises SettingError: when it is not allowed.
        """
        try:
            if isinstance(raw, str) and self.blank_is_default and not raw.strip(" "):
                return default
            if not self.is_secret and raw_text(raw).strip(" ") == self.type.format(default):
                return default
            if at_start and isinstance(raw, str):
                return self.type.parse_at_start(raw)
            return self.type.from_file(raw)
        except InvalidValue as error:
            shown = None if self.is_secret else raw_text(raw)
            raise SettingError(self.name, shown, self.type.allowed, reason=str(error)) from None

    def can_be_saved(self, value: T) -> bool:
        """Say whether a file could give `value` back: not so for port 0, which only the command line may give."""
        try:
            return self.type.from_file(self.type.to_file(value)) == value
        except InvalidValue:
            return False

    def describe(self, value: T) -> str:
        """Write `value` for a person, without secrets and without its unit."""
        return self.type.describe(value)

    def __repr__(self) -> str:
        return f"<Setting {self.name}>"
