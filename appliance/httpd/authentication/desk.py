"""What all logins of the web server share: the clock, the throttle, and what has been proven."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.httpd.authentication.nonces import Account, Nonces
from appliance.httpd.authentication.throttle import Throttle
from appliance.settings import User

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

MOST_PASSWORDS = 64


@dataclass(slots=True)
class Attempt:
    """One request that must log in: what is asked, and what came of it."""

    address: str
    method: str
    target: str
    origin: str
    """Scheme and authority by which the client called this server, in lower case."""
    authorization: str
    refused_for: float = 0.0
    """Seconds until a password from this address will be looked at; 0 unless it was not."""
    stale: Account | None = None
    """Who gave a right answer with a nonce that counts no more."""


class Desk:
    """Where passwords are checked, one at a time under `lock`: the work is some microseconds and frees no GIL."""

    def __init__(self, *, clock: Callable[[], float], on_login: Callable[[str], None]) -> None:
        """Begin with nothing proven."""
        self.clock = clock
        self.lock = threading.Lock()
        self.throttle = Throttle()
        self.nonces = Nonces()
        # Whoever does not exist has a password too, which nobody knows: both take the same work.
        self.nobody = User("nobody", secrets.token_hex(16), secrets.token_hex(32))
        self._on_login = on_login
        self._key = secrets.token_bytes(32)
        self._passwords: OrderedDict[bytes, Account] = OrderedDict()

    def void(self) -> None:
        """Trust nothing any more that was proven before; call it under `lock`."""
        self.nonces.void()
        self._passwords.clear()

    def is_proven(self, account: Account, password: str) -> bool:
        """Say whether this password was right before, for this account from its address; under `lock`."""
        key = self._hash(account, password)
        if self._passwords.get(key) != account:
            return False
        self._passwords.move_to_end(key)
        return True

    def has_proof_from(self, address: str) -> bool:
        """Say whether any password was right before from this address; under `lock`."""
        return any(account.address == address for account in self._passwords.values())

    def prove(self, account: Account, password: str) -> None:
        """Note that it is right; under `lock`."""
        while len(self._passwords) >= MOST_PASSWORDS:
            self._passwords.popitem(last=False)
        self._passwords[self._hash(account, password)] = account

    def tell(self, name: str) -> None:
        """Tell of the first use of a nonce or a password; not under `lock`."""
        try:
            self._on_login(name)
        except Exception:
            log.exception("a part of the device could not take note of a login")

    def _hash(self, account: Account, password: str) -> bytes:
        text = "\0".join((account.address, account.realm, account.user.name, password))
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
