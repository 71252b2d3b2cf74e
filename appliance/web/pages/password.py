"""The step that replaces the factory password, before anything else may be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template, request

from appliance.errors import InvalidSettings, InvalidValue, SaveFailed
from appliance.settings import http
from appliance.settings.password import FACTORY_LOGIN, check_new_password, has_factory_password, replace_password
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("password", __name__)

NEW = "new"
AGAIN = "again"
DONE = N_("The new password is set.")
NOT_NEEDED = N_("The factory password was no longer in use, so nothing was changed.")
NOT_THE_SAME = N_("This is not the same as above; type both again.")


def _page(*, status: int = 200, trouble: str = "", new_error: str = "", again_error: str = "") -> Response:
    settings = context().device.settings
    page = render_template(
        "password.html",
        is_needed=has_factory_password(settings[http.AUTHENTICATION]),
        name=FACTORY_LOGIN,
        trouble=trouble,
        new_error=new_error,
        again_error=again_error,
    )
    return make_response(page, status)


@blueprint.get("/password")
@reads
def show() -> Response:
    """Show the form."""
    return _page()


@blueprint.post("/password")
@changes(give_back=lambda sentence: _page(trouble=sentence), before_new_password=True)
def replace() -> Response:
    """Replace the factory password wherever it stands; every browser must then log in anew."""
    settings = context().device.settings
    directives = settings[http.AUTHENTICATION]
    new, again = request.form.get(NEW, ""), request.form.get(AGAIN, "")
    # Else any visitor could set a password that is its owner's by now.
    if not has_factory_password(directives):
        return redirect_with_notice("/", _(NOT_NEEDED))
    try:
        check_new_password(new, name=FACTORY_LOGIN)
    except InvalidValue as error:
        return _page(status=400, new_error=_(str(error)))
    if new != again:
        return _page(status=400, again_error=_(NOT_THE_SAME))
    renewed = replace_password(directives, FACTORY_LOGIN, new)
    try:
        settings.set({http.AUTHENTICATION.name: http.AUTHENTICATION.type.format(renewed)}, save=True)
    except SaveFailed as error:
        return _page(status=500, trouble=str(error))
    except InvalidSettings as error:  # some part of the device refuses
        return _page(status=400, trouble=str(error))
    return redirect_with_notice("/", _(DONE))
