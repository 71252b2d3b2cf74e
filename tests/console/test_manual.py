"""The manual of the console names every command and level, and its keys."""

from __future__ import annotations

from pathlib import Path

from appliance.console.level import Level
from appliance.console.levels import first_level

MANUAL = (Path(__file__).parents[2] / "docs" / "console.md").read_text("utf-8")


def test_every_command_and_level_is_in_the_manual() -> None:
    levels = [first_level()]
    for level in levels:
        assert f"`{level.prompt}`" in MANUAL
        for command in level.grammar.commands:
            is_of_a_setting = command.text.endswith(" <value>") or command.text.startswith(("no ", "default "))
            assert is_of_a_setting or f"`{command.text}`" in MANUAL, command.text
            levels += [
                cell.cell_contents
                for cell in getattr(command.run, "__closure__", None) or ()
                if isinstance(cell.cell_contents, Level) and cell.cell_contents not in levels
            ]
    assert len(levels) == 15


def test_the_manual_fits_the_page() -> None:
    assert all(len(line) <= 130 for line in MANUAL.splitlines())
