"""Meters > MQTT: where readings are sent, and how that goes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask import make_response, render_template, url_for

from appliance.network.facts import NONE
from appliance.settings import mqtt as declared
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.form import SettingsForm
from appliance.web.form_layout import Beside, Group
from appliance.web.languages import N_, _
from appliance.web.mqtt_words import mqtt_text
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.meters.section import section
from appliance.web.row import Row

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.publishing.snapshot import PublisherSnapshot
    from appliance.settings import Setting

BROKER = (declared.ENABLED, declared.HOST, declared.PORT, declared.USER, declared.PASSWORD, declared.CLIENT_ID)
SECURITY = (declared.TLS, declared.VERIFY, declared.CA)
MESSAGES = (declared.PREFIX, declared.RETAIN, declared.HOME_ASSISTANT, declared.DISCOVERY_PREFIX)
FIELDS = (*BROKER, *SECURITY, *MESSAGES)

SAVED = N_("The settings are saved and in force.")
NOT_VERIFIED = N_(
    "The broker's certificate is not verified: anybody between this device and the broker can read the password and "
    "the readings, and pretend to be the broker."
)
IN_THE_CLEAR = N_("The password is sent without encryption.")


@section.get("/meters/mqtt")
@reads
def mqtt() -> Response:
    """Show the state, and the form."""
    return _page(SettingsForm(FIELDS))


@section.post("/meters/mqtt")
@changes(give_back=lambda sentence: _page(SettingsForm.posted(FIELDS, trouble=sentence)))
def save_mqtt() -> Response:
    """Save the form."""
    form = SettingsForm.posted(FIELDS)
    if not form.save():
        return _page(form)
    return redirect_with_notice(url_for("meters.mqtt"), _(SAVED))


def state_rows(state: PublisherSnapshot) -> list[Row]:
    """Say how it goes."""
    if not state.is_enabled:
        return [Row(_("State"), _("Disabled"))]
    since = _("since %(time)s") % {"time": _time(state.since)} if state.since is not None else ""
    rows = [
        Row(_("State"), _("Connected") if state.is_connected else _("Not connected"), note=since),
        Row(_("Broker"), state.broker or NONE),
        Row(_("Published"), str(state.published)),
        Row(_("Waiting"), str(state.waiting)),
        Row(_("Skipped"), str(state.skipped), is_bad=bool(state.skipped)),
    ]
    if state.error:
        rows.insert(1, Row(_("Last error"), mqtt_text(state.error), is_bad=True))
    if state.note:
        rows.append(Row(_("Trouble"), mqtt_text(state.note), is_bad=True))
    return rows


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _page(form: SettingsForm) -> Response:
    in_force = context().device.settings.in_force
    has_password, is_secure = bool(in_force[declared.PASSWORD]), in_force[declared.TLS]
    beside: dict[Setting[Any], Beside] = {
        declared.PASSWORD: Beside(current=_("set") if has_password else _("none")),
        declared.CLIENT_ID: Beside(note="" if in_force[declared.CLIENT_ID] else _("Made of the serial number.")),
    }
    if has_password and in_force[declared.USER] and not is_secure:
        beside[declared.TLS] = Beside(note=_(IN_THE_CLEAR))
    page = render_template(
        "meters/mqtt.html",
        form=form,
        groups=(
            Group(_("Broker"), BROKER),
            Group(_("Encryption"), SECURITY),
            Group(_("Messages"), MESSAGES),
        ),
        beside=beside,
        rows=state_rows(context().device.publisher.snapshot()),
        warning=_(NOT_VERIFIED) if is_secure and not in_force[declared.VERIFY] else "",
    )
    return make_response(page, form.status)
