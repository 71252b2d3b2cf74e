"""Refuses requests that reached this device under a name that is not its own (DNS rebinding).

A page of a stranger can have its name resolve to this device's address, and a browser then takes both for one site.
The name that the browser asked for is in the Host header; a script cannot change it.
"""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

from appliance.settings import http
from appliance.settings import network as network_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appliance.web.device_view import DeviceView

_HOST = re.compile(r"(?:\[(?P<literal>[A-Za-z0-9:.%_-]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{0,5}))?")
MDNS = "local"
"""RFC 6762, section 3."""

_LONGEST = 260
_LONGEST_LABEL = 63


def name_of(host: str) -> str | None:
    """Take the name or address out of a Host header (RFC 9110 section 7.2), in small letters; None for no such thing.

    Without a dot at the end, and an IPv6 address without brackets and zone.
    """
    parts = _HOST.fullmatch(host) if len(host) <= _LONGEST else None
    if parts is None or int(parts["port"] or 0) > 0xFFFF:
        return None
    if parts["literal"] is not None:
        address = parts["literal"].partition("%")[0]
        return address.lower() if _is_address(address) else None
    name = parts["name"].lower().removesuffix(".")
    return name if all(0 < len(label) <= _LONGEST_LABEL for label in name.split(".")) else None


def is_ours(name: str, *, own_names: Iterable[str], domains: Iterable[str], listed: Iterable[str]) -> bool:
    """Say whether the device may be called `name`, as `name_of` gives it.

    Nobody can make an address, or a name without a dot, resolve to something else; so these always may. Of the
    `own_names` the first label counts, in one of the `domains` or in ``local``: in a domain of his own a stranger could
    enter the name that every device leaves the factory with.
    """
    if _is_address(name) or "." not in name or name in listed:
        return True
    label, _, domain = name.partition(".")
    return label in {own.partition(".")[0].lower() for own in own_names if own} and domain in {
        MDNS,
        *map(_domain, domains),
    }


def _domain(text: str) -> str:
    return text.lower().strip(".")


class HostCheck:
    """Knows the names of the device as they are at the time."""

    def __init__(self, device: DeviceView, *, system_name: Callable[[], str] = socket.gethostname) -> None:
        """Ask `device` for its names, and the system for the one that it goes by."""
        self._device = device
        self._system_name = system_name

    def allows(self, host: str) -> bool:
        """Judge a Host header. A request without one comes from no browser of this century, and passes."""
        if not host:
            return True
        name = name_of(host)
        if name is None:
            return False
        settings = self._device.settings
        listed = settings[http.HOST_NAMES]
        # What costs most is looked at last: for a request by address nothing is.
        return is_ours(name, own_names=(), domains=(), listed=listed) or self._is_ours(name)

    def _is_ours(self, name: str) -> bool:
        current = self._device.network_snapshot().current
        configured = self._device.settings[network_settings.DOMAIN] or ""
        domains = (configured, current.domain.value, *current.search.value.split())
        return is_ours(name, own_names=self._own_names(), domains=[domain for domain in domains if domain], listed=())

    def _own_names(self) -> tuple[str, ...]:
        device = self._device
        settings, announcer = device.settings, device.announcer
        return (
            settings[network_settings.HOSTNAME],
            device.network_snapshot().current.hostname.value,
            announcer.snapshot().name if announcer is not None else "",
            self._system_name(),
        )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
