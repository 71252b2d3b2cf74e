"""The log of requests: the last lines, in memory."""

from __future__ import annotations

import threading
import time
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING

from appliance.httpd.log_format import LineFormat
from appliance.settings import http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appliance.httpd.exchange import Exchange
    from appliance.settings import Settings


class AccessLog:
    """Keeps one line for each request, the last *max log entries* of them. Any thread may call anything.

    The settings are followed at once: what is off writes nothing new, a new format holds for new lines, and of more
    lines than are wanted now the oldest go.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        unlogged: Iterable[str] = (),
        now: Callable[[], time.struct_time] = time.localtime,
    ) -> None:
        """Begin empty.

        :param unlogged: paths that our own pages ask for by themselves, every few seconds. An answer of status 200 to
            one of them is not logged: it would drive everything else out.
        :param now: gives the local time.
        """
        self._settings = settings
        self._unlogged = frozenset(unlogged)
        self._now = now
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        """In UTF-8: a Python text with one rare character takes four times as much."""
        self._format = LineFormat(settings[http.LOG_FORMAT])

    def add(self, exchange: Exchange) -> None:
        """Log a request whose answer has ended."""
        wanted = self._settings.in_force
        if not wanted[http.LOGGING]:
            return
        if exchange.status == HTTPStatus.OK and exchange.target.partition("?")[0] in self._unlogged:
            return
        with self._lock:  # around all of it, so that the lines are in the order of their times
            if self._format.text != wanted[http.LOG_FORMAT]:
                self._format = LineFormat(wanted[http.LOG_FORMAT])
            self._lines.append(self._format.line(exchange, self._now()).encode())
            self._drop_the_oldest()

    def lines(self) -> tuple[str, ...]:
        """Give the lines, the oldest first, each printable and without a line end."""
        with self._lock:
            self._drop_the_oldest()
            found = tuple(self._lines)
        return tuple(line.decode() for line in found)

    def clear(self) -> None:
        """Forget all lines."""
        with self._lock:
            self._lines.clear()

    @property
    def size(self) -> tuple[int, int]:
        """Number of lines, and their bytes in UTF-8 without line ends."""
        with self._lock:
            self._drop_the_oldest()
            return len(self._lines), sum(map(len, self._lines))

    def _drop_the_oldest(self) -> None:
        most = self._settings[http.MAX_LOG_ENTRIES]
        while len(self._lines) > most:
            self._lines.popleft()
