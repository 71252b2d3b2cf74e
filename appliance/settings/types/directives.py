"""The list of HTTP authentication directives, as a value of one setting."""

import json
from collections.abc import Set as AbstractSet
from typing import Any

from appliance.errors import InvalidValue
from appliance.settings.directive import Directive, DirectiveType, User
from appliance.settings.types.text import UriPath
from appliance.settings.types.type import Type

MOST_DIRECTIVES = 32
MOST_USERS = 32
PATH = UriPath()


def _fields(raw: object, required: AbstractSet[str], optional: AbstractSet[str] = frozenset()) -> dict[str, Any]:
    """Check that `raw` is an object with these fields and no others."""
    if not isinstance(raw, dict) or not required <= raw.keys() <= required | optional:
        raise InvalidValue(f"an entry has the fields {', '.join(sorted(required | optional))}")
    return raw


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise InvalidValue("a field that should be text is none")
    return raw


def _list(raw: object, most: int, what: str) -> list[Any]:
    if not isinstance(raw, list) or len(raw) > most:
        raise InvalidValue(f"{what} are a list of at most {most}")
    return raw


def _user(raw: object) -> User:
    fields = _fields(raw, {"name", "md5", "sha256"})
    return User(_text(fields["name"]), _text(fields["md5"]), _text(fields["sha256"]))


def _directive(raw: object) -> Directive:
    fields = _fields(raw, {"uri", "realm", "type"}, {"users"})
    try:
        uri = PATH.parse(_text(fields["uri"]))
    except InvalidValue:
        raise InvalidValue(f"a URI is {PATH.allowed}") from None
    try:
        kind = DirectiveType(_text(fields["type"]).lower())
    except ValueError:
        raise InvalidValue(f"a type is one of {', '.join(DirectiveType)}") from None
    users = _list(fields.get("users", []), MOST_USERS, "users")
    return Directive(uri, _text(fields["realm"]), kind, tuple(_user(user) for user in users))


def directives(raw: object) -> tuple[Directive, ...]:
    """Make the directives of lists and dictionaries as JSON or TOML gives them, the shortest path first.

    :raises InvalidValue: saying what is wrong, never with a hash in it.
    """
    found = [_directive(entry) for entry in _list(raw, MOST_DIRECTIVES, "directives")]
    uris = [directive.uri for directive in found]
    for uri in uris:
        if uris.count(uri) > 1:
            raise InvalidValue(f"two directives are for {uri}")
    # A page that no directive rules does not answer: without this one nobody could ever reach the pages again.
    if "/" not in uris:
        raise InvalidValue("there must be a directive for /")
    return tuple(sorted(found, key=lambda directive: (directive.uri.count("/"), directive.uri)))


class Directives(Type[tuple[Directive, ...]]):
    """The directives, in JSON: a list of `{"uri", "realm", "type", "users": [{"name", "md5", "sha256"}]}`.

    Each URI and, within a directive, each user name stands once, and `/` is always there.
    """

    secret = True
    allowed = (
        f"a list of at most {MOST_DIRECTIVES} directives, one of them for /, each with uri, realm, "
        f"type ({', '.join(DirectiveType)}) and at most {MOST_USERS} users"
    )

    def _parse(self, text: str) -> tuple[Directive, ...]:
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidValue("not JSON") from None
        return directives(raw)

    def format(self, value: tuple[Directive, ...]) -> str:
        """Write the JSON, hashes included: this is for files, not for pages."""
        return json.dumps(self.to_file(value))

    def describe(self, value: tuple[Directive, ...]) -> str:
        """Write path, type, realm and user names of each."""
        return "; ".join(
            f"{directive.uri} {directive.type} {directive.realm} ({', '.join(user.name for user in directive.users)})"
            for directive in value
        )

    def from_file(self, raw: object) -> tuple[Directive, ...]:
        """Read TOML's tables, or the JSON text."""
        return self.parse(raw) if isinstance(raw, str) else directives(raw)

    def to_file(self, value: tuple[Directive, ...]) -> list[dict[str, Any]]:
        """Give the tables for TOML."""
        return [
            {
                "uri": directive.uri,
                "realm": directive.realm,
                "type": str(directive.type),
                "users": [{"name": user.name, "md5": user.md5, "sha256": user.sha256} for user in directive.users],
            }
            for directive in value
        ]
