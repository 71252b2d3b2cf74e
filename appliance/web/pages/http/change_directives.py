"""Carrying out a change of the directives: at once, or after the visitor has read what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import make_response, redirect, render_template, request, url_for

from appliance.errors import InvalidSettings, SaveFailed, SettingError
from appliance.settings import http
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.http.directives import all_directives, consequences
from appliance.web.pending import FIELD

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.web.pages.http.directives import Directives

GONE = N_("The change was not made: it waited for too long, or the directives have changed since. Begin again.")


@dataclass(frozen=True, slots=True)
class DirectiveChange:
    """A change that waits to be confirmed. It has hashes of passwords in it, and stays on the device."""

    before: Directives
    after: Directives
    done: str
    """The notice afterwards, in the visitor's language."""


class Refusal(Exception):  # noqa: N818 (called by what happened, as those of appliance.errors)
    """The settings do not take the change; the text says why, in the visitor's language."""

    def __init__(self, text: str, status: int) -> None:
        """Say it with an HTTP status."""
        super().__init__(text)
        self.status = status


def ask_or_carry_out(after: Directives, done: str) -> Response:
    """Make the change, or show first what it does if that is anything to think about.

    :param done: the notice afterwards, in the visitor's language.
    :raises Refusal: when the settings do not take it.
    """
    setting = http.AUTHENTICATION
    try:  # before anybody is asked to think about it
        setting.read(setting.type.format(after), context().device.settings.defaults[setting])
    except SettingError as error:
        raise Refusal(_(error.reason), 400) from error
    change = DirectiveChange(all_directives(), after, done)
    found = consequences(change.before, after)
    if not found:
        return _carry_out(change)
    token = context().pending.keep(_user(), change)
    return make_response(render_template("http/confirm.html", consequences=found, field=FIELD, token=token))


def carry_out_pending() -> Response:
    """Make the change that the visitor has confirmed, if everything is still as it was when he was asked."""
    change = context().pending.take(_user(), request.form.get(FIELD, ""))
    if not isinstance(change, DirectiveChange) or change.before != all_directives():
        raise Refusal(_(GONE), 409)
    return _carry_out(change)


def to_list() -> Response:
    """Go to the list: what was asked for is not there any more."""
    return redirect(url_for("http.authentication"), 303)


def _carry_out(change: DirectiveChange) -> Response:
    settings = context().device.settings
    try:
        settings.set({http.AUTHENTICATION.name: http.AUTHENTICATION.type.format(change.after)}, save=True)
    except SaveFailed as error:
        raise Refusal(str(error), 500) from error
    except InvalidSettings as error:
        raise Refusal(" ".join(_(one.reason) or str(one) for one in error.errors), 400) from error
    return redirect_with_notice(url_for("http.authentication"), change.done)


def _user() -> str:
    return request.environ.get("REMOTE_USER") or ""
