"""Network > Interface > Configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import make_response, render_template, url_for

from appliance.network.configuration import Method, method_of
from appliance.settings import network as declared
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.form import SettingsForm
from appliance.web.form_layout import Beside, Group
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.network.next_address import next_address
from appliance.web.pages.network.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.settings import Setting

FIELDS = (
    declared.BOOTP,
    declared.DHCP,
    declared.ADDRESS,
    declared.GATEWAY,
    declared.HOSTNAME,
    declared.DOMAIN,
    declared.DHCP_CLIENT_ID,
    declared.DNS1,
    declared.DNS2,
)
ADDITIONS = (declared.ADDRESS_CHECK, declared.CONFIRM_MINUTES)
OVERRIDDEN = (declared.ADDRESS, declared.GATEWAY, declared.HOSTNAME, declared.DOMAIN)
"""What a server supplies in place of what is configured."""

SAVED = N_("The network settings are saved.")


@section.get("/network/interface/configuration")
@reads
def interface_configuration() -> Response:
    """Show the form."""
    return _page(SettingsForm((*FIELDS, *ADDITIONS)))


@section.post("/network/interface/configuration")
@changes(give_back=lambda sentence: _page(SettingsForm.posted((*FIELDS, *ADDITIONS), trouble=sentence)))
def change_interface() -> Response:
    """Save the form."""
    form = SettingsForm.posted((*FIELDS, *ADDITIONS))
    if not form.save():
        return _page(form)
    return redirect_with_notice(url_for("network.interface_configuration"), _(SAVED))


def notes() -> dict[Setting[Any], Beside]:
    """Say of each field that a server overrides that it does so, now or after the reboot."""
    settings = context().device.settings
    configured, in_force = method_of(settings.running), method_of(settings.in_force)
    text = ""
    if configured.asks_a_server:
        text = _("Not used while %(method)s is on: the server's is.") % {"method": configured}
    elif in_force.asks_a_server:
        text = _("Not used before the reboot: %(method)s is still on.") % {"method": in_force}
    found: dict[Setting[Any], Beside] = {setting: Beside(note=text) for setting in OVERRIDDEN if text}
    if settings.running[declared.BOOTP] and configured is Method.DHCP:
        found[declared.BOOTP] = Beside(note=_("Not used while %(method)s is on.") % {"method": configured})
    return found


def _page(form: SettingsForm) -> Response:
    page = render_template(
        "network/interface_configuration.html",
        form=form,
        groups=(Group("", FIELDS), Group(_("Additions"), ADDITIONS)),
        beside=notes(),
        is_managed=context().network().is_managed,
        next_address=next_address(),
    )
    return make_response(page, form.status)
