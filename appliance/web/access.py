"""Who may do what: every view says by a decorator whether it reads or changes; one that does not, does not answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from flask.typing import ResponseReturnValue

log = logging.getLogger(__name__)

View = TypeVar("View", bound="Callable[..., Any]")

READING_METHODS = frozenset({"GET", "HEAD"})
CHANGING_METHODS = frozenset({"POST"})
HARMLESS_METHODS = frozenset({"OPTIONS"})
"""Answered by Flask itself."""

_ATTRIBUTE = "cme3000_access"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a view may be reached."""

    changes: bool
    give_back: Callable[[str], ResponseReturnValue] | None = None
    """Gives the posted form back with its texts and the sentence that says why; None where there is nothing to keep."""
    before_new_password: bool = False
    """Whether it may be used while the factory password is in force."""
    api: bool = False
    """Whether it is for programs: JSON and a header that no page of another site can send, in place of a token."""
    fields: Callable[[], Mapping[str, str]] | None = None
    """Gives the fields before the file, for a view that reads its body by itself: nobody else may touch that then."""
    media: tuple[str, ...] = ("application/json",)
    """What a program may send to it."""

    @property
    def methods(self) -> frozenset[str]:
        """The methods that the view may have."""
        return CHANGING_METHODS if self.changes else READING_METHODS


def reads(view: View) -> View:
    """Let everybody who was admitted ask for `view`, which changes nothing: GET and HEAD."""
    return _ruled(view, Rule(changes=False))


@overload
def changes(view: View) -> View: ...
@overload
def changes(
    *,
    give_back: Callable[[str], ResponseReturnValue] | None = ...,
    before_new_password: bool = ...,
    api: bool = ...,
    fields: Callable[[], Mapping[str, str]] | None = ...,
    media: tuple[str, ...] = ...,
) -> Callable[[View], View]: ...
def changes(
    view: View | None = None,
    *,
    give_back: Callable[[str], ResponseReturnValue] | None = None,
    before_new_password: bool = False,
    api: bool = False,
    fields: Callable[[], Mapping[str, str]] | None = None,
    media: tuple[str, ...] = ("application/json",),
) -> View | Callable[[View], View]:
    """Let `view` be posted to, from our own pages alone, and after the factory password has been replaced.

    :param give_back: shows the form again when it was open for too long, so that what was typed is not lost.
    :param before_new_password: for what changes nothing of the device, and for the new password itself.
    :param api: for programs, which have no form: see `Rule.api`.
    :param fields: for a view that reads a large body by itself: see `Rule.fields`.
    :param media: what a program may send, where that is not JSON. A header of its own is asked for all the same.
    """
    rule = Rule(
        changes=True,
        give_back=give_back,
        before_new_password=before_new_password,
        api=api,
        fields=fields,
        media=media,
    )
    return _ruled(view, rule) if view is not None else lambda view: _ruled(view, rule)


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    """Give the rule of a view, or None for one that has none."""
    return cast("Rule | None", getattr(app.view_functions.get(endpoint), _ATTRIBUTE, None))


def unruled(app: Flask) -> list[str]:
    """Find the views that have no rule, or methods that do not fit it; none of them answers, and the log says so."""
    found = []
    for route in app.url_map.iter_rules():
        rule = rule_of(app, route.endpoint)
        if rule is None:
            trouble = "has no access rule"
        elif methods := sorted((route.methods or set()) - HARMLESS_METHODS - rule.methods):
            trouble = f"must not have the method {methods[0]}"
        else:
            continue
        found.append(route.endpoint)
        log.error("the page %s (%s) %s and does not answer", route.rule, route.endpoint, trouble)
    return found


def _ruled(view: View, rule: Rule) -> View:
    setattr(view, _ATTRIBUTE, rule)
    return view
