"""The header fields of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class Headers(Mapping[str, str]):
    """Fields by name, whatever the case of its letters; several of one name read as one, with commas between them."""

    __slots__ = ("_values",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Take names and values in the order in which they were sent."""
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name.lower(), []).append(value)

    def __getitem__(self, name: str) -> str:
        values = self._values[name.lower()]
        return values[0] if len(values) == 1 else ",".join(values)

    def get(self, name: str, default: Any = None) -> Any:
        """Give the value, or `default` where there is none."""
        values = self._values.get(name.lower())
        return default if values is None else ",".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def each(self, name: str) -> tuple[str, ...]:
        """Give the values of all fields of this name; none when there is none."""
        return tuple(self._values.get(name.lower(), ()))
