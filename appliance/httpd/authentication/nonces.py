"""Nonces of Digest (RFC 7616 section 3.3): signed, so that only those that led to a login need memory.

Time is given. Not safe for threads: its owner has a lock.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from appliance.settings import User

UNUSED_LIFE = 300.0
"""Seconds in which a nonce must be used first."""

IDLE_LIFE = 600.0
"""Seconds after its last use."""

WHOLE_LIFE = 3600.0
"""Seconds after it was made."""

MOST_PROVEN = 256
WINDOW = 64
"""How far behind the highest count one may come: a browser's connections overtake each other."""

STRIKES = 3
"""Wrong passwords that make a proven nonce count no more."""

_SERIAL, _TIME, _VOUCHER, _SIGNATURE = 6, 6, 8, 16
_NOBODY = bytes(_VOUCHER)


class Account(NamedTuple):
    """A user with a password in a realm, at the address from which the password was proven."""

    realm: str
    user: User
    address: str


@dataclass(slots=True)
class _Proven:
    serial: int
    made_at: float
    account: Account
    last_use: float
    highest: int = 0
    seen: int = 0
    """Bit n: the count `highest` - n was used."""
    strikes: int = 0

    def use(self, count: int) -> bool:
        """Note `count`; False when it was used before, or is too far behind to tell."""
        if count > self.highest:
            self.seen = ((self.seen << min(count - self.highest, WINDOW)) | 1) & ((1 << WINDOW) - 1)
            self.highest = count
            return True
        bit = 1 << (self.highest - count) if self.highest - count < WINDOW else 0
        if not bit or self.seen & bit:
            return False
        self.seen |= bit
        return True


class _Made(NamedTuple):
    serial: int
    at: float
    voucher: bytes


class Nonces:
    """Makes nonces, and takes each count of each once.

    One that was used is *proven*: only who knows the password has had it accepted. A proven one that is given up for
    want of room takes with it all that were made before it and are not proven, so none can be used again.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._serial = 0
        self._floor = 0
        self._proven: OrderedDict[str, _Proven] = OrderedDict()

    def __len__(self) -> int:
        return len(self._proven)

    def make(self, realm: str, now: float, *, voucher: Account | None = None) -> str:
        """Make a nonce; with `voucher` for an account that has just given a right answer with a stale one."""
        self._serial += 1
        vouched = self._voucher(voucher) if voucher is not None else _NOBODY
        fields = self._serial.to_bytes(_SERIAL) + int(max(now, 0.0) * 1000).to_bytes(_TIME) + vouched
        return urlsafe_b64encode(fields + self._sign(b"nonce", realm.encode(), fields)).decode()

    def void(self) -> None:
        """Make every nonce so far stale."""
        self._proven.clear()
        self._floor = self._serial

    def is_proven(self, nonce: str) -> bool:
        """Say whether it was used before, and still has a state."""
        return nonce in self._proven

    def is_trusted(self, nonce: str, account: Account, now: float) -> bool:
        """Say whether `account` itself, at its address, has been given or has used this nonce with a right answer."""
        proven = self._proven.get(nonce)
        if proven is not None:
            return proven.account == account and proven.strikes < STRIKES
        made = self._fresh(nonce, account.realm, now)
        return made is not None and hmac.compare_digest(made.voucher, self._voucher(account))

    def wrong(self, nonce: str, account: Account, now: float) -> None:
        """Note a wrong answer that came with a trusted nonce."""
        proven = self._proven.get(nonce)
        if proven is None:
            made = self._fresh(nonce, account.realm, now)
            if made is None:
                return
            proven = self._keep(nonce, made, account, now)
        proven.strikes += 1

    def use(self, nonce: str, account: Account, count: int, now: float) -> bool:
        """Take a right answer; False when the nonce is stale, another's or not ours, or the count was used before."""
        proven = self._proven.get(nonce)
        if proven is None:
            made = self._fresh(nonce, account.realm, now)
            if made is None:
                return False
            proven = self._keep(nonce, made, account, now)
        if (
            proven.strikes >= STRIKES
            or now - proven.last_use > IDLE_LIFE
            or now - proven.made_at > WHOLE_LIFE
            # Another address is well: a host may change it. Another user is not.
            or (proven.account.realm, proven.account.user) != (account.realm, account.user)
            or not proven.use(count)
        ):
            return False
        proven.last_use = now
        self._proven.move_to_end(nonce)
        return True

    def _keep(self, nonce: str, made: _Made, account: Account, now: float) -> _Proven:
        while len(self._proven) >= MOST_PROVEN:
            _, oldest = self._proven.popitem(last=False)
            self._floor = max(self._floor, oldest.serial)
        proven = self._proven[nonce] = _Proven(made.serial, made.at, account, now)
        return proven

    def _fresh(self, nonce: str, realm: str, now: float) -> _Made | None:
        """Read a nonce that can still be used for the first time."""
        made = self._read(nonce, realm)
        return made if made is not None and made.serial > self._floor and now - made.at <= UNUSED_LIFE else None

    def _read(self, nonce: str, realm: str) -> _Made | None:
        try:
            raw = urlsafe_b64decode(nonce.encode("ascii"))
        except ValueError:
            return None
        # The decoder is lenient; a second spelling of a nonce would be a second nonce with counts of its own.
        if len(raw) != _SERIAL + _TIME + _VOUCHER + _SIGNATURE or urlsafe_b64encode(raw).decode() != nonce:
            return None
        fields, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(b"nonce", realm.encode(), fields)):
            return None
        return _Made(
            int.from_bytes(fields[:_SERIAL]),
            int.from_bytes(fields[_SERIAL : _SERIAL + _TIME]) / 1000,
            fields[_SERIAL + _TIME :],
        )

    def _voucher(self, account: Account) -> bytes:
        user = account.user
        return self._sign(
            b"voucher", account.realm.encode(), user.name.encode(), user.sha256.encode(), account.address.encode()
        )[:_VOUCHER]

    def _sign(self, *parts: bytes) -> bytes:
        text = b"".join(len(part).to_bytes(4) + part for part in parts)
        return hmac.digest(self._key, text, hashlib.sha256)[:_SIGNATURE]
