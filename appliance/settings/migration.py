"""Settings files of older firmware, brought to the present form step by step."""

from collections.abc import Callable, Mapping
from typing import Any

from appliance.errors import MigrationError

SCHEMA = 1
"""The present form of the file. A change that an older file does not fit raises it, and adds a step."""

Step = Callable[[dict[str, Any]], dict[str, Any]]

STEPS: Mapping[int, Step] = {}
"""By the schema from which it leads: what makes a file of the next one out of it. None yet."""


def migrate(
    raw: dict[str, Any], from_version: int, *, to_version: int = SCHEMA, steps: Mapping[int, Step] = STEPS
) -> dict[str, Any]:
    """Bring the tables of a file from schema `from_version` to `to_version`.

    :raises MigrationError: when there is no way, or a step fails on what it finds.
    """
    for version in range(from_version, to_version):
        step = steps.get(version)
        if step is None:
            raise MigrationError(f"no way is known from schema {version} to {version + 1}")
        try:
            raw = step(raw)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise MigrationError(f"the step from schema {version} to {version + 1} failed: {error!r}") from error
    return raw
