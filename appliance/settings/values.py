"""A complete set of values that never changes."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self, TypeVar

from appliance.settings.setting import Setting

T = TypeVar("T")


class Values(Mapping[Setting[Any], Any]):
    """The value of every setting, typed through its declaration: `values[tunnel.PORT]` is an int."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[Setting[Any], Any]) -> None:
        """Keep a copy of `values`."""
        self._values = MappingProxyType(dict(values))

    def __getitem__(self, setting: Setting[T]) -> T:
        value: T = self._values[setting]
        return value

    def __iter__(self) -> Iterator[Setting[Any]]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Values({', '.join(f'{setting.name}={setting.describe(value)}' for setting, value in self.items())})"

    def with_changes(self, changes: Mapping[Setting[Any], Any]) -> Self:
        """Give a copy in which `changes` replace what was there."""
        return type(self)({**self._values, **changes})

    def changes_from(self, other: Self) -> tuple[Setting[Any], ...]:
        """Give the settings whose value here is not that in `other`."""
        return tuple(setting for setting, value in self.items() if other[setting] != value)
