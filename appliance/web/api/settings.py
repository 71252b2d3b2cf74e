"""Settings as JSON: their descriptions and values, and texts of what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.errors import InvalidSettings, InvalidValue, SettingError, UnknownSetting
from appliance.settings import DECLARATIONS, find
from appliance.settings.types import Bool, Choice, Directives, Int, Optional
from appliance.web.api.directives import directives_json, directives_text
from appliance.web.context import context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.settings import Setting, Values
    from appliance.settings.types import Type
    from appliance.web.api import shapes
    from appliance.web.api.schema import Schema

WRITABLE = "a text as in the forms, a whole number, true or false, or null for none"


def all_settings() -> shapes.Settings:
    """Describe every setting with its values."""
    return {"settings": {setting.name: one_setting(setting) for setting in DECLARATIONS}}


def one_setting(setting: Setting[Any]) -> shapes.SettingShape:
    """Describe a setting with its values."""
    settings = context().device.settings
    type_ = _inner(setting.type)
    return {
        "name": setting.name,
        "section": setting.section,
        "label": setting.label,
        "help": setting.help,
        "type": kind_of(setting),
        "allowed": setting.type.allowed,
        "options": [type_.to_file(option) for option in type_.options] if isinstance(type_, Choice) else None,
        "lowest": type_.lowest if isinstance(type_, Int) else None,
        "highest": type_.highest if isinstance(type_, Int) else None,
        "unit": setting.unit,
        "needs_reboot": setting.needs_reboot,
        "is_secret": setting.is_secret,
        "default": value_json(setting, settings.defaults),
        "value": value_json(setting, settings.running),
        "saved": value_json(setting, settings.saved),
        "in_force": value_json(setting, settings.in_force),
    }


def kind_of(setting: Setting[Any]) -> str:
    """Give the kind of a setting in a word."""
    if isinstance(setting.type, Directives):
        return "directives"
    type_ = _inner(setting.type)
    kinds = ((Bool, "boolean"), (Int, "integer"), (Choice, "choice"))
    return next((kind for known, kind in kinds if isinstance(type_, known)), "text")


def value_json(setting: Setting[Any], values: Values) -> Any:
    """Write the value of a setting, without passwords."""
    value = values[setting]
    if isinstance(setting.type, Directives):
        return directives_json(value)
    if value is None or setting.is_secret:
        return None
    type_ = _inner(setting.type)
    return type_.to_file(value) if isinstance(type_, Bool | Int | Choice) else type_.format(value)


def texts_of(body: Mapping[str, object]) -> dict[str, str]:
    """Give the texts that `Settings.set` takes, by name.

    :raises InvalidSettings: with every setting that is unknown or was given what is no such value.
    """
    settings = context().device.settings
    texts: dict[str, str] = {}
    errors: list[SettingError] = []
    for name, value in body.items():
        try:
            setting = find(name)
            if isinstance(setting.type, Directives):
                texts[name] = directives_text(value, settings.running[setting])
            elif value is not None or not setting.is_secret:
                # A secret reads as null: written back, that leaves it as it is.
                texts[name] = _text(setting, value)
        except UnknownSetting as error:
            errors.append(error)
        except InvalidValue as error:
            errors.append(SettingError(name, None, find(name).type.allowed, reason=str(error)))
    if errors:
        raise InvalidSettings(tuple(errors))
    return texts


def schema_for(setting: Setting[Any]) -> Schema:
    """Describe what may be written to a setting, for OpenAPI."""
    words = f"{setting.label}: {setting.help}"
    type_ = _inner(setting.type)
    if isinstance(setting.type, Directives):
        return {"$ref": "#/components/schemas/Directives"}
    schema: Schema
    if isinstance(type_, Bool):
        schema = {"type": "boolean"}
    elif isinstance(type_, Int):
        bounds: Schema = {"type": "integer", "minimum": type_.lowest, "maximum": type_.highest}
        schema = {"anyOf": [bounds, {"const": 0, "description": type_.zero}]} if type_.zero else bounds
    elif isinstance(type_, Choice):
        schema = {"enum": [type_.to_file(option) for option in type_.options]}
    else:
        schema = {"type": "string", "examples": [setting.type.format(setting.default)]}
    if type_ is not setting.type or setting.is_secret:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "title": setting.label, "description": f"{words} ({setting.type.allowed})"}


def _inner(type_: Type[Any]) -> Type[Any]:
    return type_.type if isinstance(type_, Optional) else type_


def _text(setting: Setting[Any], value: object) -> str:
    """Write a JSON value as the text of a form; what is wrong with the text itself is for the settings to say."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int) and abs(value) < 10**30:
        return str(value)
    if isinstance(value, str):
        return value
    if value is None and isinstance(setting.type, Optional):
        return ""
    raise InvalidValue(f"a value is {WRITABLE}")
