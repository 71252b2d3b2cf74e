"""HTTP > Authentication: the users of one directive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import request

from appliance.web.access import changes
from appliance.web.languages import N_, _
from appliance.web.pages.http.authentication import directive_page
from appliance.web.pages.http.change_directives import Refusal, ask_or_carry_out, to_list
from appliance.web.pages.http.directive_form import NAME, NEEDS_USER, TAKEN_NAME, DirectiveForm, read_user
from appliance.web.pages.http.directives import all_directives, find, with_directive, with_user
from appliance.web.pages.http.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.settings import Directive

ADDED = N_("The user %(name)s is added.")
CHANGED = N_("The password of %(name)s is changed.")
DELETED = N_("The user %(name)s is deleted.")


@section.post("/http/authentication/add-user/", defaults={"uri": ""})
@section.post("/http/authentication/add-user/<path:uri>")
@changes(give_back=lambda sentence: _give_back(sentence, adds_user=True))
def add_user(uri: str) -> Response:
    """Add a user."""
    here = find(uri)
    if here is None:
        return to_list()
    form = _form(here)
    user = read_user(form.texts, form.errors, name=form.texts.get(NAME, ""), realm=here.realm)
    if user is not None and any(known.name == user.name for known in here.users):
        form.errors[NAME] = _(TAKEN_NAME)
    if user is None or form.errors:
        form.status = 400
        return directive_page(form, adds_user=True)
    return _change(form, with_user(here, user), _(ADDED) % {"name": user.name})


@section.post("/http/authentication/password/", defaults={"uri": ""})
@section.post("/http/authentication/password/<path:uri>")
@changes(give_back=lambda sentence: _give_back(sentence, user=request.form.get(NAME, "")))
def change_password(uri: str) -> Response:
    """Give a user a new password."""
    here, name = find(uri), request.form.get(NAME, "")
    if here is None or not _has(here, name):
        return to_list()
    form = _form(here)
    user = read_user(form.texts, form.errors, name=name, realm=here.realm)
    if user is None:
        form.status = 400
        return directive_page(form, user=name)
    return _change(form, with_user(here, replace(user, name=name)), _(CHANGED) % {"name": name})


@section.post("/http/authentication/delete-user/", defaults={"uri": ""})
@section.post("/http/authentication/delete-user/<path:uri>")
@changes
def delete_user(uri: str) -> Response:
    """Delete a user, after the visitor has read what that means."""
    here, name = find(uri), request.form.get(NAME, "")
    if here is None or not _has(here, name):
        return to_list()
    form = _form(here)
    left = tuple(user for user in here.users if user.name != name)
    if here.type.asks_password and not left:
        form.refuse(_(NEEDS_USER), 400)
        return directive_page(form)
    return _change(form, replace(here, users=left), _(DELETED) % {"name": name})


def _form(here: Directive) -> DirectiveForm:
    """Take what was posted, apart from the directive itself."""
    return DirectiveForm(here, request.form.to_dict())


def _has(here: Directive, name: str) -> bool:
    return any(user.name == name for user in here.users)


def _change(form: DirectiveForm, changed: Directive, done: str) -> Response:
    assert form.directive is not None  # noqa: S101 (found before)
    try:
        return ask_or_carry_out(with_directive(all_directives(), form.directive, changed), done)
    except Refusal as refusal:
        form.refuse(str(refusal), refusal.status)
        return directive_page(form)


def _give_back(sentence: str, *, user: str = "", adds_user: bool = False) -> Response:
    """Show the page of the directive again, with the form that was posted."""
    here = find((request.view_args or {}).get("uri", ""))
    if here is None:
        return to_list()
    form = DirectiveForm.posted(here, trouble=sentence)
    return directive_page(form, user=user, adds_user=adds_user)
