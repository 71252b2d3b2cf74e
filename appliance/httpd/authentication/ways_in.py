"""Who could still reach the settings pages: what to ask before a change shuts everybody out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.httpd.authentication.rule import rule_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.settings import Directive, User

PAGE = "/http/authentication"
"""The page on which a lost login could be mended."""

ANYBODY = ":anybody"
"""The way in where no password is asked; no user can be called so, for a name has no colon."""

BUTTON = "Only the factory reset button would undo it, and it sets everything else back too."


def ways_in(directives: Iterable[Directive], *, https: bool) -> frozenset[str]:
    """Give the users who can log in to the authentication page, or `ANYBODY` where it asks for no password.

    :param https: whether HTTPS is served; without it nobody passes a directive that wants it.
    """
    directive = _ruling(directives, https=https)
    if directive is None:
        return frozenset()
    if not directive.type.asks_password:
        return frozenset({ANYBODY})
    return frozenset(user.name for user in directive.users)


def loses_last_way_in(
    before: Iterable[Directive], after: Iterable[Directive], *, https_before: bool, https_after: bool
) -> str | None:
    """Say what to confirm when no login that works before a change would work after it; `None` when one does.

    A login is a name with its password in its realm. One with a new password counts as another: it may be mistyped.
    """
    after = tuple(after)
    if not ways_in(after, https=https_after):
        if ways_in(after, https=True):
            return (
                f"After this change the settings pages ask for HTTPS, which is not served: nobody can enter. {BUTTON}"
            )
        return f"After this change nobody can enter the settings pages. {BUTTON}"
    logins = _logins(before, https=https_before)
    still = _logins(after, https=https_after)
    if not logins or logins & still or None in still:
        return None
    return (
        "After this change no login that works now will work any more. "
        f"Be sure that you know a new user name and its password. {BUTTON}"
    )


def _ruling(directives: Iterable[Directive], *, https: bool) -> Directive | None:
    directive = rule_for(directives, PAGE)
    return None if directive is None or (directive.type.asks_tls and not https) else directive


def _logins(directives: Iterable[Directive], *, https: bool) -> frozenset[tuple[str, User] | None]:
    """Give realm and user of each login; None stands for anybody."""
    directive = _ruling(directives, https=https)
    if directive is None:
        return frozenset()
    if not directive.type.asks_password:
        return frozenset({None})
    return frozenset((directive.realm, user) for user in directive.users)
