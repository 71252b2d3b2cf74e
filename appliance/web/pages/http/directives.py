"""The directives as the pages show and change them, and what a change of them does."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from flask import request

from appliance.httpd.authentication.rule import rule_for
from appliance.httpd.authentication.ways_in import PAGE, loses_last_way_in
from appliance.settings import Directive, DirectiveType, User, http
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.pages.http.consequences import Consequence
from appliance.web.pages.http.server_state import server

if TYPE_CHECKING:
    from collections.abc import Iterator

Directives = tuple[Directive, ...]


class TypeWords(NamedTuple):
    """What a page says of a type of directive, in the visitor's language."""

    value: str
    label: str
    text: str
    warning: str


TYPES = (
    (DirectiveType.NONE, N_("None"), N_("Nobody is asked: whoever reaches the device may read and change everything.")),
    (
        DirectiveType.BASIC,
        N_("Basic"),
        N_("Name and password travel as they are typed: whoever listens in the network can read them."),
    ),
    (
        DirectiveType.DIGEST,
        N_("Digest"),
        N_("Only a proof of the password travels. Whoever listens can read the pages, but not log in."),
    ),
    (DirectiveType.SSL, N_("SSL"), N_("HTTPS only: nobody can listen, but nobody is asked for a password either.")),
    (DirectiveType.SSL_BASIC, N_("SSL/Basic"), N_("HTTPS only, with name and password inside the encryption.")),
    (
        DirectiveType.SSL_DIGEST,
        N_("SSL/Digest"),
        N_("HTTPS only, and inside the encryption only a proof of the password: the most secure."),
    ),
)
"""From the least secure to the most, with what each means."""


def all_directives() -> Directives:
    """Give the directives in force."""
    return context().device.settings[http.AUTHENTICATION]


def find(uri: str) -> Directive | None:
    """Find the directive for `uri`, with or without its slash in front."""
    wanted = f"/{uri.removeprefix('/')}"
    return next((directive for directive in all_directives() if directive.uri == wanted), None)


def type_words() -> tuple[TypeWords, ...]:
    """Give the words for each type; those that want HTTPS warn while it is not served."""
    lacks_https = server().https_port is None
    return tuple(
        TypeWords(
            type_.value,
            _(label),
            _(text),
            _("HTTPS is not served now: nobody could open these pages.") if type_.asks_tls and lacks_https else "",
        )
        for type_, label, text in TYPES
    )


def words_of(type_: DirectiveType) -> TypeWords:
    """Give the words for one type."""
    return next(words for words in type_words() if words.value == type_)


def is_visitor(directive: Directive, user: User) -> bool:
    """Say whether `user` of `directive` is the one who has this page before him."""
    ruling = rule_for(all_directives(), request.path)
    name = request.environ.get("REMOTE_USER") or ""
    return ruling is directive and bool(name) and unicodedata.normalize("NFC", user.name) == name


def with_directive(before: Directives, old: Directive, new: Directive) -> Directives:
    """Put `new` in the place of `old`."""
    return tuple(new if directive is old else directive for directive in before)


def without(before: Directives, old: Directive) -> Directives:
    """Leave `old` out."""
    return tuple(directive for directive in before if directive is not old)


def with_user(directive: Directive, user: User) -> Directive:
    """Add `user`, or put him in the place of the one of his name."""
    names = [known.name for known in directive.users]
    if user.name not in names:
        return replace(directive, users=(*directive.users, user))
    return replace(directive, users=tuple(user if known.name == user.name else known for known in directive.users))


def consequences(before: Directives, after: Directives) -> tuple[Consequence, ...]:
    """Find what is to be confirmed before `after` takes the place of `before`."""
    https = server().https_port is not None
    sentence = loses_last_way_in(before, after, https_before=https, https_after=https)
    found = [_(sentence)] if sentence is not None else []
    for directive in before:
        found += _losses(directive, after)
    for directive in after:
        former = rule_for(before, directive.uri)
        # Of the directive for this page the sentence above tells already.
        is_told = sentence is not None and rule_for(after, PAGE) is directive
        if directive.type.asks_tls and not https and not is_told and (former is None or not former.type.asks_tls):
            found.append(
                _("%(uri)s and what is below it ask for HTTPS then, which is not served: nobody can open them.")
                % {"uri": directive.uri}
            )
        if not directive.type.asks_password and former is not None and former.type.asks_password:
            found.append(_open_to_all(directive.uri))
    return tuple(Consequence(text) for text in dict.fromkeys(found))


def _losses(directive: Directive, after: Directives) -> Iterator[str]:
    """Say what becomes of a directive that goes, and of its users who go."""
    same = next((other for other in after if other.uri == directive.uri), None)
    if same is None:
        heir = rule_for(after, directive.uri)
        if heir is None:
            return
        yield (
            _("%(uri)s has no directive of its own then: the one for %(heir)s rules it, of type %(type)s.")
            % {"uri": directive.uri, "heir": heir.uri, "type": words_of(heir.type).label}
        )
        if directive.type.asks_password and not heir.type.asks_password:
            yield _open_to_all(directive.uri)
        return
    kept = {user.name for user in same.users}
    for user in directive.users:
        if user.name not in kept and same.type.asks_password:
            yield (
                _("%(name)s can no longer log in to %(uri)s and what is below it.")
                % {"name": user.name, "uri": directive.uri}
            )


def _open_to_all(uri: str) -> str:
    return _(
        "No password is asked any more for %(uri)s and what is below it: whoever reaches the device is let in."
    ) % {"uri": uri}
