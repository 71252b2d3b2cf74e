"""A damaged settings file: every line that can still be read."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from appliance.settings import http
from appliance.settings.declarations import BY_NAME, SECTIONS
from appliance.settings.document import MOST_DOTS
from appliance.settings.problem import Problem

HEADING = re.compile(r"\[(?P<name>[A-Za-z0-9_-]+)\]\s*(?:#.*)?", re.ASCII)
TABLE = re.compile(rf"\[\[{re.escape(http.AUTHENTICATION.name)}(?:\.[a-z]+)?\]\]\s*(?:#.*)?", re.ASCII)
ENTRY = re.compile(r"(?P<key>[A-Za-z0-9_-]+)\s*=.*", re.ASCII)
MOST_BROKEN = 1000
"""Lines that may be broken before the rest is not worth the time."""
RUN = 100
"""Lines after a heading that are looked at to see whose they are: more than a section has."""


class Salvage:
    """Reads a file line by line and keeps what is good.

    `tables` is what was found, in the form that TOML gives; `problems` has each line that was lost.
    A heading that is damaged costs nothing where the keys after it show which section they belong to.
    The tables of `http.authentication` are one value and are kept or lost together: half of a directive could let
    somebody in.
    """

    def __init__(self, text: str) -> None:
        """Read `text`."""
        self.tables: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self._lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n")]
        headings = {found["name"] for line in self._lines if (found := HEADING.fullmatch(line))}
        self._headless = [section for section in SECTIONS if section not in headings]
        self._section = ""
        self._authentication: list[str] = []
        self._read()

    def _read(self) -> None:
        in_authentication = False
        for number, line in enumerate(self._lines, 1):
            if len(self.problems) >= MOST_BROKEN:
                self._lose(number, "so much before it is broken that the rest is left out")
                break
            heading = HEADING.fullmatch(line)
            in_authentication = not heading and (in_authentication or TABLE.fullmatch(line) is not None)
            if in_authentication:
                self._authentication.append(line)
            elif heading:
                self._enter(number, heading["name"])
            elif entry := ENTRY.fullmatch(line):
                self._take(number, line, entry["key"])
            elif line:
                if not line.startswith("#"):
                    self._lose(number, "it cannot be read and is left out")
                self._section = self._owner(number, self._section)
        if self._authentication:
            self._take_authentication()

    def _enter(self, number: int, name: str) -> None:
        is_known = name in SECTIONS and name not in self.tables
        self._section = name if is_known else self._owner(number, name)
        if self._section != name:
            self._lose(number, f"there is no section {name[:20]} here; it is read as {self._section}")
        self.tables.setdefault(self._section, {})

    def _owner(self, number: int, present: str) -> str:
        """Find the section of the entries after a line that is no good heading, but may have been one.

        `present` itself when it knows them all. Otherwise the one section that knows them all and has no heading in
        the whole file; a single entry is too little to tell, unless only one section is without.
        """
        keys = list(self._keys_after(number))
        fitting = [section for section in self._headless if self._knows(section, keys)]
        if self._knows(present, keys) or len(fitting) != 1 or (len(keys) < 2 and len(self._headless) > 1):
            return present
        self._headless.remove(fitting[0])
        return fitting[0]

    def _knows(self, section: str, keys: list[str]) -> bool:
        taken = self.tables.get(section, {})
        return all(f"{section}.{key}" in BY_NAME and key not in taken for key in keys)

    def _keys_after(self, number: int) -> Iterator[str]:
        for line in self._lines[number : number + RUN]:
            if line.startswith("["):
                return
            if entry := ENTRY.fullmatch(line):
                yield entry["key"]

    def _take(self, number: int, line: str, key: str) -> None:
        table = self.tables.setdefault(self._section, {}) if self._section else self.tables
        value = self._value(line, key)
        if value is None:
            self._lose(number, "it cannot be read and is left out", key)
        elif key in table:
            self._lose(number, f"{key} stands there a second time; the first is kept")
        else:
            table[key] = value

    @staticmethod
    def _value(line: str, key: str) -> Any:
        if line.count(".") > MOST_DOTS:
            return None
        try:
            return tomllib.loads(line).get(key)
        except (ValueError, RecursionError):
            return None

    def _take_authentication(self) -> None:
        try:
            found = tomllib.loads("\n".join(self._authentication))
            self.tables.setdefault("http", {}).setdefault("authentication", found["http"]["authentication"])
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            self.problems.append(
                Problem(http.AUTHENTICATION.name, None, "it cannot be read; the factory login is in force")
            )

    def _lose(self, number: int, reason: str, key: str = "") -> None:
        # The line itself is not repeated: it may hold a secret, and the whole is kept aside.
        name = f"settings.toml line {number}"
        if f"{self._section}.{key}" in BY_NAME:
            name += f", {self._section}.{key}"
        self.problems.append(Problem(name, None, reason))
