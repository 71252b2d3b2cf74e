"""Every setting that there is, in the order of pages and files."""

import difflib
from types import ModuleType
from typing import Any

from appliance.errors import UnknownSetting
from appliance.settings import console, http, line, link, meters, mqtt, network, panel, tunnel, update
from appliance.settings.setting import Setting


def _of(module: ModuleType) -> tuple[Setting[Any], ...]:
    return tuple(value for value in vars(module).values() if isinstance(value, Setting))


# http is last because its directives are tables of their own in the file: a broken line among them can then not drag
# another section along.
_MODULES = (network, link, tunnel, line, panel, meters, mqtt, update, console, http)
DECLARATIONS: tuple[Setting[Any], ...] = tuple(setting for module in _MODULES for setting in _of(module))
BY_NAME = {setting.name: setting for setting in DECLARATIONS}
SECTIONS = {
    name: tuple(setting for setting in DECLARATIONS if setting.section == name)
    for name in dict.fromkeys(setting.section for setting in DECLARATIONS)
}


def find(name: str) -> Setting[Any]:
    """Find a setting by its name.

    :raises UnknownSetting: when there is none, with near names.
    """
    try:
        return BY_NAME[name]
    except KeyError:
        name_or_start = name[:100]
        same_key = (setting.name for setting in DECLARATIONS if setting.key == name_or_start.rpartition(".")[2])
        near = dict.fromkeys((*difflib.get_close_matches(name_or_start, BY_NAME, cutoff=0.7), *same_key))
        raise UnknownSetting(name, tuple(near)[:3]) from None
