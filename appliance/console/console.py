"""The console service: takes clients in, and gives each a session."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.console.baseline import Baselines
from appliance.console.login import Login
from appliance.console.session import LOGIN_TIME, PATIENT_FOR, Session
from appliance.errors import ListenError
from appliance.ports import Ports, Wanted
from appliance.service import Service
from appliance.settings import console as declared
from appliance.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.device_view import DeviceView
    from appliance.ports import Listener
    from appliance.settings import Values

log = logging.getLogger(__name__)

MOST_SESSIONS = 4

MOST_THREADS = 32
"""Sessions that may exist at once, those that are on their way out included."""

BUSY = b"% busy: the console has all the sessions that it can have\r\n"

REBIND = 5.0
"""Seconds between two attempts to get a port that another program holds."""

SEND_BUFFER = 32768
"""Bytes that the kernel keeps for a client that does not read; it doubles the number for its own use."""

BREATH = 0.2
"""Seconds without accepting after the system had no room for another connection."""

END_TIME = 0.5
"""Seconds for the sessions to end when the service stops."""


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """One session."""

    peer: str
    user: str
    """Empty before the login, and where there is none."""
    seconds: float


@dataclass(frozen=True, slots=True)
class ConsoleSnapshot:
    """State of the console."""

    port: int | None
    """Port listened on now; `None` while there is none."""
    fault: str | None
    """Why there is none, where there should be."""
    sessions: tuple[SessionSnapshot, ...]
    refused: int
    """Clients that were turned away because all sessions were in use."""


class Console(Service):
    """Listens, and has up to four sessions, each in a thread of its own.

    When all are in use, one that has not logged in makes room for a newcomer: first one that never sent a byte, then
    of the address that has most of them, then the one that was quiet for longest. A new port leaves sessions alone;
    switching the console off ends them after their command.
    """

    def __init__(
        self,
        device: DeviceView,
        *,
        host: str = "",
        asks_new_password: bool = True,
        on_login: Callable[[str], None] = lambda _: None,
        baselines: Baselines | None = None,
        clock: Callable[[], float] = time.monotonic,
        login_time: float = LOGIN_TIME,
        patient_for: float = PATIENT_FOR,
    ) -> None:
        """Build the console; it listens on `host` (empty: every address) after `listen`.

        :param asks_new_password: whether nothing can be changed while the factory password is in force.
        :param on_login: told the name of a user who has logged in, in the session's thread.
        :param baselines: those of a console whose place it takes.
        """
        super().__init__("console")
        self.baselines = baselines or Baselines()
        self._device = device
        self._asks_new_password = asks_new_password
        self._on_login = on_login
        self._clock = clock
        self._login_time, self._patient_for = login_time, patient_for
        self._login = Login(device.settings, clock=clock)
        self._lock = threading.Lock()
        """Around the listener and the list of sessions; nobody waits while holding it."""
        self._sessions: list[Session] = []
        self._refused = 0
        self._listener: Listener | None = None
        self._is_over = False
        self._waker = Waker()
        self._epoll = select.epoll()
        """Has the listener in it. A thread that is given up while it waits in a poll would keep the port from its
        successor; one that waits for this does not."""
        self._ports = Ports(device.settings, wants=_wanted, host=host, certificate=None, on_change=self._serve)

    def listen(self) -> None:
        """Bind the configured port.

        :raises ListenError: when it cannot be had. `start` can be called all the same: the console tries again.
        """
        self._ports.listen()

    def snapshot(self) -> ConsoleSnapshot:
        """State (any thread)."""
        now = self._clock()
        with self._lock:
            sessions = tuple(s for s in self._sessions if not s.is_leaving)
            refused = self._refused
        return ConsoleSnapshot(
            self._ports.plain_port,
            self._ports.fault,
            tuple(SessionSnapshot(s.peer, s.user, now - s.began_at) for s in sessions),
            refused,
        )

    def wake(self) -> None:
        """Make the service come round once (any thread)."""
        self._waker.wake()

    def run(self) -> None:
        """Take clients in until told to stop."""
        is_breathless = False
        while not self.stopping.is_set():
            self.beat()
            if self._ports.fault is not None:
                with contextlib.suppress(ListenError):
                    self._ports.listen()
            is_breathless = not self._accept_all(may_wait=not is_breathless)

    def release(self) -> None:
        """End all sessions and give the port back."""
        self._ports.close()
        with self._lock:
            self._is_over = True
            listener, self._listener = self._listener, None
            sessions = tuple(self._sessions)
        if listener is not None:
            listener.close()
        for session in sessions:
            session.cut()
        end = time.monotonic() + END_TIME
        for session in sessions:
            if session.thread is not threading.current_thread():
                session.thread.join(max(0.0, end - time.monotonic()))
        self._waker.close(self.thread)
        self._epoll.close()

    def _serve(self, plain: Listener | None, _: Listener | None) -> None:
        """Listen on another port from now on, or on none (whichever thread changed the settings)."""
        with self._lock:
            if self._is_over:
                unused, ended = plain, []
            else:
                unused, self._listener = self._listener, plain
                if plain is not None:
                    self._epoll.register(plain.fd, select.EPOLLIN)
                ended = list(self._sessions) if plain is None else []
        if unused is not None:
            unused.close()
        for session in ended:
            session.finish("the console is switched off")
        if plain is not None:
            log.info("console on port %d", plain.port)
        self.wake()

    def _accept_all(self, *, may_wait: bool) -> bool:
        """Wait for clients or `wake`, and take in who is there; say whether the system had room for all."""
        poll = select.poll()
        poll.register(self._waker, select.POLLIN)
        if may_wait:
            poll.register(self._epoll.fileno(), select.POLLIN)
        seconds = (REBIND if self._ports.fault is not None else None) if may_wait else BREATH
        self.is_resting = True
        try:
            poll.poll(None if seconds is None else seconds * 1000)
        finally:
            self.is_resting = False
        self._waker.clear()
        for _ in range(64):
            if self.stopping.is_set():
                break
            try:
                with self._lock:
                    accepted = self._listener.accept() if self._listener is not None else None
            except OSError as error:
                log.warning("console: no room for another client: %s", error)
                return False
            if accepted is None:
                break
            sock, address = accepted
            try:
                self._admit(sock, address[0].removeprefix("::ffff:"))
            except Exception as error:  # noqa: BLE001 (no thread for it; the next one may have more luck)
                log.warning("console: a client cannot be served: %s", error)
                sock.close()
        return True

    def _admit(self, sock: socket.socket, peer: str) -> None:
        with self._lock:
            present = [session for session in self._sessions if not session.is_leaving]
            is_crowded = len(self._sessions) >= MOST_THREADS
            victim = _least_worth(present) if len(present) >= MOST_SESSIONS else None
            if is_crowded or (victim is None and len(present) >= MOST_SESSIONS):
                self._refused += 1
                session = None
            else:
                session = self._new_session(sock, peer)
                self._sessions.append(session)
        if session is None:
            _turn_away(sock)
            return
        if victim is not None:
            victim.finish("another client takes the place of this session, which had not logged in")
        try:
            session.thread.start()
        except BaseException:
            self._forget(session)
            raise

    def _new_session(self, sock: socket.socket, peer: str) -> Session:
        for level, option, value in (
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.SOL_SOCKET, socket.SO_OOBINLINE, 1),  # telnet's urgent data mark belongs into the stream
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER),
        ):
            sock.setsockopt(level, option, value)
        return Session(
            sock,
            peer,
            device=self._device,
            login=self._login,
            baselines=self.baselines,
            asks_new_password=self._asks_new_password,
            on_login=self._on_login,
            on_end=self._forget,
            clock=self._clock,
            login_time=self._login_time,
            patient_for=self._patient_for,
        )

    def _forget(self, session: Session) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._sessions.remove(session)


def _wanted(values: Values) -> Wanted:
    return Wanted(
        plain=values[declared.PORT] if values[declared.ENABLED] else None,
        secure=None,
        plain_setting=declared.PORT,
        secure_setting=declared.PORT,
    )


def _least_worth(sessions: list[Session]) -> Session | None:
    """Choose who makes room: nobody who has logged in."""
    strangers = [session for session in sessions if not session.is_logged_in]
    addresses = Counter(session.peer for session in strangers)

    def worth(session: Session) -> tuple[bool, int, float]:
        return session.wire.has_spoken, -addresses[session.peer], session.wire.heard_at

    return min(strangers, key=worth, default=None)


def _turn_away(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setblocking(False)
        sock.send(BUSY)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(65536)  # what is unread at the close would reset the connection, and the line be lost
    sock.close()
