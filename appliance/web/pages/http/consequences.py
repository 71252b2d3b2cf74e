"""What a change of the web server's settings does to whoever makes it, told before it is done."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from flask import request

from appliance.httpd.authentication.ways_in import loses_last_way_in
from appliance.settings import console, http, network
from appliance.web.context import context
from appliance.web.host_check import is_ours, name_of
from appliance.web.languages import _
from appliance.web.pages.http.server_state import serves_https, url_on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.settings import Values


class Consequence(NamedTuple):
    """A sentence in the visitor's language, and where the page is found then."""

    text: str
    url: str = ""


def consequences(before: Values, after: Values) -> tuple[Consequence, ...]:
    """Find what is to be confirmed before `after` takes the place of `before`; empty for a change without danger."""
    if before[http.ENABLED] and not after[http.ENABLED]:
        text = (
            _("These pages close at once. The console or the factory reset button brings them back.")
            if after[console.ENABLED]
            else _("These pages close at once. The console is off too: only the factory reset button brings them back.")
        )
        return (Consequence(text),)
    found = []
    if place := new_place(before, after):
        text = (
            _("This page moves at once, and the browser asks for user name and password anew. It is found at:")
            if place.startswith(f"{request.scheme}:")
            else _("HTTPS ends at once. This page is then found without encryption at:")
        )
        found.append(Consequence(text, place))
    directives_before, directives_after = before[http.AUTHENTICATION], after[http.AUTHENTICATION]
    if name := _name_refused(after):
        found.append(
            Consequence(
                _("You opened this page by the name %(name)s, which is refused then. The IP address still works.")
                % {"name": name}
            )
        )
    sentence = loses_last_way_in(
        directives_before,
        directives_after,
        https_before=serves_https(before),
        https_after=serves_https(after),
    )
    if sentence is not None:
        found.append(Consequence(_(sentence)))
    return tuple(found)


def new_place(before: Values, after: Values) -> str:
    """Give the URL of this page after a change that moves it; empty when it stays, or is nowhere any more."""
    if not after[http.ENABLED]:
        return ""
    if not request.is_secure:
        has_moved = after[http.PORT] != before[http.PORT]
        return url_on("http", after[http.PORT], request.path) if has_moved else ""
    if not (after[http.TLS_1_2] or after[http.TLS_1_3]):
        return url_on("http", after[http.PORT], request.path)
    has_moved = after[http.HTTPS_PORT] != before[http.HTTPS_PORT]
    return url_on("https", after[http.HTTPS_PORT], request.path) if has_moved else ""


def _name_refused(after: Values) -> str:
    """Give the name by which the visitor came if it would no longer do; else nothing."""
    name = name_of(request.host) or ""
    here = context()
    current, listed = here.network().current, after[http.HOST_NAMES]
    if name not in here.device.settings[http.HOST_NAMES]:
        return ""  # another list does not change anything
    stays = is_ours(
        name,
        own_names=(after[network.HOSTNAME], current.hostname.value),
        domains=(after[network.DOMAIN] or "", current.domain.value),
        listed=listed,
    )
    return "" if stays else name


def mark_of(found: Iterable[Consequence]) -> str:
    """Give a short mark by which it is seen whether these, and no others, were on the page that confirms."""
    text = "\n".join(f"{one.text} {one.url}" for one in found)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
