"""Who may use the console: the users of the web pages."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from appliance.httpd.authentication.throttle import Throttle
from appliance.settings import http

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.settings import Settings, User


class Login:
    """Checks names and passwords, and spaces the tries of those who guess; shared by all sessions (any thread).

    The users are those of the directive for `/`; where that asks for no password, those of all directives. Only a
    device that has no user at all lets everybody in, as its pages do.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Check against the running `settings`."""
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._throttle = Throttle()

    @property
    def is_needed(self) -> bool:
        """Whether anybody could log in."""
        return bool(self._users())

    def delay(self, address: str) -> float:
        """Give the seconds until a try from `address` may be checked."""
        with self._lock:
            return self._throttle.delay(address, self._clock())

    def check(self, address: str, name: str, password: str) -> bool:
        """Say whether `name` has this password. It takes as long for a name that nobody has: all users are checked."""
        right = [user.name == name for realm, user in self._users() if user.has_password(realm, password)]
        is_right = any(right)
        with self._lock:
            (self._throttle.right if is_right else self._throttle.wrong)(address, self._clock())
        return is_right

    def _users(self) -> list[tuple[str, User]]:
        directives = self._settings.running[http.AUTHENTICATION]
        ruling = [d for d in directives if d.uri == "/" and d.type.asks_password]
        return [(directive.realm, user) for directive in ruling or directives for user in directive.users]
