"""The web interface as one Flask app: what holds for every page is put together here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from jinja2 import BytecodeCache, StrictUndefined

from appliance.web import access, error_pages, languages
from appliance.web.context import EXTENSION, Context
from appliance.web.form_token import FormTokens
from appliance.web.frame import frame
from appliance.web.guard import guard
from appliance.web.headers import harden
from appliance.web.languages import Languages
from appliance.web.notice import Notices
from appliance.web.pages import PAGES, SECTIONS
from appliance.web.pending import PendingChanges
from appliance.web.static_files import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jinja2.bccache import Bucket

    from appliance.web.device_view import DeviceView
    from appliance.web.menu import Section

MOST_FORM_PARTS = 200
"""Fields of a form; the largest of ours has a tenth of that."""
LARGEST_FORM = 1_048_576
"""Bytes of all fields together, the highest that *Max bytes* can be set to."""

_HERE = Path(__file__).parent


class _Compiled(BytecodeCache):
    """Keeps compiled templates for as long as the program runs: an app that is built anew is there at once."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was kept, if it is of this source."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._code[bucket.key] = bucket.bytecode_to_string()


_compiled = _Compiled()


class Page(Response):
    """An answer whose text may have come from anywhere: a file name of bytes that are no UTF-8 is no fault."""

    def set_data(self, value: bytes | str) -> None:
        """Take the body; what UTF-8 cannot say becomes a question mark."""
        super().set_data(value.encode("utf-8", "replace") if isinstance(value, str) else value)


class WebApp(Flask):
    """Flask, with every template escaped, whatever its name ends in."""

    response_class = Page

    def select_jinja_autoescape(self, filename: str | None) -> bool:  # noqa: ARG002 (that is the point)
        """Escape always."""
        return True


def create_app(
    device: DeviceView,
    *,
    asks_new_password: bool = True,
    sections: Iterable[Section] = SECTIONS,
    clock: Callable[[], float] = time.monotonic,
) -> Flask:
    """Make the app for `device`.

    Requests must have been through the gate: the app refuses one whose environment lacks `cme3000.admitted`.

    :param asks_new_password: whether the factory password must be replaced before anything else can be changed.
    :param sections: the entries of the menu.
    :param clock: seconds, for the age of forms.
    :raises InvalidValue: when a catalogue of translations cannot be read.
    """
    app = WebApp(__name__, static_folder=None, root_path=str(_HERE))
    app.config.update(
        MAX_FORM_PARTS=MOST_FORM_PARTS,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.url_map.merge_slashes = False  # one page, one spelling: the gate judges by the path
    shared = Context(
        device=device,
        languages=Languages(_HERE / "languages"),
        tokens=FormTokens(clock=clock),
        notices=Notices(),
        pending=PendingChanges(clock=clock),
        static_files=StaticFiles(_HERE / "static"),
        sections=tuple(sorted(sections, key=lambda section: section.order)),
        asks_new_password=asks_new_password,
    )
    app.extensions[EXTENSION] = shared
    _prepare_templates(app, shared)
    for blueprint in (*shared.sections, *PAGES, shared.static_files.blueprint()):
        app.register_blueprint(blueprint)
    app.before_request(guard)
    app.after_request(_finish)
    error_pages.install(app)
    access.unruled(app)
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)  # compiled now, not while somebody waits
    return app


def _prepare_templates(app: Flask, shared: Context) -> None:
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.bytecode_cache = _compiled
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.add_extension("jinja2.ext.i18n")
    # Its texts count as markup: in a template `_` takes literals alone. What comes from elsewhere goes through the
    # filters, and is escaped.
    environment.install_gettext_callables(  # type: ignore[attr-defined] # the extension adds it
        languages._, languages.ngettext, newstyle=True, pgettext=languages.pgettext
    )
    environment.filters["translated"] = languages._
    environment.globals["option_text"] = languages.option_text
    environment.globals["static_url"] = shared.static_files.url
    environment.globals["current_language"] = languages.current
    environment.globals["frame"] = frame


def _finish(response: Response) -> Response:
    if g.get("notice_was_shown"):
        Notices.clear(response)
    harden(response.headers, is_secure=request.is_secure)
    if "Content-Language" not in response.headers and response.mimetype == "text/html":
        response.headers["Content-Language"] = languages.current().code
    return response
