"""Commands for the directives of the web server: who may enter which pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.console.complaint import Complaint
from appliance.console.grammar import Argument, Call, Command, command
from appliance.errors import InvalidValue, quoted
from appliance.settings import DirectiveType, User, http
from appliance.settings.types import UriPath

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.console.changes import Directives
    from appliance.console.shell import Shell

_PATH = UriPath()
_WHICH = "auth uri <uri>"


def auth_commands() -> list[Command]:
    """Give the commands for directives and their users."""
    words = {
        "uri": Argument("uri", "A path of the web server; the longest one above a page rules it.", choices=_uris),
        "realm": Argument("realm", "The name that the browser shows when it asks for the password."),
        "type": Argument("type", "What is asked for.", choices=lambda _: [str(kind) for kind in DirectiveType]),
        "name": Argument("name", "The name of a user."),
        "password": Argument("password", "The user's password.", is_secret=True),
        "md5": Argument("md5", "MD5 of user:realm:password in hexadecimal.", is_secret=True),
        "sha256": Argument("sha256", "SHA-256 of the same.", is_secret=True),
    }
    table = [
        (f"{_WHICH} realm <realm> type <type>", "Add a directive, or change one.", _add),
        (
            f"{_WHICH} realm <realm> type <type> user <name> password <password>",
            "Add a directive with its first user.",
            _add,
        ),
        (f"{_WHICH} user <name> password", "Add a user or change a password, which is asked for.", _ask_user),
        (f"{_WHICH} user <name> password <password>", "Add a user, or change a password.", _add_user),
        (f"{_WHICH} user <name> hash <md5> <sha256>", "Add a user by what a password is checked against.", _add_hash),
        (f"no {_WHICH}", "Delete a directive.", _delete),
        (f"no {_WHICH} user <name>", "Delete a user.", _delete_user),
        ("no auth", "Delete all directives; only between begin and commit.", _delete_all),
        ("default auth", "Set the factory default.", _default),
    ]
    return [command(pattern, help_, run, **words) for pattern, help_, run in table]


def _uris(shell: Shell | None) -> Iterable[str]:
    return [] if shell is None else [directive["uri"] for directive in shell.changes.directives()]


def _uri(call: Call) -> str:
    try:
        return _PATH.parse(call.arguments["uri"])
    except InvalidValue:
        raise Complaint(f"{quoted(call.arguments['uri'])} is not {_PATH.allowed}", call.places["uri"]) from None


def _find(call: Call, directives: Directives) -> dict[str, Any]:
    uri = _uri(call)
    for directive in directives:
        if directive["uri"] == uri:
            return directive
    raise Complaint(
        f"there is no directive for {quoted(uri)}; auth uri {uri} realm REALM type TYPE adds it", call.places["uri"]
    )


def _add(call: Call) -> None:
    directives, uri, realm = call.shell.changes.directives(), _uri(call), call.arguments["realm"]
    try:
        kind = DirectiveType(call.arguments["type"].lower())
    except ValueError:
        allowed = ", ".join(DirectiveType)
        raise Complaint(
            f"{quoted(call.arguments['type'])} is not a type; one of {allowed}", call.places["type"]
        ) from None
    found = next((directive for directive in directives if directive["uri"] == uri), None)
    if found is None:
        found = {"uri": uri, "users": [], "realm": realm}
        directives.append(found)
    elif found["realm"] != realm and found["users"]:
        found["users"] = []
        if "password" not in call.arguments:
            call.shell.terminal.write("A password holds for one realm: add the users of this directive anew.\n")
    found["realm"], found["type"] = realm, str(kind)
    if "password" in call.arguments:
        _put_user(found, call.shell.new_user(call.arguments["name"], realm, call.arguments["password"]))
    call.shell.change(lambda: call.shell.changes.set_directives(directives))


def _ask_user(call: Call) -> None:
    directives = call.shell.changes.directives()
    _find(call, directives)
    password = call.shell.ask_twice("auth uri URI user NAME password PASSWORD")
    _set_user(call, password)


def _add_user(call: Call) -> None:
    _set_user(call, call.arguments["password"])


def _set_user(call: Call, password: str) -> None:
    directives = call.shell.changes.directives()
    found = _find(call, directives)
    _put_user(found, call.shell.new_user(call.arguments["name"], found["realm"], password))
    call.shell.change(lambda: call.shell.changes.set_directives(directives))


def _add_hash(call: Call) -> None:
    directives = call.shell.changes.directives()
    found = _find(call, directives)
    try:
        user = User(call.arguments["name"], call.arguments["md5"].lower(), call.arguments["sha256"].lower())
    except InvalidValue as error:
        raise Complaint(str(error), call.places["name"]) from None
    _put_user(found, user)
    call.shell.change(lambda: call.shell.changes.set_directives(directives))


def _delete(call: Call) -> None:
    directives = call.shell.changes.directives()
    directives.remove(_find(call, directives))
    call.shell.change(lambda: call.shell.changes.set_directives(directives))


def _delete_user(call: Call) -> None:
    directives = call.shell.changes.directives()
    found = _find(call, directives)
    left = [user for user in found["users"] if user["name"] != call.arguments["name"]]
    if len(left) == len(found["users"]):
        raise Complaint(f"there is no user {quoted(call.arguments['name'])}", call.places["name"])
    found["users"] = left
    call.shell.change(lambda: call.shell.changes.set_directives(directives))


def _delete_all(call: Call) -> None:
    if not call.shell.changes.is_batch:
        raise Complaint("there is always a directive for /; delete the others one by one, or begin a batch first")
    call.shell.changes.set_directives([])


def _default(call: Call) -> None:
    default = call.shell.device.settings.defaults[http.AUTHENTICATION]
    call.shell.change(lambda: call.shell.changes.set_directives(http.AUTHENTICATION.type.to_file(default)))


def _put_user(directive: dict[str, Any], user: User) -> None:
    entry = {"name": user.name, "md5": user.md5, "sha256": user.sha256}
    users = directive["users"]
    for index, present in enumerate(users):
        if present["name"] == user.name:
            users[index] = entry
            return
    users.append(entry)
