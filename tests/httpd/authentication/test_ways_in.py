"""What is asked before a change shuts everybody out."""

from __future__ import annotations

import pytest

from appliance.httpd.authentication.ways_in import ANYBODY, loses_last_way_in, ways_in
from appliance.settings import Directive, DirectiveType
from tests.httpd.authentication.rig import directive

ANNA = directive()
BOTH = directive(users={"anna": "correct horse", "bert": "battery"})


@pytest.mark.parametrize(
    ("directives", "https", "names"),
    [
        ((BOTH,), False, {"anna", "bert"}),
        ((ANNA, directive("/http", users={"bert": "x"})), False, {"bert"}),
        ((ANNA, directive("/http/authentication", users={"carl": "x"})), False, {"carl"}),
        ((ANNA, directive("/status", users={"bert": "x"})), False, {"anna"}),
        ((directive(type=DirectiveType.NONE),), False, {ANYBODY}),
        ((directive(type=DirectiveType.SSL),), True, {ANYBODY}),
        ((directive(type=DirectiveType.SSL),), False, set()),
        ((directive(type=DirectiveType.SSL_DIGEST),), True, {"anna"}),
        ((directive(type=DirectiveType.SSL_BASIC),), False, set()),
        ((), True, set()),
    ],
)
def test_who_can_enter(directives: tuple[Directive, ...], https: bool, names: set[str]) -> None:
    assert ways_in(directives, https=https) == names


def asks(before: Directive, after: Directive, *, https_before: bool = False, https_after: bool = False) -> bool:
    warning = loses_last_way_in((before,), (after,), https_before=https_before, https_after=https_after)
    assert warning is None or "factory reset button" in warning
    return warning is not None


def test_a_change_that_leaves_a_login_asks_nothing() -> None:
    assert not asks(ANNA, ANNA)
    assert not asks(BOTH, ANNA)
    assert not asks(ANNA, BOTH)
    assert not asks(ANNA, directive(type=DirectiveType.BASIC))
    assert not asks(ANNA, directive(type=DirectiveType.NONE))
    assert not asks(ANNA, directive(type=DirectiveType.SSL_DIGEST), https_before=True, https_after=True)


@pytest.mark.parametrize("users", [{"bert": "correct horse"}, {"anna": "another"}, {"bert": "battery"}])
def test_the_last_user_deleted_renamed_or_with_a_new_password_is_asked_about(users: dict[str, str]) -> None:
    assert asks(ANNA, directive(users=users))


def test_a_realm_in_which_no_password_holds_is_asked_about() -> None:
    assert asks(ANNA, Directive("/", "elsewhere", DirectiveType.DIGEST, ANNA.users))


def test_ssl_types_without_https_are_asked_about() -> None:
    assert asks(ANNA, directive(type=DirectiveType.SSL_DIGEST))
    ssl = directive(type=DirectiveType.SSL)
    assert asks(ssl, ssl, https_before=True, https_after=False)


def test_who_is_out_already_is_not_asked_about_a_way_in() -> None:
    assert not asks(directive(type=DirectiveType.SSL_DIGEST), BOTH)
