"""The values with which the device leaves the factory."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from appliance.settings.declarations import DECLARATIONS
from appliance.settings.setting import Setting
from appliance.settings.values import Values


class FactoryVariant(Enum):
    """Where the address comes from after a factory reset."""

    DHCP = "dhcp"
    STATIC = "static"


def factory_defaults(variant: FactoryVariant, defaults: Mapping[Setting[Any], Any] | None = None) -> Values:
    """Give every setting its factory default of `variant`; `defaults` are those in which this device differs."""
    own = defaults or {}
    values = {setting: own.get(setting, setting.default) for setting in DECLARATIONS}
    if variant is FactoryVariant.STATIC:
        values.update({setting: setting.static for setting in DECLARATIONS if setting.static is not None})
    return Values(values)
