"""Versions of the firmware, in order."""

from __future__ import annotations

import re

from appliance.errors import InvalidValue, quoted

_FORM = re.compile(
    r"(?P<release>[0-9]{1,9}(?:\.[0-9]{1,9}){0,5})(?:[-._]?(?P<kind>dev|alpha|a|beta|b|rc)[-._]?(?P<count>[0-9]{1,9})?)?"
    r"(?:\+[0-9A-Za-z.-]{1,60})?",
    re.ASCII,
)
_KINDS = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "rc": 3, None: 4}

Key = tuple[tuple[int, ...], int, int]


def key_of(version: str) -> Key:
    """Give what sorts versions, of the common part of Python's and Semantic Versioning's forms (PEP 440, SemVer 2).

    Numbers with dots between; trailing zeros do not count. One with dev, a, b or rc comes before the release itself.
    What follows a plus sign tells builds apart, not versions.

    :raises InvalidValue: when it has another form.
    """
    found = _FORM.fullmatch(version)
    if found is None:
        raise InvalidValue(f"{quoted(version)} is not a version such as 1.2.0")
    numbers = [int(number) for number in found["release"].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), _KINDS[found["kind"]], int(found["count"] or 0)
