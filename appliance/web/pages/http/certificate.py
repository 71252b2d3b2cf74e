"""HTTP > Certificate: what HTTPS needs, and the TLS port of the tunnel too."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Response, abort, make_response, render_template, request, url_for

from appliance.errors import CertificateError
from appliance.httpd.authentication.ways_in import loses_last_way_in
from appliance.settings import http, tunnel
from appliance.settings import network as network_settings
from appliance.web.access import changes, reads
from appliance.web.certificate_words import sentence_of
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.http.consequences import Consequence
from appliance.web.pages.http.section import INSTALL_PATH, section
from appliance.web.pages.http.server_state import https_trouble, server, serves_https, url_on
from appliance.web.row import Row

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from appliance.certificate import CertificateFacts

NAMES, CONSENT = "names", "consent"
CERTIFICATE, KEY, PASSPHRASE = "certificate", "key", "passphrase"
TEXT = "_text"
"""End of the name of a field with pasted text, beside that of the file."""
REQUEST_FILE = "certificate-request.pem"

MADE = N_("The certificate is made and in use.")
INSTALLED = N_("The certificate is installed and in use.")
REMOVED = N_("The certificate is removed.")
TICK_IT = N_("Nothing was changed: tick the box first.")


@dataclass(slots=True)
class CertificateForms:
    """What is wrong in which of the forms, and the names that were typed."""

    errors: dict[str, str] = field(default_factory=dict)
    """By form, `generate`, `request` or `install`, in the visitor's language."""
    consent_errors: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    certificate_text: str = ""
    trouble: str = ""
    status: int = 200


@section.get("/http/certificate")
@reads
def certificate() -> AnyResponse:
    """Show the certificate, and what can be done about it."""
    return _page(CertificateForms())


@section.post("/http/certificate/generate")
@changes(give_back=lambda sentence: _page(_posted("generate", trouble=sentence)))
def generate() -> AnyResponse:
    """Make a self-signed certificate and use it."""
    forms = _posted("generate")
    if context().device.certificate.exists and not request.form.get(CONSENT):
        return _refused(forms, "generate")
    try:
        context().device.certificate.generate(_names())
    except CertificateError as error:
        return _refused(forms, "generate", error)
    return redirect_with_notice(url_for("http.certificate"), _(MADE))


@section.post("/http/certificate/request")
@changes(give_back=lambda sentence: _page(_posted("request", trouble=sentence)))
def make_request() -> AnyResponse:
    """Make a key that stays here, and give the request for its certificate as a file."""
    forms = _posted("request")
    if context().device.certificate.pending_request is not None and not request.form.get(CONSENT):
        return _refused(forms, "request")
    try:
        return _download(context().device.certificate.request(_names()))
    except CertificateError as error:
        return _refused(forms, "request", error)


@section.get("/http/certificate/request")
@reads
def download_request() -> Response:
    """Give the open request once more."""
    pending = context().device.certificate.pending_request
    if pending is None:
        abort(404)
    return _download(pending)


@section.post(INSTALL_PATH)
@changes(give_back=lambda sentence: _page(_posted("install", trouble=sentence)))
def install() -> AnyResponse:
    """Use a certificate that somebody brings."""
    try:
        context().device.certificate.install(
            _brought(CERTIFICATE), _brought(KEY) or None, request.form.get(PASSPHRASE) or None
        )
    except CertificateError as error:
        return _refused(_posted("install"), "install", error)
    return redirect_with_notice(url_for("http.certificate"), _(INSTALLED))


@section.get("/http/certificate/remove")
@reads
def ask_to_remove() -> AnyResponse:
    """Ask first, for HTTPS ends with it."""
    return _removal_page()


@section.post("/http/certificate/remove")
@changes
def remove() -> AnyResponse:
    """Forget certificate, keys and request."""
    here = context().device
    place = _place_without_https()
    try:
        here.certificate.remove()
    except CertificateError as error:
        return _removal_page(sentence_of(str(error)), 500)
    if place and server().https_port is None:
        page = make_response(render_template("http/moved.html", place=place))
        page.headers["Refresh"] = f"2; url={place}"  # as after a change of the port
        return page
    return redirect_with_notice(url_for("http.certificate"), _(REMOVED))


def certificate_rows(facts: CertificateFacts) -> list[Row]:
    """Say what is in the certificate."""
    form = "%Y-%m-%d %H:%M:%S UTC"
    return [
        Row(_("Subject"), facts.subject or _("none")),
        Row(_("Issuer"), facts.issuer or _("none"), note=_("self-signed") if facts.is_self_signed else ""),
        Row(_("Names"), ", ".join(facts.names) or _("none"), is_bad=not facts.names),
        Row(_("Valid from"), facts.not_before.strftime(form)),
        Row(_("Valid until"), facts.not_after.strftime(form)),
        Row(_("Key"), facts.key),
        Row(_("SHA-256 fingerprint"), facts.sha256),
        Row(_("SHA-1 fingerprint"), facts.sha1),
    ]


def proposed_names() -> list[str]:
    """Give what this device is called now, and what this visitor calls it."""
    here = context()
    settings, facts = here.device.settings, here.network().current
    hostname = facts.hostname.value or settings[network_settings.HOSTNAME]
    domain = facts.domain.value
    asked = urlsplit(request.host_url).hostname or ""
    names = [
        hostname,
        f"{hostname}.local",
        f"{hostname}.{domain}" if domain else "",
        facts.address.value,
        *settings[http.HOST_NAMES],
        "" if _is_own_loopback(asked) else asked,
    ]
    return [name for name in dict.fromkeys(names) if name]


def removal_consequences() -> tuple[Consequence, ...]:
    """Say what ends with the certificate."""
    settings = context().device.settings
    if settings[tunnel.TLS_PORT] and settings[tunnel.ACCEPT_MODE] is not tunnel.AcceptMode.DISABLED:
        text = _(
            "The tunnel has a TLS port, so a new self-signed certificate is made at once. Clients that trusted the "
            "present one will complain."
        )
        return (Consequence(text),)
    found = [
        Consequence(_("The key is deleted, also that of an open request. Nobody can bring it back.")),
        Consequence(_("HTTPS ends at once, and these pages are only found without encryption:"), _plain_place()),
    ]
    directives = settings[http.AUTHENTICATION]
    sentence = loses_last_way_in(
        directives, directives, https_before=serves_https(settings.in_force), https_after=False
    )
    if sentence is not None:
        found.append(Consequence(_(sentence)))
    return tuple(found)


def _plain_place() -> str:
    port = server().http_port or context().device.settings[http.PORT]
    return url_on("http", port, url_for("http.certificate"))


def _place_without_https() -> str:
    """Give where this page is found when HTTPS ends; empty for one who does not use it."""
    return _plain_place() if request.is_secure else ""


def _is_own_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _names() -> list[str]:
    return request.form.get(NAMES, "").replace(",", " ").split()


def _brought(name: str) -> bytes:
    """Give a file that was chosen, else what was pasted."""
    file = request.files.get(name)
    content = file.read() if file is not None else b""
    return content or request.form.get(f"{name}{TEXT}", "").encode("utf-8", "replace")


def _download(pem: str) -> Response:
    answer = Response(pem, content_type="application/x-pem-file")
    answer.headers["Content-Disposition"] = f'attachment; filename="{REQUEST_FILE}"'
    return answer


def _posted(form: str, *, trouble: str = "") -> CertificateForms:
    """Keep what was typed into one of the forms; keys and passphrases are typed again."""
    forms = CertificateForms(trouble=trouble)
    if NAMES in request.form:
        forms.names[form] = request.form[NAMES]
    forms.certificate_text = request.form.get(f"{CERTIFICATE}{TEXT}", "")
    return forms


def _refused(forms: CertificateForms, form: str, error: CertificateError | None = None) -> AnyResponse:
    """Show why a form was refused; without an error it was for want of the tick."""
    forms.status = 400
    if error is None:
        forms.consent_errors[form] = _(TICK_IT)
    else:
        forms.errors[form] = sentence_of(str(error))
    return _page(forms)


def _page(forms: CertificateForms) -> AnyResponse:
    own = context().device.certificate
    facts = own.facts()
    page = render_template(
        "http/certificate.html",
        forms=forms,
        exists=own.exists,
        rows=certificate_rows(facts) if facts is not None else [],
        warnings=[sentence_of(warning) for warning in facts.warnings] if facts is not None else [],
        problem=sentence_of(own.problem) if own.problem else "",
        https_trouble=https_trouble(),
        https_url=url_on("https", server().https_port or 443, url_for("http.certificate")),
        names=", ".join(proposed_names()),
        pending=own.pending_request or "",
        is_secure=request.is_secure,
    )
    return make_response(page, forms.status)


def _removal_page(trouble: str = "", status: int = 200) -> AnyResponse:
    page = render_template("http/remove_certificate.html", consequences=removal_consequences(), trouble=trouble)
    return make_response(page, status)
