"""How the fields of a form are put together on a page, and what stands beside each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.web.context import context
from appliance.web.languages import _, option_text

if TYPE_CHECKING:
    from appliance.settings import Setting


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together in a card."""

    title: str
    """Empty for none."""
    settings: tuple[Setting[Any], ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a field, in the visitor's language."""

    current: str = ""
    """The value at work now."""
    live: str = ""
    """The key under which that is served afresh."""
    note: str = ""
    """Why the field has no effect, or the like."""


def in_force_text(setting: Setting[Any]) -> str:
    """Write the value with which the device works now; empty for an empty one."""
    value = context().device.settings.in_force[setting]
    text = option_text(setting, setting.describe(value))
    return f"{text} {_(setting.unit)}" if setting.unit else text
