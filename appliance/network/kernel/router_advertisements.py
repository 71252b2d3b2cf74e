"""IPv6 of the interface: the link-local address stays, and routers give it nothing else."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)

PROC_SYS_IPV6 = Path("/proc/sys/net/ipv6/conf")
"""The kernel's IPv6 settings, a folder for each interface of the calling thread's network namespace. Unlike those of
IPv4 they cannot be changed over netlink."""


def keep_link_local_alone(name: str, *, has_ipv6: bool, accepts_advertisements: bool) -> None:
    """Switch IPv6 on where it is off, and make it ignore router advertisements where it does not.

    Where /proc/sys cannot be written (the service sees it read-only) all stays as it is, as the image has set it; the
    interface's state says how that is.
    """
    if accepts_advertisements:
        _write(name, "accept_ra", 0)
    if not has_ipv6:
        _write(name, "disable_ipv6", 0)


def _write(name: str, setting: str, value: int) -> None:
    try:
        (PROC_SYS_IPV6 / name / setting).write_text(f"{value}\n")
    except OSError as error:
        log.debug("%s of %s stays as it is: %s", setting, name, error.strerror)
