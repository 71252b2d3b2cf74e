"""Puts the web interface together: the Flask app behind its gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.httpd.authentication.gate import Gate
from appliance.web.app import create_app
from appliance.web.gated import GatedApplication
from appliance.web.refusal_words import RefusalWords

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.web.device_view import DeviceView


def assemble(
    device: DeviceView,
    *,
    https_port: Callable[[], int | None],
    on_login: Callable[[str], None],
    asks_new_password: bool,
) -> GatedApplication:
    """Make what the web server serves.

    :param https_port: the port on which HTTPS is served now, None when it is not.
    :param on_login: called with the name of a user who has logged in.
    :param asks_new_password: whether the factory password must be replaced before anything else can be changed.
    """
    app = create_app(device, asks_new_password=asks_new_password)
    gate = Gate(app, device.settings, https_port=https_port, on_login=on_login, words=RefusalWords(app))
    return GatedApplication(app, gate)
