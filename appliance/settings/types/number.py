"""Whole numbers: with a range and a unit, and TCP ports."""

import re

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

# Not int(): it takes 1_000, +5 and the digits of every script, and a number that is read differently from how it
# looks is worse than one that is refused.
DIGITS = re.compile(r"0|[1-9][0-9]{0,11}", re.ASCII)


class Int(Type[int]):
    """A whole number from `lowest` to `highest`, and also 0 when `zero` says what that means."""

    def __init__(self, lowest: int, highest: int, *, unit: str = "", zero: str = "") -> None:
        """Set the range (inclusive), the unit that forms show, and the meaning of 0 where 0 is apart from the range."""
        self.lowest = lowest
        self.highest = highest
        self.unit = unit
        self.zero = zero
        self.allowed = self._words(f"a whole number{f' of {unit}' if unit else ''}, {lowest} to {highest}")

    def _words(self, allowed: str) -> str:
        return f"{allowed}, or 0 for {self.zero}" if self.zero else allowed

    def _parse(self, text: str) -> int:
        if not DIGITS.fullmatch(text):
            raise InvalidValue
        number = int(text)
        if not (self.lowest <= number <= self.highest or (number == 0 and self.zero)):
            raise InvalidValue
        return number

    def format(self, value: int) -> str:
        """Write the digits."""
        return str(value)

    def to_file(self, value: int) -> int:
        """Give the TOML integer."""
        return value


class Port(Int):
    """A TCP port. On the command line 0 stands for any free one, unless 0 already means something here."""

    def __init__(self, *, zero: str = "") -> None:
        """Set the meaning of 0, where 0 may be saved."""
        super().__init__(1, 65535, zero=zero)
        self.allowed = self._words("a TCP port, 1 to 65535")

    def parse_at_start(self, text: str) -> int:
        """Read a port, or 0 for any free one."""
        return 0 if text.strip(" ") == "0" else self.parse(text)
