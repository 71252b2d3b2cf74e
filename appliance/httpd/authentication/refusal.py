"""The pages for who may not come in."""

from __future__ import annotations

from enum import Enum, auto
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIEnvironment

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Refusal(Enum):
    """Why a request is not let in."""

    NEEDS_LOGIN = auto()
    TOO_MANY_TRIES = auto()
    NO_RULE = auto()
    NEEDS_HTTPS = auto()
    NO_HTTPS = auto()


class Text(NamedTuple):
    """What a page says: its language as HTML names it, its title, and a paragraph."""

    language: str
    title: str
    paragraph: str


if TYPE_CHECKING:
    Words = Callable[[Refusal, WSGIEnvironment], Text]

_ENGLISH = {
    Refusal.NEEDS_LOGIN: (
        "Please log in",
        (
            "This page is for users of this device. Load it again and enter your user name and password. "
            "Nobody knows them any more? The factory reset button brings back the factory login."
        ),
    ),
    Refusal.TOO_MANY_TRIES: (
        "Too many wrong passwords",
        (
            "Somebody has tried many wrong passwords, so the device looks at new ones only now and then. "
            "Wait a few seconds and try again."
        ),
    ),
    Refusal.NO_RULE: (
        "No access",
        "No authentication directive covers this address, so nobody may see it.",
    ),
    Refusal.NEEDS_HTTPS: (
        "Only through HTTPS",
        (
            "What you sent was not taken, for it came unencrypted and this page wants HTTPS. Open it through HTTPS and "
            "send it again."
        ),
    ),
    Refusal.NO_HTTPS: (
        "Only through HTTPS",
        (
            "This page wants HTTPS, which this device does not serve now. Switch on a TLS version and see to a "
            "certificate from a page that still opens or on the console, or set the device back with the factory reset "
            "button."
        ),
    ),
}


def english(refusal: Refusal, environ: WSGIEnvironment) -> Text:  # noqa: ARG001 (a translation looks there)
    """Give the page's words."""
    return Text("en", *_ENGLISH[refusal])


def page(text: Text, status: int, *, link: str = "") -> Response:
    """Make the page; `link` is where to go instead."""
    further = f'<p><a href="{escape(link)}">{escape(link)}</a></p>\n' if link else ""
    return Response(
        f'<!doctype html>\n<html lang="{escape(text.language)}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(text.title)}</title>\n'
        f"<h1>{escape(text.title)}</h1>\n<p>{escape(text.paragraph)}</p>\n{further}</html>\n",
        status,
        HEADERS,
        mimetype="text/html",
    )
