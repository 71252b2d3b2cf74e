"""The second half of a live change."""

from collections.abc import Callable
from typing import NamedTuple

from appliance.settings.values import Values


class Transition(NamedTuple):
    """What a subscriber has made ready: exactly one of the two is called.

    `apply` puts it to use and must not fail; `abandon` undoes the preparation, because another subscriber refused or
    the settings could not be saved.
    """

    apply: Callable[[], None]
    abandon: Callable[[], None]


Prepare = Callable[[Values, Values], Transition | None]
"""Called with the values in force before and after; gives None where nothing is to be done."""
