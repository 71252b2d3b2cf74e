"""The settings file: TOML with a table for each section, a schema number in front."""

import tomllib
from collections.abc import Mapping
from typing import Any

import tomli_w

from appliance.errors import UnreadableSettings
from appliance.settings.declarations import BY_NAME, SECTIONS
from appliance.settings.migration import SCHEMA
from appliance.settings.values import Values

LARGEST = 1024 * 1024
"""Bytes that a settings file may have; the largest that we write is a third of it."""

MOST_DOTS = 1000
# tomllib's time grows with the square of the parts of a dotted key: a line of nothing but dots would stop the device.

HEADER = """\
# Settings of the CMe3000 M-Bus gateway. The device writes this file anew at every save.
# It holds what web logins are checked against: keep it as safe as the passwords.
"""


def encode(values: Values, schema: int = SCHEMA) -> str:
    """Write `values` as a settings file."""
    tables = {
        section: {setting.key: setting.type.to_file(values[setting]) for setting in settings}
        for section, settings in SECTIONS.items()
    }
    return HEADER + tomli_w.dumps({"schema": schema, **tables})


def tables_of(text: str) -> dict[str, Any]:
    """Read a settings file that is whole.

    :raises UnreadableSettings: when it is not TOML, or too large.
    """
    if len(text) > LARGEST:
        raise UnreadableSettings(f"larger than {LARGEST} bytes")
    if any(line.count(".") > MOST_DOTS for line in text.split("\n")):
        raise UnreadableSettings("a line that is no setting")
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise UnreadableSettings(str(error)) from error
    except RecursionError:
        raise UnreadableSettings("values nested too deep") from None


def schema_of(tables: Mapping[str, Any]) -> int | None:
    """Find the schema number: the present one when there is none, as in a file written by hand; None for rubbish."""
    schema = tables.get("schema", SCHEMA)
    return schema if isinstance(schema, int) and not isinstance(schema, bool) and 0 < schema < 1_000_000 else None


def entries_of(tables: Mapping[str, Any]) -> dict[str, object]:
    """Give the entries of all tables by `section.key`; what is in no table keeps its own name."""
    entries: dict[str, object] = {}
    for name, table in tables.items():
        if isinstance(table, dict):
            entries.update({f"{name}.{key}": raw for key, raw in table.items()})
        elif name != "schema":
            entries[name] = table
    return entries


def known_in(tables: Mapping[str, Any]) -> int:
    """Count the entries that are settings."""
    return sum(name in BY_NAME for name in entries_of(tables))
