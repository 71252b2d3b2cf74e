"""What a type of setting is: text to value, value to text, and words for what is allowed."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from appliance.errors import InvalidValue

T = TypeVar("T")

LONGEST_TEXT = 300_000
"""Characters that any value may have; the largest list of directives fits. Longer texts are not even looked at."""


class Type(ABC, Generic[T]):
    """How the values of one kind are read and written.

    `allowed` says in words what `parse` takes, for messages and help. `unit` is that of a number, or empty.
    A `secret` type's texts are never repeated in messages; `describe` shows such a value without its secrets.
    """

    allowed: str
    unit: str = ""
    secret: bool = False

    def parse(self, text: str) -> T:
        """Read `text`; ASCII spaces around it do not matter.

        :raises InvalidValue: when it is not allowed, or has a control character or another that cannot be printed.
        """
        if len(text) > LONGEST_TEXT:
            raise InvalidValue("far too long")
        text = text.strip(" ")
        if not text.isprintable():
            raise InvalidValue("it has a control character or one that cannot be printed")
        return self._parse(text)

    def parse_at_start(self, text: str) -> T:
        """Read `text` from the command line, where some types know values more that cannot be saved.

        :raises InvalidValue: when it is not allowed.
        """
        return self.parse(text)

    @abstractmethod
    def _parse(self, text: str) -> T:
        """Read `text`, which is printable and has no spaces around it."""

    @abstractmethod
    def format(self, value: T) -> str:
        """Write `value` so that `parse` reads it back."""

    def describe(self, value: T) -> str:
        """Write `value` for a person, without secrets."""
        return self.format(value)

    def from_file(self, raw: object) -> T:
        """Read a value as TOML gives it: a text, or a whole number where the type has numbers.

        :raises InvalidValue: when it is not allowed or of the wrong kind.
        """
        if isinstance(raw, str):
            return self.parse(raw)
        if isinstance(raw, int) and not isinstance(raw, bool):
            return self.parse(str(raw) if abs(raw) < 10**30 else "a number beyond all bounds")
        raise InvalidValue("the wrong kind of value")

    def to_file(self, value: T) -> Any:
        """Give `value` in the form that TOML writes best and `from_file` reads back."""
        return self.format(value)
