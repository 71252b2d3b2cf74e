"""Addresses of a broker by its name, without waiting for slow name servers."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from appliance.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

Address = tuple[int, tuple[Any, ...]]
"""Family and socket address."""

MOST = 8
"""Addresses of one name that are tried."""


class Resolution:
    """One question to the system's resolver, which can take half a minute to find that nobody answers.

    It cannot be interrupted, so it has a thread of its own that does nothing else, holds nothing, and ends with the
    question; whoever asked waits only as long as it likes. An address in digits is its own answer.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        on_end: Callable[[], None],
        resolve: Callable[..., Sequence[tuple[int, int, int, str, tuple[Any, ...]]]] = socket.getaddrinfo,
    ) -> None:
        """Ask for `host`; `on_end` is called, in that thread, when there is an answer."""
        self._host, self._port = host, port
        self._on_end = on_end
        self._resolve = resolve
        self._addresses: tuple[Address, ...] | None = None
        self._error = ""
        self._thread: threading.Thread | None = None
        try:
            found = ipaddress.ip_address(host)
        except ValueError:
            self._thread = threading.Thread(target=self._ask, name="mqtt-resolver", daemon=True)
            self._thread.start()
        else:
            family = socket.AF_INET6 if found.version == 6 else socket.AF_INET
            self._addresses = ((family, (host, port)),)

    @property
    def is_over(self) -> bool:
        """Whether there is an answer."""
        return self._thread is None or not self._thread.is_alive() or self._addresses is not None

    def addresses(self) -> tuple[Address, ...] | None:
        """Give the addresses; None while there is no answer.

        :raises BrokerError: when there are none.
        """
        if self._error:
            raise BrokerError(self._error)
        return self._addresses

    def _ask(self) -> None:
        try:
            answers = self._resolve(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            log.debug("%s: %s", self._host, error)
            self._error = "the name of the broker is not known"
        else:
            self._addresses = tuple((family, address) for family, _, _, _, address in answers[:MOST])
        self._on_end()
