"""The socket of a session: telnet taken out, output put together, every wait with an end."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from typing import TYPE_CHECKING

from appliance.console.telnet import IAC, Telnet

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

OUTPUT = 8192
"""Bytes of output that are put together before they are sent."""

HUMAN = 0.5
"""Seconds after the first prompt from which on a person may have typed the answer; scripts are quicker."""

LINGER = 0.3
"""Seconds for a client to take the last words before the connection is closed."""

LINE_END_TAIL = b"\n\0"
"""What may follow the CR that ended a line, and is no input of its own."""

_READ = 4096


class Over(Exception):  # noqa: N818 (it is how every session ends)
    """The session ends; the text is told to the client."""


class EndOfInput(Exception):  # noqa: N818 (likewise)
    """The client will send nothing more; what it sent before has been carried out."""


class Wire:
    """Bytes of one client, for its session's thread; `finish` and `cut` are for any thread."""

    def __init__(
        self,
        sock: socket.socket,
        peer: str,
        *,
        clock: Callable[[], float],
        patient_for: float,
        on_negotiated: Callable[[], None],
    ) -> None:
        """Take over `sock`.

        :param patient_for: seconds that a client may take to read something of what was sent.
        :param on_negotiated: called when telnet's options may have changed.
        """
        self.peer = peer
        self.telnet = Telnet()
        self.has_spoken = False
        self.heard_at = self.prompted_at = clock()
        self.ending: str | None = None
        """Why the session is to end, once somebody has asked for that."""
        self._socket = sock
        self._socket_lock = threading.Lock()
        self._clock = clock
        self._patient_for = patient_for
        self._on_negotiated = on_negotiated
        self._was_told = threading.Event()
        self._input = bytearray()
        self._out = bytearray()
        sock.setblocking(False)

    def finish(self, why: str) -> None:
        """Have no more input, so that the session ends after the command that it is at, and says why."""
        self.ending = why
        self._was_told.set()
        self._shut(socket.SHUT_RD)

    def cut(self) -> None:
        """Have neither input nor output any more."""
        self.ending = self.ending or ""
        self._was_told.set()
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        with self._socket_lock, contextlib.suppress(OSError):
            self._socket.shutdown(how)

    # Output.

    def put(self, data: bytes | bytearray) -> None:
        """Send `data` with what comes after it, or now if it is much."""
        self._out += data
        if len(self._out) > OUTPUT:
            self.flush()

    def flush(self, seconds: float | None = None) -> None:
        """Send what was put together.

        :raises Over: when the client takes nothing for `seconds`, or as long as a client is waited for.
        """
        patience = self._patient_for if seconds is None else seconds
        sent_at = self._clock()
        while self._out:
            try:
                sent = self._socket.send(self._out)
            except BlockingIOError:
                left = sent_at + patience - self._clock()
                if left <= 0 or not self._poll(select.POLLOUT, left):
                    log.warning("console: client %s does not read", self.peer)
                    self._out.clear()
                    raise Over from None
                continue
            del self._out[:sent]
            sent_at = self._clock()

    def close(self) -> None:
        """Let the client have the last words: with input unread, a mere close would reset the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            end = self._clock() + LINGER
            while (left := end - self._clock()) > 0 and self._poll(select.POLLIN, left):
                if not self._socket.recv(65536):
                    break
        with self._socket_lock:
            self._socket.close()

    # Input.

    @property
    def is_input_waiting(self) -> bool:
        """Whether the client has sent more already."""
        return bool(self._input.strip(LINE_END_TAIL)) or self._poll(select.POLLIN, 0)

    def read_byte(self, until: Callable[[], float | None], late: str) -> int:
        """Wait for a byte, after all output has been sent.

        :param until: gives the time until which to wait; negotiation in between does not make it longer.
        :raises Over: when that has passed, with the text `late`; or with the reason, when told to end.
        :raises EndOfInput: when the client has ended its side.
        """
        if not self._input:
            end = until()
            self.flush()
            while not self._input:
                self._receive(end, late)
        return self._input.pop(0)

    def skip_to(self, ends: bytes) -> None:
        """Drop what is there before the first of `ends`."""
        places = [place for end in ends if (place := self._input.find(end)) >= 0]
        del self._input[: min(places, default=len(self._input))]

    def pause(self, seconds: float) -> None:
        """Wait, whatever the client does.

        :raises Over: when told to end.
        """
        self.flush()
        if self._was_told.wait(max(0.0, seconds)):
            raise Over(self.ending or "")

    def _receive(self, end: float | None, late: str) -> None:
        left = None if end is None else end - self._clock()
        if (left is not None and left <= 0) or not self._poll(select.POLLIN, left):
            raise Over(late)
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return
        if data:
            self._take(data)
        elif self.ending is not None:
            raise Over(self.ending)
        else:
            raise EndOfInput

    def _take(self, data: bytes) -> None:
        now = self._clock()
        # Late enough for a person: keys one by one, or lines that end as telnet ends them. nc sends a bare LF.
        is_late = not self.has_spoken and now - self.prompted_at > HUMAN
        if is_late and data[0] != IAC and (b"\n" not in data or b"\r\n" in data):
            self.telnet.offer()
        self.has_spoken = True
        found = self.telnet.feed(data)
        if found:
            self.heard_at = now
            self._input += found
        self.put(self.telnet.take_answers())
        if self.telnet.is_flood:
            raise Over("too much negotiation")
        self._on_negotiated()
        self.flush()

    def _poll(self, events: int, seconds: float | None) -> bool:
        poll = select.poll()
        poll.register(self._socket, events)
        return bool(poll.poll(None if seconds is None else seconds * 1000 + (1 if seconds else 0)))
