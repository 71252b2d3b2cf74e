"""New passwords: which will do, and which users still have the factory's."""

from __future__ import annotations

import functools
import importlib.util
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.errors import InvalidValue
from appliance.settings.directive import LONGEST_PASSWORD, Directive, User

if TYPE_CHECKING:
    from collections.abc import Iterable

FACTORY_LOGIN = "admin"
"""Name and password of the one user that the factory defaults have."""

SHORTEST_PASSWORD = 8

_PRODUCT = ("cme3000", "cme 3000", "mbus", "m-bus", "gateway", FACTORY_LOGIN)
_ROWS = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    *("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm"),
)
_LONGEST_UNIT = 3
_SHORTEST_REST = 3
_SHORTEST_NAME = 3


@functools.lru_cache(maxsize=1)
def has_factory_password(directives: tuple[Directive, ...]) -> bool:
    """Say whether somebody can log in with the factory's name and password; quick when asked again."""
    return any(
        user.name == FACTORY_LOGIN and user.has_password(directive.realm, FACTORY_LOGIN)
        for directive in directives
        if directive.type.asks_password
        for user in directive.users
    )


def replace_password(
    directives: tuple[Directive, ...], name: str, password: str, *, old: str = FACTORY_LOGIN
) -> tuple[Directive, ...]:
    """Give `directives` with a new password for the user `name` wherever that user has the factory's, or `old`.

    A password belongs to a realm, so each directive gets a hash of its own. Users of that name with another password
    stay as they are. Whether the new one is good enough is for `check_new_password`.

    :raises InvalidValue: when `password` can be nobody's.
    """

    def renewed(directive: Directive, user: User) -> User:
        is_meant = user.name == name and any(user.has_password(directive.realm, text) for text in (old, FACTORY_LOGIN))
        return User.with_password(name, directive.realm, password) if is_meant else user

    return tuple(
        replace(directive, users=tuple(renewed(directive, user) for user in directive.users))
        for directive in directives
    )


def check_new_password(text: str, *, name: str) -> None:
    """Check that `text` is not among the first that somebody would try for the user `name`.

    :raises InvalidValue: saying what is wrong, never with the password in it.
    """
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD or not text.isprintable():
        raise InvalidValue(f"a new password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} printable characters")
    folded = _folded(text)
    # A word with digits or marks after it counts as the word, unless it is the smaller part.
    stem = folded
    while stem and not stem[-1].isalpha():
        stem = stem[:-1]
    stems = [form for form in dict.fromkeys((folded, stem)) if 2 * len(form) >= len(folded)]
    for form in stems:
        if any(form == (form[:unit] * len(form))[: len(form)] for unit in range(1, _LONGEST_UNIT + 1)):
            raise InvalidValue("a new password is more than the same few characters again and again")
        if any(form in row or form[::-1] in row for row in _ROWS):
            raise InvalidValue("a new password is no plain run of digits, letters or keys")
    if _is_made_of((_folded(name), *_PRODUCT), folded):
        raise InvalidValue("a new password is more than the user name or the name of the product")
    if any(form in words for words in _common() for form in stems):
        raise InvalidValue("this password is a common one, or a single word or name; whoever guesses begins with those")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _is_made_of(names: tuple[str, ...], folded: str) -> bool:
    """Say whether next to nothing but digits and marks is left of the password without the names."""
    rest = folded
    for name in names:
        if len(name) >= _SHORTEST_NAME:
            rest = rest.replace(name, "")
    return rest != folded and sum(character.isalpha() for character in rest) < _SHORTEST_REST


def _common() -> Iterable[list[str]]:
    """Give lists of common passwords, words and names.

    From a file of zxcvbn that is run by itself and forgotten again: the package keeps many megabytes.
    """
    package = importlib.util.find_spec("zxcvbn")
    assert package is not None  # noqa: S101 (one of our dependencies)
    assert package.submodule_search_locations  # noqa: S101 (it is a package)
    spec = importlib.util.spec_from_file_location(
        "frequency_lists", f"{package.submodule_search_locations[0]}/frequency_lists.py"
    )
    assert spec is not None  # noqa: S101 (the file is there)
    assert spec.loader is not None  # noqa: S101 (likewise)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lists: dict[str, list[str]] = module.FREQUENCY_LISTS
    return lists.values()
