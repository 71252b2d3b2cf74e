"""HTTP > Authentication: the directives, which say what each path asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import make_response, render_template, request

from appliance.web.access import changes, reads
from appliance.web.languages import N_, _
from appliance.web.pages.http.change_directives import Refusal, ask_or_carry_out, carry_out_pending, to_list
from appliance.web.pages.http.directive_form import DirectiveForm
from appliance.web.pages.http.directives import (
    all_directives,
    find,
    is_visitor,
    type_words,
    with_directive,
    without,
    words_of,
)
from appliance.web.pages.http.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.settings import Directive

ADDED = N_("The directive for %(uri)s is added.")
CHANGED = N_("The directive for %(uri)s is changed.")
DELETED = N_("The directive for %(uri)s is deleted.")


@section.get("/http/authentication")
@reads
def authentication() -> Response:
    """Show the list."""
    return _list()


@section.get("/http/authentication/add")
@reads
def new_directive() -> Response:
    """Show the form for a directive more."""
    return _add_page(DirectiveForm(None))


@section.post("/http/authentication/add")
@changes(give_back=lambda sentence: _add_page(DirectiveForm.posted(None, trouble=sentence)))
def add_directive() -> Response:
    """Add it."""
    form = DirectiveForm.posted(None)
    directive = form.read()
    if directive is None:
        return _add_page(form)
    try:
        return ask_or_carry_out((*all_directives(), directive), _(ADDED) % {"uri": directive.uri})
    except Refusal as refusal:
        form.refuse(str(refusal), refusal.status)
        return _add_page(form)


@section.get("/http/authentication/directive/", defaults={"uri": ""})
@section.get("/http/authentication/directive/<path:uri>")
@reads
def directive(uri: str) -> Response:
    """Show one directive and its users."""
    here = find(uri)
    return directive_page(DirectiveForm(here)) if here is not None else to_list()


@section.post("/http/authentication/directive/", defaults={"uri": ""})
@section.post("/http/authentication/directive/<path:uri>")
@changes(give_back=lambda sentence: _give_back(sentence))  # noqa: PLW0108 (it is defined below)
def change_directive(uri: str) -> Response:
    """Change it."""
    here = find(uri)
    if here is None:
        return to_list()
    form = DirectiveForm.posted(here)
    changed = form.read()
    if changed is None:
        return directive_page(form)
    try:
        return ask_or_carry_out(with_directive(all_directives(), here, changed), _(CHANGED) % {"uri": changed.uri})
    except Refusal as refusal:
        form.refuse(str(refusal), refusal.status)
        return directive_page(form)


@section.post("/http/authentication/delete/", defaults={"uri": ""})
@section.post("/http/authentication/delete/<path:uri>")
@changes
def delete_directive(uri: str) -> Response:
    """Delete it, after the visitor has read what rules its pages then."""
    here = find(uri)
    if here is None:
        return to_list()
    try:
        return ask_or_carry_out(without(all_directives(), here), _(DELETED) % {"uri": here.uri})
    except Refusal as refusal:
        return _list(str(refusal), refusal.status)


@section.post("/http/authentication/confirm")
@changes
def confirm() -> Response:
    """Make the change that the visitor has read about."""
    try:
        return carry_out_pending()
    except Refusal as refusal:
        return _list(str(refusal), refusal.status)


def directive_page(form: DirectiveForm, *, user: str = "", adds_user: bool = False) -> Response:
    """Make the page of a directive that is there.

    :param user: the one whose password form has the errors.
    :param adds_user: whether the form that adds a user has them.
    """
    here = form.directive
    assert here is not None  # noqa: S101 (one that is not there has no page)
    page = render_template(
        "http/directive.html",
        form=form,
        directive=here,
        path=_path(here),
        types=type_words(),
        users=[(known, is_visitor(here, known)) for known in here.users],
        failed_user=user,
        adds_user=adds_user,
        is_own_form=not user and not adds_user,
    )
    return make_response(page, form.status)


def _path(here: Directive) -> str:
    """Give the end of the paths of the pages for a directive."""
    return quote(here.uri.removeprefix("/"))


def _add_page(form: DirectiveForm) -> Response:
    page = render_template("http/add_directive.html", form=form, types=type_words())
    return make_response(page, form.status)


def _list(trouble: str = "", status: int = 200) -> Response:
    shown = [
        (here, _path(here), words_of(here.type), [(user, is_visitor(here, user)) for user in here.users])
        for here in all_directives()
    ]
    page = render_template("http/authentication.html", directives=shown, types=type_words(), trouble=trouble)
    return make_response(page, status)


def _give_back(sentence: str) -> Response:
    """Show the form of this request again; the directive is the one of its path."""
    here = find((request.view_args or {}).get("uri", ""))
    return directive_page(DirectiveForm.posted(here, trouble=sentence)) if here is not None else to_list()
