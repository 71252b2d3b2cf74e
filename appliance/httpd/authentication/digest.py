"""Login with the scheme Digest (RFC 7616)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from flask import g
from flask_httpauth import HTTPDigestAuth

from appliance.httpd.authentication.credentials import ALGORITHMS, DigestCredentials, read_digest
from appliance.httpd.authentication.nonces import Account

if TYPE_CHECKING:
    from appliance.httpd.authentication.desk import Attempt, Desk
    from appliance.settings import User


class DigestLogin(HTTPDigestAuth):  # type: ignore[misc]  # flask-httpauth ships no types
    """Digest for one realm. Of the base class only the frame is left: its check lets replays and downgrades pass."""

    def __init__(self, realm: str, desk: Desk) -> None:
        """Check in `realm`; the callback of `get_password` gives the User for a name."""
        super().__init__(realm=realm, use_ha1_pw=True, qop="auth")
        self._desk = desk
        # No secret: the nonce is what is signed. The same after a restart, so that open pages go on.
        self._opaque = hashlib.sha256(b"opaque:" + realm.encode()).hexdigest()[:32]

    def challenges(self, attempt: Attempt) -> tuple[str, ...]:
        """Give the values of WWW-Authenticate, for each algorithm one, the better first (RFC 7616 section 3.7)."""
        with self._desk.lock:
            nonce = self._desk.nonces.make(self.realm, self._desk.clock(), voucher=attempt.stale)
        stale = ", stale=true" if attempt.stale is not None else ""
        return tuple(
            f'Digest realm="{self.realm}", nonce="{nonce}", opaque="{self._opaque}", algorithm={algorithm}, '
            f'qop="auth", charset=UTF-8{stale}'
            for algorithm in ALGORITHMS
        )

    def get_auth(self) -> DigestCredentials | None:
        """Read the header of the present request."""
        return read_digest(g.attempt.authorization)

    def authenticate(self, auth: object, stored: User | None) -> str | None:
        """Give the user's name when the answer is right, for this request, and was not used before."""
        attempt = g.attempt
        if not isinstance(auth, DigestCredentials) or not self._is_for(auth, attempt):
            return None
        desk, nonces, throttle = self._desk, self._desk.nonces, self._desk.throttle
        user = stored or desk.nobody
        account = Account(self.realm, user, attempt.address)
        with desk.lock:
            now = desk.clock()
            is_trusted = nonces.is_trusted(auth.nonce, account, now)
            delay = 0.0 if is_trusted else throttle.delay(account.address, now)
            if delay:
                attempt.refused_for = delay
                return None
            if not hmac.compare_digest(auth.response, auth.expected(attempt.method, user)) or stored is None:
                throttle.wrong(account.address, now)
                if is_trusted:
                    nonces.wrong(auth.nonce, account, now)
                return None
            is_first = not nonces.is_proven(auth.nonce)
            if not nonces.use(auth.nonce, account, int(auth.nc, 16), now):
                # The password is known to whoever sent this, so the browser may go on without asking for it.
                attempt.stale = account
                return None
            if not is_trusted:
                throttle.right(account.address, now)
        if is_first:
            desk.tell(user.name)
        return user.name

    def _is_for(self, auth: DigestCredentials, attempt: Attempt) -> bool:
        """Say whether this answers our challenge for this very request."""
        if auth.realm != self.realm or auth.opaque != self._opaque:
            return False
        length = len(attempt.origin)
        if auth.uri[:length].lower() != attempt.origin:
            return auth.uri == attempt.target
        rest = auth.uri[length:]  # it is in absolute form, and calls this server as the request does
        return attempt.target == (rest if rest.startswith("/") else f"/{rest}")
