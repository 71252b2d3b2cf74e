"""The form of a directive: what was typed, taken apart, with what is wrong beside each field."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import request

from appliance.errors import InvalidValue
from appliance.settings import Directive, DirectiveType, User, http
from appliance.settings.directive import check_realm
from appliance.settings.password import check_new_password
from appliance.settings.types.directives import PATH
from appliance.web.languages import N_, _
from appliance.web.pages.http.directives import all_directives

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME, NEW, AGAIN = "name", "new", "again"
NOT_THE_SAME = N_("This is not the same as above; type both again.")
TAKEN_URI = N_("There is a directive for this URI already.")
TAKEN_NAME = N_("There is a user of this name already.")
NEEDS_PASSWORDS = N_("A password belongs to its realm: with the new realm, type a password for every user.")
NEEDS_USER = N_("This type asks for a password, so it needs a user.")
NO_TYPE = N_("Choose one of the types.")


@dataclass(slots=True)
class DirectiveForm:
    """A form for a directive that is there, or for a new one."""

    directive: Directive | None
    texts: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    """By field, in the visitor's language."""
    trouble: str = ""
    status: int = 200

    @classmethod
    def posted(cls, directive: Directive | None, *, trouble: str = "") -> DirectiveForm:
        """Take what this request has posted."""
        return cls(directive, request.form.to_dict(), trouble=trouble)

    def text(self, name: str) -> str:
        """Give what stands in a field: as typed, else as it is. Passwords never come back."""
        here = self.directive
        present = {
            "uri": here.uri if here is not None else "/",
            "realm": here.realm if here is not None else http.AUTHENTICATION.default[0].realm,
            "type": str(here.type if here is not None else DirectiveType.DIGEST),
        }
        return self.texts.get(name, present.get(name, ""))

    @property
    def has_new_realm(self) -> bool:
        """Whether every user needs a new password."""
        return self.directive is not None and self.text("realm").strip(" ") != self.directive.realm

    @property
    def users(self) -> tuple[User, ...]:
        """Those that the directive has."""
        return self.directive.users if self.directive is not None else ()

    @property
    def needs_first_user(self) -> bool:
        """Whether the form must ask for a user, for there is none."""
        return not self.users and (self.directive is None or DirectiveType(self._type).asks_password)

    def read(self) -> Directive | None:
        """Make the directive; None when something is wrong, and the errors say what."""
        uri, realm = self._uri(), self._realm()
        if "type" in self.texts and self._type != self.texts["type"]:
            self.errors["type"] = _(NO_TYPE)
        type_ = DirectiveType(self._type)
        users = self._users(realm) if realm is not None else ()
        if type_.asks_password and not self.users and not users and NAME not in self.errors:
            self.errors.setdefault(NAME, _(NEEDS_USER))
        if self.errors or uri is None or realm is None:
            self.status = 400
            return None
        return Directive(uri, realm, type_, users)

    def refuse(self, text: str, status: int) -> None:
        """Say what is wrong as a whole."""
        self.trouble, self.status = text, status

    @property
    def _type(self) -> str:
        known = [str(type_) for type_ in DirectiveType]
        text = self.text("type")
        return text if text in known else str(self.directive.type if self.directive else DirectiveType.DIGEST)

    def _uri(self) -> str | None:
        try:
            uri = PATH.parse(self.text("uri"))
        except InvalidValue:
            self.errors["uri"] = _("Not possible. Allowed: %(allowed)s.") % {"allowed": _(PATH.allowed)}
            return None
        own = self.directive.uri if self.directive is not None else None
        if uri != own and any(other.uri == uri for other in all_directives()):
            self.errors["uri"] = _(TAKEN_URI)
        return uri

    def _realm(self) -> str | None:
        realm = self.text("realm").strip(" ")
        try:
            check_realm(realm)
        except InvalidValue as error:
            self.errors["realm"] = _(str(error))
            return None
        return realm

    def _users(self, realm: str) -> tuple[User, ...]:
        if not self.users:
            name = self.texts.get(NAME, "")
            if not name.strip(" ") and not self.texts.get(NEW):
                return ()
            user = read_user(self.texts, self.errors, name=name, realm=realm)
            return (user,) if user is not None else ()
        if not self.has_new_realm:
            return self.users
        if any(f"{NEW}-{number}" not in self.texts for number in range(len(self.users))):
            self.errors["realm"] = _(NEEDS_PASSWORDS)  # the fields for them come with the answer
            return ()
        found = [
            read_user(self.texts, self.errors, name=user.name, realm=realm, suffix=f"-{number}")
            for number, user in enumerate(self.users)
        ]
        return tuple(user for user in found if user is not None)


def read_user(
    texts: Mapping[str, str], errors: dict[str, str], *, name: str, realm: str, suffix: str = ""
) -> User | None:
    """Make a user of a password that was typed twice; None when something is wrong, and `errors` then says what.

    :param suffix: of the names of both fields with the password.
    """
    new, again = texts.get(f"{NEW}{suffix}", ""), texts.get(f"{AGAIN}{suffix}", "")
    name = unicodedata.normalize("NFC", name.strip(" "))  # as a login compares it
    try:
        User(name, "0" * 32, "0" * 64)
    except InvalidValue as error:
        errors[NAME] = _(str(error))
        return None
    try:
        check_new_password(new, name=name)
        user = User.with_password(name, realm, new)
    except InvalidValue as error:
        errors[f"{NEW}{suffix}"] = _(str(error))
        return None
    if new != again:
        errors[f"{AGAIN}{suffix}"] = _(NOT_THE_SAME)
        return None
    return user
