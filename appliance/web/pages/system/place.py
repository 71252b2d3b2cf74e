"""Where the visitor will find the device after a reboot."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from flask import request

from appliance.network.configuration import Method, NetworkConfiguration
from appliance.settings import http
from appliance.web.context import context
from appliance.web.host_check import name_of
from appliance.web.languages import N_, _

if TYPE_CHECKING:
    from appliance.settings import Setting, Values

SAME = N_("The device will be found where it is now:")
STATIC = N_("The device will be found at its new address:")
BY_SERVER = N_("A server will give the device its address. By its name it will be found at:")
BY_ITSELF = N_("The device will choose an address of 169.254.0.0/16. By its name it will be found at:")
OTHER_PORT = N_("The address stays, and the pages move to:")

STANDARD = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """A URL, and how sure it is."""

    text: str
    """What to say in front of it, in the visitor's language."""
    url: str
    is_elsewhere: bool
    """Whether the pages of now cannot ask there: it is another address or port."""
    can_be_followed: bool
    """Whether this visitor's browser would get there without any change of his own network."""


def place_after(values: Values, *, keeps_certificate: bool = True, own: int | None = None) -> Place:
    """Say where the device will be found when it has begun anew with `values`.

    :param keeps_certificate: without one there will be no HTTPS to come back to.
    :param own: the port on which this request was taken, where it may have moved since.
    """
    before = context().device.settings.in_force
    host, text, is_near = _host(before, values)
    has_tls = keeps_certificate and (values[http.TLS_1_2] or values[http.TLS_1_3])
    scheme = request.scheme if has_tls else "http"
    port = _port(scheme, values, own or own_port())
    url = f"{scheme}://{host}{'' if port == STANDARD[scheme] else f':{port}'}/"
    is_elsewhere = url != _here()
    if is_elsewhere and text == SAME:
        text = OTHER_PORT
    return Place(_(text), url, is_elsewhere, can_be_followed=is_near)


def own_port() -> int | None:
    """Give the port on which the device takes requests such as this one; None where nobody knows."""
    server = context().device.http
    if server is None:
        return None
    snapshot = server.snapshot()
    return snapshot.https_port if request.scheme == "https" else snapshot.http_port


def expected(values: Values, setting: Setting[int]) -> int:
    """Give the value with which the device will start: a value of the command line is asked for again."""
    settings = context().device.settings
    is_saved = setting.name not in {change.name for change in settings.unsaved}
    return settings.running[setting] if values is settings.after_reboot and is_saved else values[setting]


def _host(before: Values, after: Values) -> tuple[str, str, bool]:
    """Give the host, what to say of it, and whether the visitor's browser gets there from where it is."""
    host = _host_of_request()
    current, new = NetworkConfiguration.of(before), NetworkConfiguration.of(after)
    is_same = new.method is current.method and (new.method is not Method.STATIC or new.address == current.address)
    if not context().network().is_managed or _is_found_again(host, is_same, new.hostname == current.hostname):
        return _bracketed(host), SAME, True
    if new.method is Method.STATIC and new.address is not None:
        return str(new.address.ip), STATIC, _visitor() in new.address.network
    return f"{new.hostname.lower()}.local", BY_SERVER if new.method.asks_a_server else BY_ITSELF, False


def _is_found_again(host: str, keeps_address: bool, keeps_name: bool) -> bool:
    """Say whether the name or address that the visitor has used will do after the reboot too."""
    try:
        address = ip_address(host)
    except ValueError:
        # A name of multicast DNS follows the device; one that a server keeps leads to the address of now.
        return host == "localhost" or (keeps_name if host.endswith(".local") else keeps_address)
    # Another address than the device's own is that of a router before it, or of the machine on which it runs.
    return keeps_address or str(address) != context().network().current.address.value


def _port(scheme: str, after: Values, own: int | None) -> int:
    """Give the port. One that a router has changed on the way to `own` stays, and so does any free one (0)."""
    configured = expected(after, http.HTTPS_PORT if scheme == "https" else http.PORT)
    used = _port_of_request()
    if not configured or (scheme == request.scheme and used != own):
        return used
    return configured


def _host_of_request() -> str:
    return name_of(request.host) or "localhost"


def _port_of_request() -> int:
    port = request.host.rpartition(":")[2]
    return int(port) if port.isdecimal() and not request.host.endswith("]") else STANDARD[request.scheme]


def _here() -> str:
    port = _port_of_request()
    host = _bracketed(_host_of_request())
    return f"{request.scheme}://{host}{'' if port == STANDARD[request.scheme] else f':{port}'}/"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _visitor() -> IPv4Address | IPv6Address:
    try:
        return ip_address(request.remote_addr or "")
    except ValueError:
        return ip_address("::")
