"""Authentication directives as JSON: passwords are written and never read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from appliance.errors import InvalidValue
from appliance.settings import User
from appliance.settings.password import check_new_password

if TYPE_CHECKING:
    from appliance.settings import Directive
    from appliance.web.api.schema import Schema

SCHEMA: Schema = {
    "type": "array",
    "description": "Which paths ask for a login. A user without a password keeps the one of the same name, URI and "
    "realm; passwords are never given back.",
    "items": {
        "type": "object",
        "required": ["uri", "realm", "type"],
        "properties": {
            "uri": {"type": "string"},
            "realm": {"type": "string"},
            "type": {"enum": ["none", "basic", "digest", "ssl", "ssl/basic", "ssl/digest"]},
            "users": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"type": "string"}, "password": {"type": "string", "writeOnly": True}},
                },
            },
        },
    },
}


def directives_json(value: tuple[Directive, ...]) -> list[dict[str, Any]]:
    """Write directives with the names of their users and nothing that would let anybody in."""
    return [
        {
            "uri": directive.uri,
            "realm": directive.realm,
            "type": str(directive.type),
            "users": [{"name": user.name} for user in directive.users],
        }
        for directive in value
    ]


def directives_text(raw: object, current: tuple[Directive, ...]) -> str:
    """Make the text of the setting, with hashes in place of new passwords and those of `current` for the others.

    :raises InvalidValue: saying what is wrong, never with a password in it.
    """
    if not isinstance(raw, list):
        raise InvalidValue("directives are a list")
    known = {(directive.uri, directive.realm, user.name): user for directive in current for user in directive.users}
    return json.dumps([_directive(entry, known) for entry in raw])


def _directive(entry: object, known: dict[tuple[str, str, str], User]) -> object:
    if not isinstance(entry, dict) or not isinstance(entry.get("users", []), list):
        raise InvalidValue("a directive has the fields realm, type, uri, users")
    uri, realm = entry.get("uri"), entry.get("realm")
    if not isinstance(uri, str) or not isinstance(realm, str):
        raise InvalidValue("a directive has the fields realm, type, uri, users")
    return {**entry, "users": [_user(user, uri, realm, known) for user in entry.get("users", [])]}


def _user(entry: object, uri: str, realm: str, known: dict[tuple[str, str, str], User]) -> dict[str, str]:
    # Hashes are not taken: whoever could write them could keep a password that no rule has seen.
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("name"), str)
        or not entry.keys() <= {"name", "password"}
    ):
        raise InvalidValue("a user has the fields name, password")
    name, password = entry["name"], entry.get("password")
    if password is None:
        user = known.get((uri, realm, name))
        if user is None:
            raise InvalidValue("a user who is new in a directive or realm needs a password")
    elif isinstance(password, str):
        check_new_password(password, name=name)
        user = User.with_password(name, realm, password)
    else:
        raise InvalidValue("a password is text")
    return {"name": user.name, "md5": user.md5, "sha256": user.sha256}
