"""HTTP > Configuration: ports, protocol versions, limits and log of the web server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, request, url_for

from appliance.network.facts import NONE
from appliance.settings import http as declared
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.form import SettingsForm
from appliance.web.form_layout import Beside, in_force_text
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.http.consequences import consequences, mark_of, new_place
from appliance.web.pages.http.log_preview import DIRECTIVES, preview
from appliance.web.pages.http.section import section
from appliance.web.pages.http.server_state import https_trouble, server, state_text
from appliance.web.row import Row

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.web.pages.http.consequences import Consequence

SERVER = (declared.ENABLED, declared.PORT, declared.HTTPS_PORT, declared.HOST_NAMES)
VERSIONS = (declared.TLS_1_2, declared.TLS_1_3)
LIMITS = (declared.MAX_TIMEOUT, declared.MAX_BYTES)
LOG = (declared.LOGGING, declared.MAX_LOG_ENTRIES, declared.LOG_FORMAT)
FIELDS = (*SERVER, *VERSIONS, *LIMITS, *LOG)

CONFIRMED = "confirmed"
"""Name of the button that submits although there are consequences, and its value is the mark of those shown."""

NOT_OFFERED = (
    ("SSL3", N_("Broken: whoever sits between can read it (RFC 7568).")),
    ("TLS 1.0", N_("Too weak: no browser takes it any more (RFC 8996).")),
    ("TLS 1.1", N_("Too weak: no browser takes it any more (RFC 8996).")),
)
"""Versions that the reference device has, and why this one has not."""

SAVED = N_("The settings of the web server are saved and in force.")


@section.get("/http/configuration")
@reads
def configuration() -> Response:
    """Show the form."""
    return _page(SettingsForm(FIELDS))


@section.post("/http/configuration")
@changes(give_back=lambda sentence: _page(SettingsForm.posted(FIELDS, trouble=sentence)))
def change_configuration() -> Response:
    """Save the form. What would shut visitors out, or move the page under their feet, is asked about first."""
    settings = context().device.settings
    form = SettingsForm.posted(FIELDS)
    before, after = settings.running, form.check()
    if after is None:
        return _page(form)
    found = consequences(before, after)
    if found and request.form.get(CONFIRMED) != mark_of(found):
        return _page(form, found)
    place = new_place(before, after)
    if not form.save():
        return _page(form)
    if not after[declared.ENABLED]:
        return make_response(render_template("http/off.html", consequences=found))
    if place:
        # No redirect: a browser does not let a form lead to another origin (CSP Level 3, form-action).
        page = make_response(render_template("http/moved.html", place=place))
        page.headers["Refresh"] = f"2; url={place}"
        return page
    return redirect_with_notice(url_for("http.configuration"), _(SAVED))


@section.post("/http/configuration/preview")
@changes(
    give_back=lambda sentence: _page(SettingsForm.posted(FIELDS, trouble=sentence)),
    before_new_password=True,  # it changes nothing
)
def preview_log() -> Response:
    """Show what a line of the log would look like, with all that was typed."""
    form = SettingsForm.posted(FIELDS)
    form.check()
    return _page(form)


def configuration_rows() -> list[Row]:
    """Give the table of the configuration at work, with the ports that are really listened on."""
    snapshot, trouble = server(), https_trouble()
    is_fine = snapshot.state in ("On (running)", "Off")
    return [
        Row(_("State"), state_text(snapshot.state), is_bad=not is_fine, live="http.state"),
        Row(_("HTTP port"), str(snapshot.http_port or NONE), live="http.http_port"),
        Row(_("HTTPS port"), str(snapshot.https_port or NONE), note=trouble, live="http.https_port"),
        *(Row(name, _("Not available")) for name, _reason in NOT_OFFERED),
        *(
            Row(_(setting.label), in_force_text(setting) or NONE)
            for setting in (*VERSIONS, *LIMITS, *LOG, declared.HOST_NAMES)
        ),
    ]


def _page(form: SettingsForm, found: tuple[Consequence, ...] = ()) -> Response:
    snapshot = server()
    page = render_template(
        "http/configuration.html",
        form=form,
        server=SERVER,
        versions=VERSIONS,
        limits=LIMITS,
        log=LOG,
        not_offered=NOT_OFFERED,
        beside={
            declared.PORT: Beside(current=str(snapshot.http_port or NONE), live="http.http_port"),
            declared.HTTPS_PORT: Beside(
                current=str(snapshot.https_port or NONE), live="http.https_port", note=https_trouble()
            ),
        },
        lacks_certificate=not context().device.certificate.exists,
        rows=configuration_rows(),
        preview=preview(form[declared.LOG_FORMAT].text),
        directives=DIRECTIVES,
        consequences=found,
        confirmed=CONFIRMED,
        mark=mark_of(found),
    )
    return make_response(page, form.status)
