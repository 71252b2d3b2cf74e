"""What the visitor sees when a request cannot be answered as asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, make_response, render_template, request
from werkzeug.exceptions import BadHost, HTTPException

from appliance.web.api.problem import PATH as API
from appliance.web.api.problem import problem
from appliance.web.languages import N_, _

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as AnyResponse

PAGES = {
    400: (N_("Bad request"), N_("The request is not written as it should be.")),
    403: (N_("Not allowed"), N_("This request is not allowed.")),
    404: (N_("No such page"), N_("There is no page of this name. The menu leads to all that there are.")),
    405: (N_("Wrong method"), N_("This page is not asked for in this way.")),
    413: (N_("Too large"), N_("The request is larger than this device takes. HTTP > Configuration sets the limit.")),
    421: (
        N_("Wrong name"),
        N_(
            "This device does not answer to the name in the address bar, for another site may have lent it its own. "
            "Open it by its IP address or its host name. Or enter the name in HTTP > Configuration, Host names "
            "(http.host_names on the console), and it will be taken."
        ),
    ),
    500: (
        N_("Fault in the device"),
        N_("The device could not answer because of a fault of its own; its log has more."),
    ),
}
"""For each status a title and what to do."""

OTHER = (N_("Not possible"), N_("The device cannot answer this request."))


class Refused(HTTPException):
    """A refusal with a sentence of ours, which is marked for the catalogues where it is written."""

    def __init__(self, code: int, sentence: str) -> None:
        """Refuse with status `code`."""
        super().__init__(sentence)
        self.code = code


def error_page(error: HTTPException) -> Response:
    """Make the page for an error; one that only leads elsewhere stays as it is."""
    code = error.code or 500
    answer = error.get_response(request.environ)
    if code < 400:
        return make_response(answer)
    title, text = PAGES.get(code, OTHER)
    if isinstance(error, Refused) and error.description:
        text = error.description
    if request.path.startswith(API):
        page = problem(code, title, text)
        return _with_headers(page, answer)
    # The frame needs a device that tells how it goes, and links need a host that the router understands.
    has_frame = code < 500 and not isinstance(request.routing_exception, BadHost)
    is_admitted = request.environ.get("cme3000.admitted") and has_frame
    page = make_response(
        render_template("error.html" if is_admitted else "bare_error.html", code=code, title=_(title), text=_(text)),
        code,
    )
    return _with_headers(page, answer)


def _with_headers(page: Response, answer: AnyResponse) -> Response:
    for name in ("Allow", "Retry-After"):  # RFC 9110 section 15.5.6 demands the first of a 405
        if name in answer.headers:
            page.headers[name] = answer.headers[name]
    return page


def install(app: Flask) -> None:
    """Have every error of `app` shown so; one that nobody expected as 500, its traceback in the log alone."""
    app.register_error_handler(HTTPException, error_page)
