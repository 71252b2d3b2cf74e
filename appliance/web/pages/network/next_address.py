"""Where the device will be found after the reboot, when that is not where it is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request

from appliance.network.configuration import Method, NetworkConfiguration
from appliance.settings import network as declared
from appliance.web.context import context
from appliance.web.languages import _, ngettext

if TYPE_CHECKING:
    from appliance.settings import Values


@dataclass(frozen=True, slots=True)
class NextAddress:
    """What to tell somebody whose page is about to move."""

    text: str
    url: str
    warning: str
    """What happens to one who does not follow; empty for nothing."""


def next_address() -> NextAddress | None:
    """Give the address after the reboot; None where the reboot does not change it or the network is not ours."""
    here = context()
    settings = here.device.settings
    after = settings.after_reboot
    configuration = NetworkConfiguration.of(after)
    if not here.network().is_managed or _origin(after) == _origin(settings.in_force):
        return None
    minutes = settings[declared.CONFIRM_MINUTES]
    warning = (
        ngettext(
            "Log in there, or use the tunnel, within %(num)d minute: else the device goes back to its present "
            "settings.",
            "Log in there, or use the tunnel, within %(num)d minutes: else the device goes back to its present "
            "settings.",
            minutes,
        )
        % {"num": minutes}
        if minutes
        else ""
    )
    if configuration.method is Method.STATIC and configuration.address is not None:
        return NextAddress(_("After the reboot this page is found at:"), _url(str(configuration.address.ip)), warning)
    text = (
        _("After the reboot a server gives the address. By its name the device is found at:")
        if configuration.method.asks_a_server
        else _("After the reboot the device chooses an address of 169.254.0.0/16. By its name it is found at:")
    )
    return NextAddress(text, _url(f"{configuration.hostname}.local"), warning)


def _origin(values: Values) -> tuple[object, ...]:
    """Give what decides on the address."""
    configuration = NetworkConfiguration.of(values)
    return configuration.method, configuration.address if configuration.method is Method.STATIC else None


def _url(host: str) -> str:
    """Write the URL under which this visitor would find the home page on `host`: by his own scheme and port."""
    port = urlsplit(request.host_url).port
    return f"{request.scheme}://{host}{f':{port}' if port is not None else ''}/"
