"""How a setting is called on the console, and what may be said of it. Made from its declaration alone. Pure."""

from __future__ import annotations

from typing import Any

from appliance.errors import InvalidValue
from appliance.settings import SECTIONS, Setting
from appliance.settings.types import Bool, Choice, Directives, Int

LEVEL_WORDS = {"network": "if 1", "tunnel": "tunnel 1", "line": "line 1"}
"""What leads to the settings of a section, where that is not the section's own name."""


def words_of(setting: Setting[Any]) -> str:
    """Give the words by which `setting` is called on its level: its label in small letters."""
    return setting.label.casefold()


def level_of(setting: Setting[Any]) -> tuple[str, ...]:
    """Give what must be typed, one command after the other, to get from `configure` to the level of `setting`."""
    first = LEVEL_WORDS.get(setting.section, setting.section)
    if setting.section != "tunnel":
        return (first,)
    return (first, "disconnect" if setting.key.startswith("disconnect_") else "accept")


def choices_of(setting: Setting[Any]) -> tuple[str, ...]:
    """Give the values that can be listed, if they can."""
    if isinstance(setting.type, Bool):
        return ("on", "off")
    if isinstance(setting.type, Choice):
        return tuple(setting.type.format(option) for option in setting.type.options)
    return ()


def completed(setting: Setting[Any], text: str) -> str:
    """Give the value that `text` is the beginning of, if there is just one."""
    choices = choices_of(setting)
    fitting = [choice for choice in choices if text and choice.startswith(text.casefold())]
    return fitting[0] if len(fitting) == 1 and text.casefold() not in choices else text


def nothing_of(setting: Setting[Any]) -> str | None:
    """Give the text that switches `setting` off or empties it; None where there is no such value."""
    if isinstance(setting.type, Choice | Bool):
        return next((choice for choice in choices_of(setting) if choice in ("off", "disabled")), None)
    text = "0" if isinstance(setting.type, Int) else ""
    try:
        value = setting.type.parse(text)
    except InvalidValue:
        return None
    return text if setting.type.format(value) == text else None


def help_of(setting: Setting[Any]) -> str:
    """Say what the setting is for and what it takes."""
    unit = f" Unit: {setting.unit}." if setting.unit else ""
    reboot = " Takes effect at the next start." if setting.needs_reboot else ""
    return f"{setting.help}{unit}{reboot}"


def command_settings(section: str) -> tuple[Setting[Any], ...]:
    """Give the settings of a section that are one command each; the directives of the web server are several."""
    return tuple(setting for setting in SECTIONS[section] if is_one_command(setting))


def is_one_command(setting: Setting[Any]) -> bool:
    """Say whether one command sets it whole."""
    return not isinstance(setting.type, Directives)
