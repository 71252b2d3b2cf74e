"""Which of the system's network interfaces is the appliance's."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import InvalidValue, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

SYS_CLASS_NET = Path("/sys/class/net")
"""Where the kernel shows its interfaces, a folder each (Linux, Documentation/ABI/testing/sysfs-class-net)."""

LONGEST_NAME = 15
"""Octets of an interface's name (IFNAMSIZ less the final zero)."""

PREFERRED = ("eth0", "end0")
"""Names of the built-in port of a Raspberry Pi: the kernel's own, and that of newer systems."""

ARPHRD_ETHER = "1"

OF_OTHERS = ("wireless", "phy80211", "bridge", "tun_flags")
"""What the folder of an interface has when it looks like Ethernet and is something else."""


def check_name(name: str) -> str:
    """Give back `name` if an interface can be called so.

    :raises InvalidValue: when the kernel would refuse it (``dev_valid_name``); what is left cannot leave its folder.
    """
    octets = len(name.encode("utf-8", "surrogateescape"))
    if not name or octets > LONGEST_NAME:
        raise InvalidValue(f"{quoted(name)}: the name of an interface has 1 to {LONGEST_NAME} characters")
    if name in {".", ".."} or any(character in "/:\0" or character.isspace() for character in name):
        raise InvalidValue(f"{quoted(name)}: the name of an interface has no blank, slash or colon")
    return name


def is_wired_ethernet(name: str, sys_class_net: Path = SYS_CLASS_NET) -> bool:
    """Whether `name` is an Ethernet port with hardware behind it: no bridge, tunnel, pair in software or WLAN."""
    folder = sys_class_net / name
    try:
        is_ethernet = (folder / "type").read_text().strip() == ARPHRD_ETHER
    except OSError:  # gone in this moment
        return False
    return is_ethernet and (folder / "device").exists() and not any((folder / other).exists() for other in OF_OTHERS)


def choose_interface(
    present: Iterable[str], name: str | None = None, sys_class_net: Path = SYS_CLASS_NET
) -> str | None:
    """Choose among the names of the interfaces that are `present` as `find_interface` does."""
    if name is not None:
        return name if name in present else None
    # The order of the names decides, and not that of appearance: the same port at every start.
    ranked = sorted(
        present, key=lambda other: (PREFERRED.index(other) if other in PREFERRED else len(PREFERRED), other)
    )
    return next((other for other in ranked if is_wired_ethernet(other, sys_class_net)), None)


def find_interface(name: str | None = None, sys_class_net: Path = SYS_CLASS_NET) -> str | None:
    """Find the appliance's Ethernet interface.

    :param name: take this one, whatever its kind; else the first wired Ethernet port: eth0, end0, or by name.
    :returns: its name; `None` while there is none.
    :raises InvalidValue: when `name` cannot be the name of an interface.
    """
    if name is not None:
        check_name(name)
    present: list[str] = []
    with contextlib.suppress(OSError):
        present = [entry.name for entry in sys_class_net.iterdir() if entry.is_dir()]
    return choose_interface(present, name, sys_class_net)
