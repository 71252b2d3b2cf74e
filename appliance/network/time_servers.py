"""The file that tells the system's clock which time servers DHCP or BOOTP named (timesyncd.conf(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.network import run_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address
    from pathlib import Path

FILE_NAME = "timesyncd.conf"
"""Beside resolv.conf. In the image systemd-timesyncd reads it by a link, and is restarted when it changes."""

HEADER = "# Made by the CMe3000 gateway from what the DHCP server said; changes are lost.\n"


def timesyncd_conf(servers: Sequence[IPv4Address]) -> str:
    """Write the text of the file: `servers`, the first to be asked first."""
    return f"{HEADER}[Time]\nNTP={' '.join(str(server) for server in dict.fromkeys(servers))}\n"


def write(servers: Sequence[IPv4Address], path: Path) -> bool:
    """Write the file in one step, readable by everybody, unless it says the same already; without servers remove it.

    Each change restarts the system's clock service, so what stays the same must leave the file alone.

    :returns: whether anything was changed.
    :raises NetworkError: when it cannot be; the former file stays.
    """
    if not servers:
        return run_file.remove(path)
    return run_file.write(path, timesyncd_conf(servers).encode("ascii"))
