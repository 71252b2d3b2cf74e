"""The languages of the pages: English in the code, any other in one file."""

from __future__ import annotations

import gettext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from flask import g, has_request_context

from appliance.settings.types import Bool, Optional
from appliance.web.catalogue import read_catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Request

    from appliance.settings import Setting

COOKIE = "language"
LASTS = 365 * 24 * 3600
"""Seconds that a browser keeps the choice."""
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One language."""

    code: str
    """As in `<html lang>` (BCP 47)."""
    name: str
    """In the language itself."""
    catalogue: gettext.NullTranslations = field(default_factory=gettext.NullTranslations, repr=False)


class Languages:
    """English and those that have a file `<code>.po` in a folder, with the header `X-Language-Name`."""

    def __init__(self, folder: Path) -> None:
        """Read every file.

        :raises InvalidValue: when one cannot be read.
        """
        self.all = {ENGLISH: Language(ENGLISH, "English")}
        for path in sorted(folder.glob("*.po")):
            catalogue = read_catalogue(path)
            name = catalogue.info().get("x-language-name", path.stem)
            self.all[path.stem] = Language(path.stem, name, catalogue)

    def choose(self, request: Request) -> Language:
        """Choose what the cookie says, else what the browser asks for, else English."""
        chosen = request.cookies.get(COOKIE, "")
        if chosen in self.all:
            return self.all[chosen]
        known = {code.lower(): language for code, language in self.all.items()}
        for wanted, quality in request.accept_languages:  # the best first
            # RFC 4647 section 3.4: `fr-CA` is served by `fr`; not so that French goes before the English of `en-GB`.
            for tag in (wanted.lower(), wanted.lower().partition("-")[0]):
                if quality > 0 and tag in known:
                    return known[tag]
        return self.all[ENGLISH]


def use(language: Language) -> None:
    """Have this request answered in `language`."""
    g.language = language


def current() -> Language:
    """Give the language of this request; English outside of one, or before it is chosen."""
    if has_request_context() and "language" in g:
        return cast("Language", g.language)
    return Language(ENGLISH, "English")


def _(text: str) -> str:
    """Translate `text`. What is written as a literal here must stand in every catalogue; a test sees to it."""
    return current().catalogue.gettext(text) if text else ""


def N_(text: str) -> str:  # noqa: N802 (gettext's usual name for it)
    """Mark `text` for the catalogues; it is translated where it is shown."""
    return text


def ngettext(singular: str, plural: str, number: int) -> str:
    """Translate a text that depends on a number."""
    return current().catalogue.ngettext(singular, plural, number)


def pgettext(context: str, text: str) -> str:
    """Translate a text that means different things in different places."""
    return current().catalogue.pgettext(context, text)


def option_text(setting: Setting[Any], text: str) -> str:
    """Translate a word that a setting can have: *full* is one thing of a link and another of a check."""
    if isinstance(setting.type, Bool):
        return pgettext("switch", text)
    if isinstance(setting.type, Optional) and text == "none":
        return _("none")
    return pgettext(setting.name, text)
