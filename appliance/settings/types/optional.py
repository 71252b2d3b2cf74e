"""A value that may be missing."""

from typing import TypeVar

from appliance.settings.types.type import Type

T = TypeVar("T")


class Optional(Type[T | None]):
    """A value of another type, or None, which is written as nothing at all and also read from `none`."""

    def __init__(self, type_: Type[T]) -> None:
        """Make values of `type_` optional."""
        self.type = type_
        self.unit = type_.unit
        self.allowed = f"{type_.allowed}, or empty for none"

    def _parse(self, text: str) -> T | None:
        return None if text.lower() in ("", "none", "<none>") else self.type.parse(text)

    def format(self, value: T | None) -> str:
        """Write the value, or nothing."""
        return "" if value is None else self.type.format(value)

    def describe(self, value: T | None) -> str:
        """Write the value, or `none`."""
        return "none" if value is None else self.type.describe(value)
