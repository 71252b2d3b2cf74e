"""What every page of one app shares, and what one request has looked up already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app, g

if TYPE_CHECKING:
    from appliance.network.snapshot import NetworkSnapshot
    from appliance.web.device_view import DeviceView
    from appliance.web.form_token import FormTokens
    from appliance.web.languages import Languages
    from appliance.web.menu import Section
    from appliance.web.notice import Notices
    from appliance.web.pending import PendingChanges
    from appliance.web.static_files import StaticFiles

EXTENSION = "cme3000"


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that pages work with."""

    device: DeviceView
    languages: Languages
    tokens: FormTokens
    notices: Notices
    pending: PendingChanges
    """Changes that wait for their visitor to confirm them."""
    static_files: StaticFiles
    sections: tuple[Section, ...]
    asks_new_password: bool
    """Whether nothing may be changed before the factory password is."""

    def network(self) -> NetworkSnapshot:
        """State of the network, looked at once for each request: where it is only observed that takes a while."""
        if "network" not in g:
            g.network = self.device.network_snapshot()
        return cast("NetworkSnapshot", g.network)


def context() -> Context:
    """Give the context of the app that answers."""
    return cast("Context", current_app.extensions[EXTENSION])
