"""What every request passes before its view is called."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from flask import abort, current_app, make_response, redirect, request, url_for

from appliance.settings import http
from appliance.settings.password import has_factory_password
from appliance.web import languages
from appliance.web.access import HARMLESS_METHODS, rule_of
from appliance.web.api.problem import NEW_PASSWORD_FIRST, problem
from appliance.web.context import context
from appliance.web.error_pages import Refused
from appliance.web.form_token import FIELD, HEADER, Verdict, comes_from_our_pages
from appliance.web.frame import PASSWORD_PAGE
from appliance.web.languages import N_, _

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from appliance.web.access import Rule

log = logging.getLogger(__name__)

ADMITTED = "cme3000.admitted"
"""Key of the WSGI environment: the gate has let the visitor in."""
REFUSED = "cme3000.refused"
"""Key of the WSGI environment: the status with which the request is to be refused, whatever it asks for."""

REQUESTED_WITH = "X-Requested-With"
"""A header that programs send with a change; what it says does not matter."""
NEW_PASSWORD = "the factory password is still in use: replace it on the page /password, or on the console, first"  # noqa: S105 (a sentence)

CROSS_SITE = N_("The request came from a page that is not of this device, so nothing was changed.")
NO_TOKEN = N_("The form was not one of this device for you, so nothing was changed. Open the page again.")
TOO_OLD = N_("The page was open for so long that nothing was changed. Look at what you typed, and submit it again.")


def guard() -> ResponseReturnValue | None:
    """Decide whether the view may be called, from the widest reason to refuse to the narrowest."""
    here = context()
    languages.use(here.languages.choose(request))
    if status := request.environ.get(REFUSED):
        abort(status)
    if not request.environ.get(ADMITTED):
        abort(403)
    # The router adds a slash at the front or drops some, and finds a page under a path that the gate took for another.
    path = request.environ.get("PATH_INFO", "")
    if "//" in path or not path.startswith("/"):
        abort(404)
    if request.routing_exception is not None or request.endpoint is None:
        return None  # Flask raises it
    rule = rule_of(current_app, request.endpoint)
    if rule is None:
        abort(404)
    if request.method in HARMLESS_METHODS:
        return None
    if request.method not in rule.methods:
        abort(404)  # a view that is declared against its own rule: it does not answer, and the log says so
    return _guard_change(rule) if rule.changes else None


def _guard_change(rule: Rule) -> ResponseReturnValue | None:
    here = context()
    if not comes_from_our_pages(request):
        raise Refused(403, CROSS_SITE)
    limits = {path: limit for section in here.sections for path, limit in section.upload_limits.items()}
    request.max_content_length = limits.get(request.path, here.device.settings[http.MAX_BYTES])
    if rule.api:
        return _guard_api_change(rule)
    token = request.headers.get(HEADER) or (rule.fields() if rule.fields else request.form).get(FIELD, "")
    verdict = here.tokens.verdict(token, request.environ.get("REMOTE_USER") or "")
    if verdict is Verdict.FOREIGN:
        raise Refused(403, NO_TOKEN)
    if verdict is Verdict.EXPIRED:
        if rule.give_back is None:
            raise Refused(403, NO_TOKEN)
        page = make_response(rule.give_back(_(TOO_OLD)))
        page.status_code = 403
        return page
    if _asks_new_password(rule):
        return cast("ResponseReturnValue", redirect(url_for(PASSWORD_PAGE), 303))
    return None


def _guard_api_change(rule: Rule) -> ResponseReturnValue | None:
    """Keep other sites out without a token.

    A page of another site can send neither this type of content nor a header of its own choice without asking first
    (Fetch standard, CORS-preflight fetch), and that question is never answered with leave. A form with a file it can
    send, and still not the header. Origin and Sec-Fetch-Site have been looked at before.
    """
    if request.mimetype not in rule.media:
        title = "Not JSON" if rule.media == ("application/json",) else "Not a file"
        return problem(415, title, f"send the header Content-Type: {' or '.join(rule.media)}")
    if not request.headers.get(REQUESTED_WITH):
        return problem(403, "Not allowed", f"send the header {REQUESTED_WITH}, with any text")
    if _asks_new_password(rule):
        return problem(403, "New password first", NEW_PASSWORD, kind=NEW_PASSWORD_FIRST)
    return None


def _asks_new_password(rule: Rule) -> bool:
    here = context()
    return (
        here.asks_new_password
        and not rule.before_new_password
        and has_factory_password(here.device.settings[http.AUTHENTICATION])
    )
