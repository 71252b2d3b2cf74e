"""Login with the scheme Basic (RFC 7617)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g
from flask_httpauth import HTTPBasicAuth

from appliance.httpd.authentication.credentials import BasicCredentials, read_basic
from appliance.httpd.authentication.nonces import Account

if TYPE_CHECKING:
    from appliance.httpd.authentication.desk import Attempt, Desk
    from appliance.settings import User


class BasicLogin(HTTPBasicAuth):  # type: ignore[misc]  # flask-httpauth ships no types
    """Basic for one realm, on passwords that are kept as hashes, with spaced guesses."""

    def __init__(self, realm: str, desk: Desk) -> None:
        """Check in `realm`; the callback of `get_password` gives the User for a name."""
        super().__init__(realm=realm)
        self._desk = desk

    def challenges(self, attempt: Attempt) -> tuple[str, ...]:  # noqa: ARG002 (Digest needs it)
        """Give the values of WWW-Authenticate."""
        return (f'Basic realm="{self.realm}", charset="UTF-8"',)

    def get_auth(self) -> BasicCredentials | None:
        """Read the header of the present request."""
        return read_basic(g.attempt.authorization)

    def authenticate(self, auth: object, stored: User | None) -> str | None:
        """Give the user's name when the password is right."""
        if not isinstance(auth, BasicCredentials):
            return None
        desk, attempt = self._desk, g.attempt
        user = stored or desk.nobody
        account = Account(self.realm, user, attempt.address)
        with desk.lock:
            now = desk.clock()
            delay = desk.throttle.delay(account.address, now)
            # While guesses are spaced a look at the proven ones is a guess too, so looks are counted.
            if (not delay or desk.throttle.may_look(account.address, now)) and desk.is_proven(account, auth.password):
                return user.name
            if delay:
                if desk.has_proof_from(account.address):
                    desk.throttle.looked_in_vain(account.address, now)
                attempt.refused_for = delay
                return None
            if not user.has_password(self.realm, auth.password) or stored is None:
                desk.throttle.wrong(account.address, now)
                return None
            desk.throttle.right(account.address, now)
            desk.prove(account, auth.password)
        desk.tell(user.name)
        return user.name
