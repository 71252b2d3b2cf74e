"""Every setting of the device: declared once, checked at the edge, saved so that no power cut can hurt it."""

from appliance.errors import InvalidSettings, SaveFailed, SettingError
from appliance.settings.declarations import DECLARATIONS, SECTIONS, find
from appliance.settings.difference import Difference
from appliance.settings.directive import Directive, DirectiveType, User
from appliance.settings.factory import FactoryVariant
from appliance.settings.problem import Problem
from appliance.settings.setting import Setting
from appliance.settings.settings import Settings
from appliance.settings.transition import Prepare, Transition
from appliance.settings.types import ClientId
from appliance.settings.values import Values

__all__ = [
    "DECLARATIONS",
    "SECTIONS",
    "ClientId",
    "Difference",
    "Directive",
    "DirectiveType",
    "FactoryVariant",
    "InvalidSettings",
    "Prepare",
    "Problem",
    "SaveFailed",
    "Setting",
    "SettingError",
    "Settings",
    "Transition",
    "User",
    "Values",
    "find",
]
