"""A list of names by which this device may be reached."""

import re

from appliance.errors import InvalidValue, quoted
from appliance.settings.types.text import LABEL
from appliance.settings.types.type import Type

MOST = 32
LONGEST = 253
NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*", re.ASCII)


class HostNames(Type[tuple[str, ...]]):
    """Names of hosts, with commas or spaces between; may be empty. In small letters; repeated ones count once.

    A name with other letters is given in its ASCII form (RFC 5890), which is what a browser sends.
    """

    allowed = f"at most {MOST} names such as gateway.plant.example, or empty"

    def _parse(self, text: str) -> tuple[str, ...]:
        entries = [entry.lower().removesuffix(".") for entry in re.split(r"[ ,]+", text) if entry]
        if len(entries) > MOST:
            raise InvalidValue(f"{len(entries)} entries")
        for entry in entries:
            if len(entry) > LONGEST or not NAME.fullmatch(entry):
                raise InvalidValue(f"{quoted(entry)} is no name of a host")
        return tuple(dict.fromkeys(entries))

    def format(self, value: tuple[str, ...]) -> str:
        """Write the names with commas between."""
        return ", ".join(value)
