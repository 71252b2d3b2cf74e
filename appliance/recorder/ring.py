"""The newest rows of numbers, in a piece of memory that never grows."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBER = 8
"""Bytes of a number: IEEE 754 double."""


class Ring:
    """Keeps the last `capacity` rows of `width` numbers. Not safe for threads by itself."""

    def __init__(self, capacity: int, width: int) -> None:
        """Take all the memory at once, `capacity * width * 8` bytes."""
        self._capacity = capacity
        self._width = width
        self._cells = array("d", bytes(NUMBER * capacity * width))
        self._added = 0

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return len(self._cells) * NUMBER

    def add(self, row: Sequence[float]) -> None:
        """Keep a row; the oldest one goes when there is no room.

        :raises ValueError: when it is not `width` long.
        """
        if len(row) != self._width:
            raise ValueError(f"a row of {len(row)} numbers where {self._width} are kept")
        at = self._added % self._capacity * self._width
        self._cells[at : at + self._width] = array("d", row)
        self._added += 1

    def last(self) -> tuple[float, ...] | None:
        """Give the newest row; None while there is none."""
        return self._row(self._added - 1) if self._added else None

    def rows(self, *, step: int = 1) -> list[tuple[float, ...]]:
        """Give the rows, the oldest first; with a `step` the newest and every so manieth before it."""
        oldest = max(0, self._added - self._capacity)
        return [self._row(number) for number in range(self._added - 1, oldest - 1, -step)][::-1]

    def _row(self, number: int) -> tuple[float, ...]:
        at = number % self._capacity * self._width
        return tuple(self._cells[at : at + self._width])
