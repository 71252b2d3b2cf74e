"""What the gate says to one who may not come in, in his language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Request

from appliance.httpd.authentication.refusal import Refusal, Text, english
from appliance.web.context import EXTENSION, Context

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from flask import Flask


class RefusalWords:
    """Translates the gate's own words, by the catalogues of the app."""

    def __init__(self, app: Flask) -> None:
        """Use the catalogues of `app`, which `create_app` has made."""
        shared: Context = app.extensions[EXTENSION]
        self._languages = shared.languages

    def __call__(self, refusal: Refusal, environ: WSGIEnvironment) -> Text:
        """Give the page's words."""
        text = english(refusal, environ)
        language = self._languages.choose(Request(environ))
        translate = language.catalogue.gettext
        return Text(language.code, translate(text.title), translate(text.paragraph))
