"""Something that was wrong with the settings on the disk."""

from dataclasses import dataclass
from typing import Self

from appliance.errors import SettingError, quoted

MOST = 20
"""Problems that are listed one by one; of a file full of rubbish nobody reads the thousandth."""


@dataclass(frozen=True)
class Problem:
    """What was wrong at the start or at the last save.

    `name` is that of the setting, or of the file and line; `raw` the text that was found there, None where there is
    none or it may be secret; `reason` what is wrong and what was done about it.
    """

    name: str
    raw: str | None
    reason: str

    @classmethod
    def from_error(cls, error: SettingError, consequence: str) -> Self:
        """Make a problem of an error in an entry, saying what follows from it."""
        return cls(error.name, error.value, f"{error.complaint}; {consequence}")

    def __str__(self) -> str:
        return f"{quoted(self.name)[1:-1]}: {self.reason}"


def bounded(problems: list[Problem]) -> list[Problem]:
    """Keep the first of many problems, and say how many more there were."""
    if len(problems) <= MOST:
        return problems
    return [*problems[:MOST], Problem("settings", None, f"{len(problems) - MOST} more problems are not listed")]
