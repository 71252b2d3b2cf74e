"""One of a few given values."""

from collections.abc import Iterable
from typing import Any, TypeVar

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

T = TypeVar("T")


class Choice(Type[T]):
    """One of `options`: the members of a StrEnum, or whole numbers. Words are read in any case."""

    def __init__(self, options: Iterable[T], *, unit: str = "") -> None:
        """Set the options, in the order in which forms list them, and the unit of numbers."""
        self.options = tuple(options)
        self.unit = unit
        self._by_text = {str(option): option for option in self.options}
        *firsts, last = self._by_text
        self.allowed = f"{', '.join(firsts)} or {last}" + (f" {unit}" if unit else "")

    def _parse(self, text: str) -> T:
        option = self._by_text.get(text.lower())
        if option is None:
            raise InvalidValue
        return option

    def format(self, value: T) -> str:
        """Write the option's word or digits."""
        return str(value)

    def to_file(self, value: T) -> Any:
        """Give digits as a TOML integer, words as text."""
        text = str(value)
        return int(text) if text.isdecimal() else text
