"""Names of files that the device hands out."""

from __future__ import annotations

import datetime as dt

from appliance.settings import network
from appliance.web.context import context


def file_name(what: str, suffix: str) -> str:
    """Name a file after the device and the day: ``cme3000-boiler-room-2026-01-31.toml``; `what` may be empty.

    The host name is the configured one, which has only letters, digits and hyphens, whatever a server has given.
    """
    hostname = context().device.settings[network.HOSTNAME]
    day = dt.datetime.now(dt.UTC).date().isoformat()
    return "-".join(part for part in ("cme3000", hostname, what, day) if part) + f".{suffix}"
