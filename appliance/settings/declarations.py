"""Every setting that there is, in the order of pages and files."""

import difflib
from types import ModuleType
from typing import Any

from appliance.errors import UnknownSetting
from appliance.settings import console, http, line, link, network, tunnel
from appliance.settings.setting import Setting


def _of(module: ModuleType) -> tuple[Setting[Any], ...]:
    return tuple(value for value in vars(module).values() if isinstance(value, Setting))


# http is last because its directives are tables of their own in the file: a broken line among them can then not drag
# another section along.
DECLARATIONS: tuple[Setting[Any], ...] = tuple(
    setting for module in (network, link, tunnel, line, console, http) for setting in _of(module)
)
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
        raise UnknownSetting(name, tuple(difflib.get_close_matches(name[:100], BY_NAME, n=3, cutoff=0.7))) from None
