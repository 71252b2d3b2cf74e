"""How often passwords may be guessed: per address, and in all. Pure; time is given."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

FREE = 5
"""Wrong passwords from one address before its tries are spaced."""

SPACING = 2.0
"""Seconds between tries from such an address."""

FORGET = 60.0
"""Seconds after its last wrong password until an address begins anew; also the least between two pardons."""

MOST_ADDRESSES = 1024

RATE = 10.0
"""Wrong passwords a second from all addresses of a kind, in the long run."""

BURST = 30.0
"""The same, at once."""

LOOKS = 300.0
"""Passwords from a spaced address that are compared with proven ones, at once; afterwards one each `SPACING`."""


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at a steady rate."""

    size: float
    rate: float
    tokens: float = field(init=False)
    filled_at: float = float("-inf")

    def __post_init__(self) -> None:
        """Begin full."""
        self.tokens = self.size

    def delay(self, now: float) -> float:
        """Give the seconds until there is a token."""
        if self.filled_at < now:
            self.tokens = min(self.size, self.tokens + (now - self.filled_at) * self.rate)
            self.filled_at = now
        return max(0.0, (1.0 - self.tokens) / self.rate)

    def is_full(self, now: float) -> bool:
        """Say whether none is missing."""
        self.delay(now)
        return self.tokens >= self.size

    def take(self, now: float) -> None:
        """Take a token; without one the debt is one token at most."""
        self.delay(now)
        self.tokens = max(-1.0, self.tokens - 1.0)


@dataclass(slots=True)
class _Guesser:
    last_wrong: float
    wrong: int = 0
    pardoned_at: float | None = None
    looks: Bucket = field(default_factory=lambda: Bucket(LOOKS, 1 / SPACING))


class Throttle:
    """Spaces the guesses of each address, and bounds those of all together.

    Only a wrong password counts. A try that comes too early is refused unseen and does not make the wait longer, so
    whoever shares the address is back `SPACING` after the guessing ends. Not safe for threads: its owner has a lock.
    """

    def __init__(self) -> None:
        self._guessers: OrderedDict[str, _Guesser] = OrderedDict()  # the last one to guess wrong stands last
        # Two, so that a crowd of known guessers does not keep out somebody who has not been wrong yet.
        self._known = Bucket(BURST, RATE)
        self._new = Bucket(BURST, RATE)

    def __len__(self) -> int:
        return len(self._guessers)

    def delay(self, address: str, now: float) -> float:
        """Give the seconds until a try from `address` will be looked at; 0 is now."""
        guesser = self._find(address, now)
        brake = (self._known if guesser is not None else self._new).delay(now)
        if guesser is None or guesser.wrong < FREE:
            return brake
        return max(brake, guesser.last_wrong + SPACING - now)

    def may_look(self, address: str, now: float) -> bool:
        """Say whether a password from a spaced `address` may be compared with what was proven there."""
        guesser = self._find(address, now)
        return guesser is None or guesser.looks.delay(now) == 0

    def looked_in_vain(self, address: str, now: float) -> None:
        """Note that it was none of them."""
        self._known_guesser(address, now).looks.take(now)

    def wrong(self, address: str, now: float) -> None:
        """Note a wrong password."""
        (self._known if self._find(address, now) is not None else self._new).take(now)
        guesser = self._known_guesser(address, now)
        guesser.wrong += 1
        guesser.last_wrong = now
        self._guessers.move_to_end(group(address))

    def right(self, address: str, now: float) -> None:
        """Note a login with a password that nothing had proven yet: it pardons the address.

        Not again within `FORGET`, or whoever has a login of his own could guess those of others between two of his.
        """
        guesser = self._find(address, now)
        if guesser is not None and (guesser.pardoned_at is None or now - guesser.pardoned_at >= FORGET):
            guesser.wrong = 0
            guesser.pardoned_at = now

    def _find(self, address: str, now: float) -> _Guesser | None:
        guesser = self._guessers.get(group(address))
        if guesser is not None and now - guesser.last_wrong >= FORGET:
            guesser.wrong = 0
            if guesser.looks.is_full(now):
                del self._guessers[group(address)]
                return None
        return guesser

    def _known_guesser(self, address: str, now: float) -> _Guesser:
        guesser = self._find(address, now)
        if guesser is None:
            self._make_room()
            guesser = self._guessers[group(address)] = _Guesser(last_wrong=now)
        return guesser

    def _make_room(self) -> None:
        """Give up one who is not spaced yet, if any: a crowd of new addresses must not free one who guesses on."""
        if len(self._guessers) < MOST_ADDRESSES:
            return
        light = (key for key, guesser in self._guessers.items() if guesser.wrong < FREE)
        del self._guessers[next(light, next(iter(self._guessers)))]


def group(address: str) -> str:
    """Give what counts as one address: an IPv6 host can take any of its network's /64 (RFC 4291 section 2.5.1)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return parsed.packed[:8].hex()
