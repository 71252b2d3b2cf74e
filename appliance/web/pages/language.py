"""The visitor's choice of a language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request

from appliance.web.access import changes
from appliance.web.context import context
from appliance.web.error_pages import Refused
from appliance.web.languages import COOKIE, LASTS, N_

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("language", __name__)

UNKNOWN = N_("This device does not speak that language.")


@blueprint.post("/language")
@changes(before_new_password=True)  # of the visitor's browser, not of the device
def choose() -> Response:
    """Keep the choice in a cookie and go back to the page where it was made."""
    code = request.form.get("language", "")
    if code not in context().languages.all:
        raise Refused(400, UNKNOWN)
    answer = redirect(_own_path(request.form.get("here", "")), 303)
    answer.set_cookie(COOKIE, code, max_age=LASTS, httponly=True, samesite="Lax", secure=request.is_secure, path="/")
    return answer


def _own_path(path: str) -> str:
    """Give `path` if it is one of this device, else that of the home page."""
    is_plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_plain else "/"
