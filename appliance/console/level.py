"""A level of the console: what can be typed there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from appliance.console.grammar import Grammar
    from appliance.settings import Setting


@dataclass(eq=False)
class Level:
    """One level."""

    title: str
    """What it is for, a sentence."""
    prompt: str
    """What stands behind the device's name at the prompt: ``>``, ``#``, ``(config-accept)#``."""
    grammar: Grammar
    settings: tuple[Setting[Any], ...] = ()
    is_configuration: bool = False
