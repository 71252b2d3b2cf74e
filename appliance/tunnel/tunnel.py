"""The tunnel service: one thread between the TCP clients and the line."""

from __future__ import annotations

import logging
import select
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from appliance.errors import ListenError
from appliance.line.line import ALLOWANCE
from appliance.line.timing import LONGEST_FRAME, answer_window
from appliance.service import Service
from appliance.settings.tunnel import AcceptPolicy
from appliance.tunnel.admission import Admission
from appliance.tunnel.configuration import TunnelConfiguration
from appliance.tunnel.poller import FOREVER, Poller
from appliance.tunnel.ports import Ports
from appliance.tunnel.session import Session
from appliance.tunnel.statistics import ClientSnapshot, Counters, TunnelSnapshot

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from appliance.line.branch import Branch
    from appliance.line.line import Line
    from appliance.settings import Settings
    from appliance.tunnel.connection import Connection
    from appliance.tunnel.listener import Listener

log = logging.getLogger(__name__)

READ_SIZE = 4096
LEAST_ROOM = 256
"""Bytes of room on the line below which a client is not read: trickling costs more than it brings."""

SHARED_CLIENTS = 8
LAST_WORDS = 1.0
"""Seconds for which a client that has ended its side still gets what the meters answer."""

LEASE_GRACE = 0.5
"""Seconds beyond the answer window that a client may think between two requests of one conversation."""

RECONFIGURE_TIME = 1.0
"""Seconds that a change of settings waits for the tunnel's thread."""

REBIND = 5.0
"""Seconds between two attempts to get a port that another program holds."""

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Tunnel(Service):
    """Carries bytes between TCP clients and the line as they come, and decides who may talk.

    The hot path is a poll, a read and a write each way. Everything with a deadline is looked at in `_check`, which runs
    when the earliest of them has passed.
    """

    def __init__(
        self,
        settings: Settings,
        line: Line,
        *,
        host: str = "",
        tls_context: Callable[[], ssl.SSLContext] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Build the tunnel on `line`; it listens on `host` (empty: every address) after `listen`."""
        super().__init__("tunnel")
        self.counters = Counters()
        self._line = line
        self._clock = clock
        self._poller = Poller(self._look_around, clock)
        self._admission = Admission(self._poller, admit=self._admit, dropped=self._count_dropped)
        self._configuration = TunnelConfiguration.of(settings.in_force)
        self._ports = Ports(settings, host=host, tls_context=tls_context, on_change=self._reconfigure)
        self._commands: deque[Callable[[], None]] = deque()
        self._sessions: dict[int, Session] = {}
        self._clients: tuple[Session, ...] = ()
        self._watched: dict[Branch, int] = {}
        self._ear: Session | None = None
        """Who gets what the meters say."""
        self._turn: Session | None = None
        """Whose bytes go to the line."""
        self._heir: Session | None = None
        """Who has the bus and waits for the line to settle."""
        self._heir_limit = FOREVER
        self._speed_limit = FOREVER
        self._rebind_at = FOREVER
        line.on_change = self._poller.wake
        line.lease.on_change = self._poller.wake

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
        try:
            self._look_around()
            while not self.stopping.is_set():
                if self._poller.turn():
                    self._check()
        finally:
            self._shut_down()

    def snapshot(self) -> TunnelSnapshot:
        """State and counts (any thread)."""
        counters, now = self.counters, self._clock()
        clients = tuple(
            ClientSnapshot(
                s.connection.peer, is_secure=s.connection.is_secure, has_bus=s.has_turn, seconds=now - s.opened_at
            )
            for s in self._clients
        )
        return TunnelSnapshot(
            state=self._state(clients),
            port=self._ports.plain_port,
            tls_port=self._ports.secure_port,
            clients=clients,
            completed_accepts=counters.completed_accepts,
            completed_connects=counters.completed_connects,
            disconnects=counters.disconnects,
            dropped_accepts=counters.dropped_accepts,
            dropped_connects=counters.dropped_connects,
            octets_from_serial=counters.octets_from_serial,
            octets_from_network=counters.octets_from_network,
            octets_dropped=counters.octets_dropped,
            accept_connection_seconds=counters.connection_seconds + sum(client.seconds for client in clients),
        )

    def _state(self, clients: tuple[ClientSnapshot, ...]) -> str:
        if not self._configuration.is_enabled:
            return "Disabled"
        if self._ports.fault:
            return self._ports.fault
        if clients:
            return "Connected " + ", ".join(client.peer for client in clients)
        if not self._line.up:
            return "No serial line: " + "; ".join(self._line.snapshot().faults)
        return "Waiting"

    # Events

    def _look_around(self) -> None:
        """Do what other threads asked for: new settings, ports that came, a bus that changed hands."""
        while self._commands:
            self._commands.popleft()()
        if self._line.refresh():
            self._mind_line()
        self._check()

    def _on_client(self, session: Session, events: int) -> None:
        if events & _GONE:
            self._end(session, "connection lost", reset=True)
            return
        if events & select.POLLOUT:
            self._send_pending(session)
        if events & select.POLLIN:
            if session.has_turn:
                self._take(session)
            else:
                self._want(session)
        elif events & select.POLLRDHUP:
            session.has_hung_up = True
        if session.fd in self._sessions:
            self._poller.change(session.fd, session.poll_mask)

    def _on_branch(self, branch: Branch, events: int) -> None:
        if events & select.POLLIN:
            data = self._line.read(branch, READ_SIZE, self._poller.now)
            if data:
                self._hand_over(data)
        elif events & _GONE:
            self._line.lose(branch, f"{branch.name} port {branch.url}: device disconnected")
        if events & select.POLLOUT and branch.pending:
            self._line.write_pending(branch)
        if branch.port is None or (events & select.POLLOUT and not branch.pending):
            self._mind_line()
            self._poller.at(self._poller.now)

    # Bytes

    def _take(self, session: Session) -> None:
        """Move what the client sent to the line."""
        line, now = self._line, self._poller.now
        room = line.room()
        if room < LEAST_ROOM or line.wanted_baud != line.baud:
            self._pause(session)
            return
        try:
            data = session.connection.receive(room)
        except OSError as error:
            self._end(session, f"connection lost: {error.strerror}", reset=True)
            return
        if data is None:
            return
        if not data:
            self._hear_last_word(session)
            return
        session.active_at = session.spoke_at = now
        if session.jammed_since is not None and not line.waiting():
            session.jammed_since = None
        self.counters.octets_from_network += len(data)
        if not line.write(data, now):
            self._mind_line()
        if session.connection.has_buffered:
            self._poller.at(now)

    def _hand_over(self, data: bytes) -> None:
        """Move what the meters said to the client."""
        ear = self._ear
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
        except OSError as error:
            self._end(ear, f"connection lost: {error.strerror}", reset=True)
            return
        if sent < len(data):
            ear.pending += data[sent:]
            self._poller.change(ear.fd, ear.poll_mask)
            self._mind_line()

    def _send_pending(self, session: Session) -> None:
        try:
            del session.pending[: session.connection.send(session.pending)]
        except OSError as error:
            self._end(session, f"connection lost: {error.strerror}", reset=True)
            return
        if not session.pending:
            self._mind_line()

    def _pause(self, session: Session) -> None:
        """Leave the client's bytes where they are: TCP holds it back."""
        session.is_paused = True
        if session.jammed_since is None:
            session.jammed_since = self._poller.now
        self._poller.change(session.fd, session.poll_mask)
        self._poller.at(self._poller.now + self._line.room_again_in())

    # Clients come and go

    def _admit(self, connection: Connection) -> None:
        """Decide about a client that has got through to us (the accept policy)."""
        now, policy = self._poller.now, self._configuration.policy
        present = [session for session in self._sessions.values() if not session.has_left()]
        if not self._line.up:
            self._refuse(connection, "no serial line")
            return
        if policy is AcceptPolicy.SHARED:
            if len(present) >= SHARED_CLIENTS:
                self._refuse(connection, f"{SHARED_CLIENTS} clients share the line already")
                return
        else:
            for session in present:
                if policy is AcceptPolicy.REFUSE and not session.is_flooding(now):
                    self._refuse(connection, f"{session.connection.peer} is connected")
                    return
                self._end(session, f"replaced by {connection.peer}", reset=True)
            for session in list(self._sessions.values()):
                self._retire(session)
        connection.configure(self._configuration)
        session = Session(connection, now, self._on_lease)
        self._sessions[session.fd] = session
        self._poller.watch(session.fd, session.poll_mask, partial(self._on_client, session))
        self.counters.completed_accepts += 1
        self._publish()
        log.info("client %s connected", connection.peer)
        if self._line.lease.holder is None or policy is not AcceptPolicy.SHARED:
            self._want(session)
        if self._configuration.idle_timeout:
            self._poller.at(now + self._configuration.idle_timeout)

    def _refuse(self, connection: Connection, reason: str) -> None:
        # A reset and never a text: a client would take words for a broken telegram.
        log.info("client %s refused: %s", connection.peer, reason)
        self._count_dropped()
        connection.reset()

    def _retire(self, session: Session) -> None:
        """Make way for a newcomer: the client has left, but a meter may still be answering it."""
        line, now = self._line, self._poller.now
        if session is not self._turn or session.is_paused or line.settled_at(now) <= now:
            self._end(session, "client has left")
            return
        if line.waiting() > LONGEST_FRAME:
            self.counters.octets_from_network -= line.discard_output(now)
        session.is_leaving = True
        session.has_turn = False
        self._turn = None
        self._poller.change(session.fd, session.poll_mask)
        line.lease.give_up(session)

    def _hear_last_word(self, session: Session) -> None:
        """Take note of the client's FIN: it may be gone, or wait for the answer to what it sent before."""
        session.is_leaving = True
        self._poller.at(self._last_words_end(session))

    def _last_words_end(self, session: Session) -> float:
        last = max(session.active_at, self._line.sent_at(self._poller.now))
        return last + max(LAST_WORDS, answer_window(self._line.baud))

    def _end(self, session: Session, reason: str, *, reset: bool = False) -> None:
        """Let go of a client."""
        if self._sessions.pop(session.fd, None) is None:
            return
        now, line = self._poller.now, self._line
        self._poller.forget(session.fd)
        self.counters.disconnects += 1
        self.counters.connection_seconds += now - session.opened_at
        self._publish()
        if reset:
            session.connection.reset()
        else:
            session.connection.close()
        log.info("client %s disconnected: %s", session.connection.peer, reason)
        if session is self._turn:
            self._turn = None
            self.counters.octets_from_network -= line.discard_output(now)
        if session is self._heir:
            self._heir = None
        if session is self._ear:
            self._ear = None
            if session.pending:
                self._mind_line()
        session.has_turn = False
        line.lease.give_up(session)

    # The bus

    def _want(self, session: Session) -> None:
        """Get the bus for a client, or a place in the queue."""
        session.is_waiting = True
        self._poller.change(session.fd, session.poll_mask)
        if self._line.lease.ask(session):
            self._begin_turn(session)
        else:
            self._poller.at(self._poller.now)

    def _on_lease(self, session: Session) -> None:
        """Hear from any thread that a client got the bus."""
        self._commands.append(partial(self._begin_turn, session))

    def _begin_turn(self, session: Session) -> None:
        """Let a client that has the bus talk, once the line has settled."""
        if session.fd not in self._sessions or session.has_turn:
            return
        now = self._poller.now
        self._heir = session
        self._heir_limit = max(now, self._line.sent_at(now)) + self._line.longest_exchange
        self._mind_line()
        self._try_turn()

    def _try_turn(self) -> None:
        """Hand the line over when the conversation before is over; a babbling meter delays that only so long."""
        heir, now = self._heir, self._poller.now
        if heir is None:
            return
        settled_at = min(self._line.settled_at(now), self._heir_limit)
        if now < settled_at:
            self._poller.at(settled_at)
            return
        self._heir = None
        leaver = self._ear
        if leaver is not None and leaver.is_leaving and leaver is not heir:
            self._end(leaver, "client has left")
        self._line.discard_input()
        self._ear = self._turn = heir
        heir.has_turn = True
        heir.turn_at = now
        heir.is_waiting = False
        self._poller.change(heir.fd, heir.poll_mask)
        self._mind_line()

    def _give_way(self, session: Session) -> None:
        """Pass the bus on; the client may ask for it again."""
        session.has_turn = False
        self._turn = self._ear = None
        self._mind_line()
        self._line.lease.give_up(session)

    def _mind_line(self) -> None:
        """Wait for what the line's ports can do now, if the line is in our hands."""
        line = self._line
        ours = line.lease.holder is None or isinstance(line.lease.holder, Session)
        wanted = line.up if ours else ()
        for branch, fd in list(self._watched.items()):
            if branch not in wanted or branch.in_use.fd != fd:
                self._poller.forget(fd)
                del self._watched[branch]
        reading = 0 if self._ear is not None and self._ear.pending else select.POLLIN
        for branch in wanted:
            mask = reading | (select.POLLOUT if branch.pending else 0)
            fd = branch.in_use.fd
            if branch in self._watched:
                self._poller.change(fd, mask)
            else:
                self._watched[branch] = fd
                self._poller.watch(fd, mask, partial(self._on_branch, branch))
        if not line.up:
            for session in list(self._sessions.values()):
                self._end(session, "the serial line is gone", reset=True)

    # Deadlines

    def _check(self) -> None:
        """Look at everything that has a deadline, and set the next."""
        now, line = self._poller.now, self._line
        self._admission.check(now)
        self._check_ports(now)
        self._check_speed(now)
        self._try_turn()
        for session in list(self._sessions.values()):
            self._check_session(session, now)
        if self._turn is not None and line.lease.is_wanted:
            self._check_lease(self._turn, now)
        self._mind_line()

    def _check_session(self, session: Session, now: float) -> None:
        timeout = self._configuration.idle_timeout
        if session.is_leaving:
            due = self._last_words_end(session)
            if now >= due or session not in (self._turn, self._ear):
                self._end(session, "client has left")
            else:
                self._poller.at(due)
            return
        if session.is_paused:
            if self._line.room() >= ALLOWANCE // 2 and self._line.wanted_baud == self._line.baud:
                session.is_paused = False
                self._poller.change(session.fd, session.poll_mask)
            else:
                self._poller.at(now + self._line.room_again_in())
        if session.connection.has_buffered and session.has_turn and not session.is_paused:
            self._on_client(session, select.POLLIN)
            if session.fd not in self._sessions:
                return
        if timeout and not session.is_waiting:
            active_at = max(session.active_at, self._line.sent_at(now)) if session.has_turn else session.active_at
            if now >= active_at + timeout:
                self._end(session, f"idle for {timeout:g} s")
            else:
                self._poller.at(active_at + timeout)

    def _check_lease(self, holder: Session, now: float) -> None:
        """Pass the bus on when its holder's conversation has ended and somebody waits for it."""
        line = self._line
        quiet = self._configuration.lease_quiet or answer_window(line.baud) + LEASE_GRACE
        sent_at = max(line.sent_at(now), holder.turn_at)
        # Whatever a meter babbles: some time after its last word the holder's conversation is over.
        limit = max(holder.spoke_at, sent_at) + line.longest_exchange + quiet
        due = min(max(holder.active_at, sent_at) + quiet, limit)
        if holder.is_flooding(now) or (holder.pending and now >= limit):
            self._end(holder, "others wait for the line, which it blocks", reset=True)
        elif holder.pending or now < due:
            self._poller.at(limit if holder.pending else due)
        else:
            self._give_way(holder)

    def _check_speed(self, now: float) -> None:
        """Change the baud rate when what is on the wire has ended."""
        line = self._line
        if line.wanted_baud == line.baud or not self._has_line:
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

    def _check_ports(self, now: float) -> None:
        """Try again to get a port that could not be had."""
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

    def _reconfigure(self, configuration: TunnelConfiguration, plain: Listener | None, secure: Listener | None) -> None:
        """Take new settings and ports into use in the tunnel's own thread, and wait until it has.

        Without the wait, a change back to the former port would find it still taken.
        """
        done = threading.Event()
        self._commands.append(partial(self._apply, configuration, plain, secure, done))
        self._poller.wake()
        if self.is_alive and not done.wait(RECONFIGURE_TIME):
            log.warning("the tunnel is slow to take its new settings into use")

    def _apply(
        self,
        configuration: TunnelConfiguration,
        plain: Listener | None,
        secure: Listener | None,
        done: threading.Event,
    ) -> None:
        self._configuration = configuration
        self._admission.configure(configuration)
        self._admission.listen(plain, secure)
        for session in list(self._sessions.values()):
            if configuration.is_enabled:
                session.connection.configure(configuration)
            else:
                self._end(session, "the tunnel was switched off")
        done.set()

    def _count_dropped(self) -> None:
        self.counters.dropped_accepts += 1

    def _publish(self) -> None:
        self._clients = tuple(self._sessions.values())

    def _shut_down(self) -> None:
        while self._commands:
            self._commands.popleft()()
        for session in list(self._sessions.values()):
            self._end(session, "shutting down")
        self._admission.close()
        self._ports.close()
        self._poller.close()

    @property
    def _has_line(self) -> bool:
        holder = self._line.lease.holder
        return holder is None or isinstance(holder, Session)
