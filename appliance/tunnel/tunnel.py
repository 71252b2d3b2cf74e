"""The tunnel service: one thread between the TCP clients and the line."""

from __future__ import annotations

import contextlib
import logging
import select
import threading
import time
from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from appliance.errors import ListenError
from appliance.ports import Ports
from appliance.service import Service
from appliance.settings import Transition
from appliance.tunnel.admission import LISTENING, Admission
from appliance.tunnel.clients import Clients
from appliance.tunnel.configuration import TunnelConfiguration, wants
from appliance.tunnel.line_watch import LARGE_READ, SMALL_READ, LineWatch
from appliance.tunnel.poller import FOREVER, Poller
from appliance.tunnel.session import Session
from appliance.tunnel.statistics import ClientSnapshot, Counters, TunnelSnapshot
from appliance.tunnel.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.certificate import Certificate
    from appliance.line.line import Line
    from appliance.ports import Listener
    from appliance.settings import Settings, Values

log = logging.getLogger(__name__)

LEAST_ROOM = 256
"""Bytes of room on the line below which a client is not read: trickling costs more than it brings."""

RECONFIGURE_TIME = 1.0
"""Seconds that a change of settings waits for the tunnel's thread."""

REBIND = 5.0
"""Seconds between two attempts to get a port that another program holds."""

_GONE = select.EPOLLHUP | select.EPOLLERR


class Tunnel(Service):
    """Carries bytes between TCP clients and the line as they come.

    The hot path is a poll, a read and a write each way. Everything with a deadline is looked at in `_check`, which runs
    when the earliest of them has passed.
    """

    def __init__(
        self,
        settings: Settings,
        line: Line,
        *,
        host: str = "",
        certificate: Certificate | None = None,
        counters: Counters | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Build the tunnel on `line`; it listens on `host` (empty: every address) after `listen`.

        It goes on counting in `counters`, those of a tunnel whose place it takes.
        """
        super().__init__("tunnel")
        self.counters = counters or Counters()
        self._line = line
        self._clock = clock
        self._commands: deque[Callable[[], None]] = deque()
        self._poller = Poller(self._look_around, clock)
        self._watch = LineWatch(self._poller, line, on_data=self._hand_over, on_down=self._lose_line)
        self._unsubscribe = settings.subscribe(self._prepare)
        configuration = TunnelConfiguration.of(settings.in_force)  # a change that came between is among the commands
        self._clients = Clients(self._poller, line, self.counters, configuration, on_events=self._on_client)
        self._turn = Turn(self._poller, line, self._watch, dismiss=self._clients.end)
        self._clients.use(self._turn)
        self._admission = Admission(self._poller, admit=self._clients.admit, dropped=self._clients.drop)
        self._admission.configure(configuration)
        self._ports = Ports(
            settings, wants=wants, host=host, certificate=certificate, on_change=self._move, options=LISTENING
        )
        self._chunk = SMALL_READ
        self._speed_limit = FOREVER
        self._rebind_at = FOREVER
        line.on_change = line.lease.on_change = self._poller.wake

    def listen(self) -> None:
        """Bind the configured ports.

        :raises ListenError: when one cannot be had. `start` can be called all the same: the tunnel tries again.
        """
        self._ports.listen()

    def wake(self) -> None:
        """Make the loop look around now (any thread)."""
        self._poller.wake()

    def run(self) -> None:
        """Serve until told to stop."""
        self._look_around()
        if port := self.snapshot().port:
            log.info("accepting clients on port %d", port)
        self._poller.serve(self, on_due=self._check)

    def release(self) -> None:
        """Let go of clients and ports, and leave the line to whoever comes next."""
        self._poller.look_at_the_clock()
        with contextlib.ExitStack() as steps:  # the last first, each whatever became of those before
            steps.callback(self._poller.close, self.thread)
            steps.callback(self._line.lease.evict, lambda party: isinstance(party, Session))
            steps.callback(self._admission.close)
            steps.callback(self._clients.end_all, "shutting down")
            steps.callback(self._obey)
            steps.callback(self._ports.close)
            steps.callback(self._unsubscribe)

    def snapshot(self) -> TunnelSnapshot:
        """State and counts (any thread)."""
        counters, now = replace(self.counters), self._clock()
        clients = tuple(
            ClientSnapshot(
                s.connection.peer, is_secure=s.connection.is_secure, has_bus=s.has_turn, seconds=now - s.opened_at
            )
            for s in self._clients.published
        )
        return TunnelSnapshot(
            state=self._state(clients),
            port=self._ports.plain_port,
            tls_port=self._ports.secure_port,
            clients=clients,
            counters=counters,
            accept_connection_seconds=counters.connection_seconds + sum(client.seconds for client in clients),
        )

    def _state(self, clients: tuple[ClientSnapshot, ...]) -> str:
        if not self._clients.configuration.is_enabled:
            return "Disabled"
        if self._ports.fault:
            return self._ports.fault
        if clients:
            return "Connected " + ", ".join(client.peer for client in clients)
        if not self._line.up:
            return "No serial line: " + "; ".join(self._line.snapshot().faults)
        return "Waiting"

    # Bytes

    def _on_client(self, session: Session, events: int) -> None:
        if events == select.EPOLLIN and session.has_turn:  # the common case, first
            self._take(session)
            return
        if events & _GONE:
            self._clients.end(session, "connection lost", reset=True)
            return
        if events & select.EPOLLOUT:
            self._send_pending(session)
        if events & select.EPOLLIN:
            if session.has_turn:
                self._take(session)
            elif session.connection.has_nothing_more():
                self._clients.end(session, "client has left")
            else:
                self._turn.want(session)
        elif events & select.EPOLLRDHUP:
            session.has_hung_up = True
        session.mind()

    def _take(self, session: Session) -> None:
        """Move what the client sent to the line."""
        line, now = self._line, self._poller.now
        room = line.room()
        if room < LEAST_ROOM:
            self._pause(session)
            return
        try:
            data = session.connection.receive(min(room, self._chunk))
        except BlockingIOError:
            return
        except OSError as error:
            self._clients.end(session, f"connection lost: {error.strerror}", reset=True)
            return
        if not data:  # its FIN: it may be gone, or wait for the answer to what it sent before
            session.is_leaving = True
            session.mind()
            self._poller.at(now)
            return
        session.active_at = session.spoke_at = now
        if session.jammed_since is not None and not line.waiting():
            session.jammed_since = None
        self.counters.octets_from_network += len(data)
        self._chunk = LARGE_READ if len(data) >= SMALL_READ else SMALL_READ
        if not line.write(data, now):
            self._watch.mind()
        if session.connection.buffers and session.connection.has_buffered:
            self._poller.at(now)

    def _hand_over(self, data: bytes) -> None:
        """Move what the meters said to the client."""
        ear = self._turn.ear
        if ear is None:
            self.counters.octets_dropped += len(data)
            return
        ear.active_at = self._poller.now
        self.counters.octets_from_serial += len(data)
        if ear.pending:
            ear.pending += data
            return
        try:
            sent = ear.connection.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._clients.end(ear, f"connection lost: {error.strerror}", reset=True)
            return
        if sent < len(data):
            ear.pending += data[sent:]
            ear.mind()
            self._watch.is_reading = False
            self._watch.mind()

    def _send_pending(self, session: Session) -> None:
        try:
            del session.pending[: session.connection.send(session.pending)]
        except BlockingIOError:
            return
        except OSError as error:
            self._clients.end(session, f"connection lost: {error.strerror}", reset=True)
            return
        if not session.pending and session is self._turn.ear:
            self._watch.is_reading = True
            self._watch.mind()

    def _pause(self, session: Session) -> None:
        """Leave the client's bytes where they are: TCP holds it back."""
        session.is_paused = True
        if session.jammed_since is None:
            session.jammed_since = self._poller.now
        session.mind()
        self._poller.at(self._poller.now + self._line.room_again_in())

    def _lose_line(self) -> None:
        self._clients.end_all("the serial line is gone", reset=True)

    # Deadlines

    def _look_around(self) -> None:
        """Do what other threads asked for: new settings, ports that came, a bus that changed hands."""
        self.beat()
        self._obey()
        # Whoever else has the ports in hand would lose them in the middle of a word.
        if self._watch.is_ours and self._line.refresh():
            self._watch.mind()
        self._check()

    def _obey(self) -> None:
        while self._commands:
            self._commands.popleft()()

    def _check(self) -> None:
        """Look at everything that has a deadline, and set the next."""
        self._admission.check(self._poller.now)
        self._check_ports()
        self._check_speed()
        self._clients.check()
        self._turn.check(self._clients.configuration.lease_quiet)
        talker = self._turn.talker
        if talker is not None and talker.connection.has_buffered and not talker.is_paused and not talker.is_leaving:
            self._take(talker)
        self._watch.mind()

    def _check_speed(self) -> None:
        """Change the baud rate when what is on the wire has ended."""
        line, now = self._line, self._poller.now
        if not line.must_change_speed or not self._watch.is_ours:
            self._speed_limit = FOREVER
            return
        if self._speed_limit == FOREVER:
            self._speed_limit = max(now, line.sent_at(now)) + line.longest_exchange
        due = min(line.settled_at(now), self._speed_limit)
        if now >= due:
            line.take_speed()
            self._speed_limit = FOREVER
        else:
            self._poller.at(due)

    def _check_ports(self) -> None:
        """Try again to get a port that could not be had."""
        now = self._poller.now
        if self._ports.fault is None:
            self._rebind_at = FOREVER
        elif self._rebind_at == FOREVER:
            self._rebind_at = now + REBIND
        elif now >= self._rebind_at:
            self._rebind_at = now + REBIND
            try:
                self._ports.listen()
            except ListenError as error:
                log.debug("%s", error)
        self._poller.at(self._rebind_at)

    # From other threads

    def _prepare(self, old: Values, new: Values) -> Transition | None:
        configuration = TunnelConfiguration.of(new)
        if configuration == TunnelConfiguration.of(old):
            return None
        return Transition(apply=lambda: self._command(partial(self._reconfigure, configuration)), abandon=lambda: None)

    def _move(self, plain: Listener | None, secure: Listener | None) -> None:
        self._command(partial(self._listen, plain, secure))

    def _command(self, command: Callable[[], None]) -> None:
        """Have the tunnel's own thread take a change into use, and wait until it has.

        Without the wait, a change back to the former port would find it still taken.
        """
        done = threading.Event()
        self._commands.append(command)
        self._commands.append(done.set)
        self._poller.wake()
        waits = self.is_alive and threading.current_thread() is not self.thread
        if waits and not done.wait(RECONFIGURE_TIME):
            log.warning("the tunnel is slow to take its new settings into use")

    def _reconfigure(self, configuration: TunnelConfiguration) -> None:
        self._clients.reconfigure(configuration)
        self._admission.configure(configuration)
        self._end_if_disabled()

    def _listen(self, plain: Listener | None, secure: Listener | None) -> None:
        self._admission.listen(plain, secure)
        self._end_if_disabled()  # one may have come between the new settings and the end of the port

    def _end_if_disabled(self) -> None:
        if not self._clients.configuration.is_enabled:
            self._clients.end_all("the tunnel was switched off")
