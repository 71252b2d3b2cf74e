"""What the system has, read without changing anything: for observation, and to check the kernel's own answers against.

By netifaces (PyPI's netifaces-plus), sysfs and resolv.conf. Netlink, by which the appliance sets things, is not asked,
so that a mistake there does not vouch for itself.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.network.interface import SYS_CLASS_NET, check_name
from appliance.settings.link import Duplex
from appliance.settings.types import DomainName

if TYPE_CHECKING:
    from collections.abc import Iterator

RESOLV_CONF = Path("/etc/resolv.conf")

LONGEST_FILE = 1 << 16
"""Octets that are read of resolv.conf; a real one has some hundred."""

MOST_SERVERS = 3
"""Name servers that a resolver reads (MAXNS)."""

MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", re.ASCII)

NAME = DomainName()


@dataclass(frozen=True, slots=True)
class SystemView:
    """One interface, the default gateway and the name servers at one moment."""

    interface: str
    is_present: bool = False
    mac: str | None = None
    addresses: tuple[IPv4Interface, ...] = ()
    """IPv4, in the kernel's order."""
    gateway: IPv4Address | None = None
    """The default gateway by way of this interface. Without a metric before one with; netifaces knows no more of their
    order, and takes tables of policy routing for the main one."""
    name_servers: tuple[IPv4Address, ...] = ()
    """Those of IPv4 that the resolver asks."""
    search: tuple[str, ...] = ()
    speed: int | None = None
    """Mbit/s of the link; `None` without a link, or when the driver does not say."""
    duplex: Duplex | None = None


def read(interface: str, *, sys_class_net: Path = SYS_CLASS_NET, resolv_conf: Path = RESOLV_CONF) -> SystemView:
    """Look at the system. Never fails because of what is missing or odd there: that is `None` or left out.

    Addresses and gateway are those of the calling thread's network namespace.

    :raises InvalidValue: when no interface can be called `interface`.
    """
    check_name(interface)
    families = _families(interface)
    servers, search = read_resolv_conf(resolv_conf)
    folder = sys_class_net / interface
    return SystemView(
        interface=interface,
        is_present=families is not None,
        mac=_mac(families or {}),
        addresses=tuple(_addresses(families or {})),
        gateway=_gateway(interface),
        name_servers=servers,
        search=search,
        speed=_speed(folder),
        duplex=_duplex(folder),
    )


def read_resolv_conf(path: Path = RESOLV_CONF) -> tuple[tuple[IPv4Address, ...], tuple[str, ...]]:
    """Give the IPv4 name servers and the search list of a resolv.conf; what it says otherwise is passed over."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_FILE).decode("ascii", "replace")
    except OSError:
        return (), ()
    servers: list[IPv4Address | None] = []
    search: tuple[str, ...] = ()
    for line in text.split("\n"):
        words = re.split(r"[#;]", line, maxsplit=1)[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            server = None
            with contextlib.suppress(ValueError):
                server = IPv4Address(words[1])
            # One of IPv6 takes one of the places too.
            servers.append(server)
        elif words[0] in {"search", "domain"}:
            # The last such line rules.
            search = tuple(_names(words[1:] if words[0] == "search" else words[1:2]))
    return tuple(server for server in servers[:MOST_SERVERS] if server is not None), search


def _names(words: list[str]) -> Iterator[str]:
    for word in words:
        with contextlib.suppress(ValueError):
            name = NAME.parse(word.removesuffix("."))
            if name:
                yield name


def _families(interface: str) -> dict[int, Any] | None:
    # Imported at the first use: nothing before it needs it.
    import netifaces

    try:
        families: dict[int, Any] = netifaces.ifaddresses(interface)
    except (ValueError, OSError):  # no such interface
        return None
    return families


def _mac(families: dict[int, Any]) -> str | None:
    import netifaces

    for entry in families.get(netifaces.AF_LINK, ()):
        mac = str(entry.get("addr", "")).lower()
        if MAC.fullmatch(mac):
            return mac
    return None


def _addresses(families: dict[int, Any]) -> Iterator[IPv4Interface]:
    import netifaces

    for entry in families.get(netifaces.AF_INET, ()):
        with contextlib.suppress(KeyError, ValueError):
            yield IPv4Interface((entry["addr"], entry.get("netmask", "255.255.255.255")))


def _gateway(interface: str) -> IPv4Address | None:
    import netifaces

    try:
        gateways: Any = netifaces.gateways().get(netifaces.AF_INET, ())
    except OSError:
        return None
    # The first that netifaces takes for the one in force; a route with a metric, as ours is, never counts as that.
    for address, name, *_ in sorted(gateways, key=lambda entry: not entry[2]):
        if name == interface:
            with contextlib.suppress(ValueError):
                return IPv4Address(address)
    return None


def _speed(folder: Path) -> int | None:
    text = _line(folder / "speed")
    speed = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return speed or None


def _duplex(folder: Path) -> Duplex | None:
    text = _line(folder / "duplex")
    return Duplex(text) if text in (Duplex.HALF, Duplex.FULL) else None


def _line(path: Path) -> str:
    try:  # EINVAL: the port is switched off, or its driver does not say
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
