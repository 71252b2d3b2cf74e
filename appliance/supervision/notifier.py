"""Telling systemd how the program is: ready, alive, ending (sd_notify(3), sd_watchdog_enabled(3))."""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING

from appliance.supervision.one_line import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

_LARGEST_PERIOD = 2**64 - 1
"""Microseconds; systemd's word for "no watchdog"."""


class Notifier:
    """Speaks to the service manager; does nothing where there is none. Methods may be called by any thread.

    No message waits and none raises: a manager that does not read, or is gone, must not take the appliance with it.
    What cannot be sent is lost; the next sign of life says the same.

    The environment keeps NOTIFY_SOCKET, so that the program still has it after it replaced itself (execv). A child
    process sees it too, but what it sends is not heard: the unit has NotifyAccess=main. For the same reason there is
    no lasting connection: the address is looked up at each message, and a manager that begins anew is found again.
    """

    def __init__(self, address: str | None, watchdog_period: float | None = None) -> None:
        """Send to the socket at `address`: a path, or `@` and an abstract name; `None` is nobody."""
        self.watchdog_period = watchdog_period
        """Seconds within which `alive` must be called, again and again; `None` when nobody waits for it."""
        self._address: bytes | None = None
        self._socket: socket.socket | None = None
        self._shown = ""
        self._is_heard = True
        if not address:
            return
        if address[0] not in "/@":
            log.warning("NOTIFY_SOCKET is %r, a kind of address that is not known: systemd hears nothing", address)
            return
        name = os.fsencode(address)
        self._address = b"\0" + name[1:] if address[0] == "@" else name
        # Python makes every socket close-on-exec.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Notifier:
        """Build it from what systemd put into `environ` (by default this process's)."""
        environ = os.environ if environ is None else environ
        return cls(environ.get("NOTIFY_SOCKET"), _period(environ))

    @property
    def has_manager(self) -> bool:
        """Whether there is somebody to tell."""
        return self._socket is not None and self._address is not None

    def ready(self, status: str = "", *, patience: float | None = None) -> None:
        """Say that what was promised is there.

        :param patience: seconds within which `alive` must be called from now on; None for `watchdog_period`. Whoever
            is shorter tempered than that stays so.
        """
        period = self.watchdog_period
        if period is None:
            self._send("READY=1", status)
            return
        wanted = period if patience is None else max(period, patience)
        self._send(f"READY=1\nWATCHDOG_USEC={round(wanted * 1_000_000)}", status)

    def alive(self) -> None:
        """Say that the program does not hang; due every `watchdog_period`, better twice in it."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say in a line how it goes, for `systemctl status`. Sent when it differs from what was sent before."""
        if one_line(text) != self._shown:
            self._send("", text)

    def stopping(self, status: str = "") -> None:
        """Say that the program is about to end."""
        self._send("STOPPING=1", status)

    def close(self) -> None:
        """Free the socket. What is said afterwards is lost."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, state: str, status: str = "") -> None:
        sender = self._socket
        if sender is None or self._address is None:
            return
        shown = one_line(status)
        lines = [state] if state else []
        if shown or not state:
            lines.append(f"STATUS={shown}")
        try:
            sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            if self._is_heard:
                self._is_heard = False
                log.warning("systemd cannot be told how the program is: %s", error)
            return
        self._is_heard = True
        if len(lines) > bool(state):
            self._shown = shown


def _period(environ: Mapping[str, str]) -> float | None:
    """Give the watchdog's period in seconds, if it waits for this process."""
    process, period = environ.get("WATCHDOG_PID", ""), environ.get("WATCHDOG_USEC", "")
    if process and process != str(os.getpid()):
        return None  # meant for a parent
    if not (period.isascii() and period.isdigit() and len(period) <= len(str(_LARGEST_PERIOD))):
        return None
    microseconds = int(period)
    return microseconds / 1e6 if 0 < microseconds < _LARGEST_PERIOD else None
