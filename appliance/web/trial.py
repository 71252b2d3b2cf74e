"""New network settings that wait to be confirmed after the reboot, in words."""

from __future__ import annotations

import time
from math import isinf
from typing import TYPE_CHECKING

from flask import request

from appliance.web.context import context
from appliance.web.languages import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable

ON_TRIAL = N_(
    "New network settings are on trial: in %(duration)s the device goes back to the former ones and reboots, unless "
    "somebody logs in or uses the tunnel."
)
CONFIRMED = N_(
    "New network settings were on trial for another %(duration)s. Your login has confirmed them, and the device "
    "keeps them."
)


def trial_banner(duration: Callable[[float], str]) -> tuple[str, str] | None:
    """Give the kind of the banner and its text; None while nothing is on trial.

    A visitor with a name has logged in, and the gate has told that before the page is made.

    :param duration: writes seconds for a person.
    """
    until = context().device.confirmation.until
    if isinf(until):
        return None
    is_confirmed = bool(request.environ.get("REMOTE_USER"))
    kind, text = ("good", CONFIRMED) if is_confirmed else ("warning", ON_TRIAL)
    return kind, _(text) % {"duration": duration(until - time.monotonic())}
