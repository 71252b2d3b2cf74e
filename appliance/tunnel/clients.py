"""The clients that are connected: who gets in, and how each one goes."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from appliance.line.line import ALLOWANCE
from appliance.line.timing import LONGEST_FRAME, answer_window
from appliance.settings.tunnel import AcceptPolicy
from appliance.tunnel.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appliance.line.line import Line
    from appliance.tunnel.configuration import TunnelConfiguration
    from appliance.tunnel.connection import Connection
    from appliance.tunnel.poller import Poller
    from appliance.tunnel.statistics import Counters
    from appliance.tunnel.turn import Turn

log = logging.getLogger(__name__)

SHARED_CLIENTS = 8
MOST_SESSIONS = 2 * SHARED_CLIENTS
"""Clients in all, with those that have left and whose last request waits for its turn."""

LAST_WORDS = 1.0
"""Seconds for which a client that has ended its side still gets what the meters answer."""


class Clients:
    """Applies the accept policy and the disconnect mode."""

    def __init__(
        self,
        poller: Poller,
        line: Line,
        counters: Counters,
        configuration: TunnelConfiguration,
        *,
        on_events: Callable[[Session, int], None],
    ) -> None:
        """Give the events of each client's connection to `on_events`."""
        self._poller = poller
        self._line = line
        self._counters = counters
        self._on_events = on_events
        self._sessions: dict[int, Session] = {}
        self.configuration = configuration
        self.published: tuple[Session, ...] = ()
        """For other threads."""

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def use(self, turn: Turn) -> None:
        """Get clients their turn on the bus from `turn`."""
        self._turn = turn

    def admit(self, connection: Connection) -> None:
        """Decide about a client that has got through to us."""
        now, policy = self._poller.now, self.configuration.policy
        if not self._line.up:
            self._refuse(connection, "no serial line")
            return
        present = [session for session in self if not session.has_left()]
        if policy is AcceptPolicy.SHARED:
            if len(present) >= SHARED_CLIENTS or len(self._sessions) >= MOST_SESSIONS:
                self._refuse(connection, f"{SHARED_CLIENTS} clients share the line already")
                return
        else:
            for session in present:
                if policy is AcceptPolicy.REFUSE and not session.is_flooding(now):
                    self._refuse(connection, f"{session.connection.peer} is connected")
                    return
                self.end(session, f"replaced by {connection.peer}", reset=True)
            for session in self:
                self._retire(session)
        self._begin(connection)

    def drop(self) -> None:
        """Count a client that did not get in."""
        self._counters.dropped_accepts += 1

    def end(self, session: Session, reason: str, reset: bool = False) -> None:
        """Let go of a client."""
        if not session.is_open:
            return
        session.is_open = False
        del self._sessions[session.fd]
        self._poller.forget(session.fd)
        # Before anybody can see that the client has gone, its bytes have.
        self._counters.octets_from_network -= self._turn.forget(session)
        self._counters.disconnects += 1
        self._counters.connection_seconds += self._poller.now - session.opened_at
        self.published = tuple(self)
        if reset:
            session.connection.reset()
        else:
            session.connection.close()
        log.info("client %s disconnected: %s", session.connection.peer, reason)

    def end_all(self, reason: str, *, reset: bool = False) -> None:
        """Let go of everybody."""
        for session in self:
            self.end(session, reason, reset)

    def reconfigure(self, configuration: TunnelConfiguration) -> None:
        """Use new settings, for those who are connected too."""
        self.configuration = configuration
        for session in self:
            session.connection.configure(configuration)

    def check(self) -> None:
        """Look at what has a deadline."""
        for session in self:
            if session.is_leaving:
                self._check_leaving(session)
                continue
            if session.is_paused:
                self._check_paused(session)
            self._check_idle(session)

    def _begin(self, connection: Connection) -> None:
        connection.configure(self.configuration)
        session = Session(connection, self._poller, self._turn.grant)
        self._sessions[session.fd] = session
        self._poller.watch(session.fd, session.poll_mask, partial(self._on_events, session))
        self._counters.completed_accepts += 1
        self.published = tuple(self)
        log.info("client %s connected", connection.peer)
        if self._line.lease.holder is None or self.configuration.policy is not AcceptPolicy.SHARED:
            self._turn.want(session)
        self._check_idle(session)

    def _refuse(self, connection: Connection, reason: str) -> None:
        # A reset and never a text: a client would take words for a broken telegram.
        log.info("client %s refused: %s", connection.peer, reason)
        self.drop()
        connection.reset()

    def _retire(self, session: Session) -> None:
        """Make way for a newcomer: the client has left, but a meter may still be answering it."""
        line, now = self._line, self._poller.now
        if session is not self._turn.talker or session.is_paused or line.settled_at(now) <= now:
            self.end(session, "client has left")
            return
        if line.waiting() > LONGEST_FRAME:
            self._counters.octets_from_network -= line.discard_output(now)
        session.is_leaving = True
        session.mind()
        self._turn.retire(session)

    def _check_leaving(self, session: Session) -> None:
        last = max(session.active_at, self._line.sent_at(self._poller.now))
        due = last + max(LAST_WORDS, answer_window(self._line.baud))
        if self._poller.now >= due or session not in (self._turn.talker, self._turn.ear):
            self.end(session, "client has left")
        else:
            self._poller.at(due)

    def _check_paused(self, session: Session) -> None:
        if self._line.room() >= ALLOWANCE // 2 and not self._line.must_change_speed:
            session.is_paused = False
            session.mind()
        else:
            self._poller.at(self._poller.now + self._line.room_again_in())

    def _check_idle(self, session: Session) -> None:
        timeout = self.configuration.idle_timeout
        if not timeout or session.is_waiting:
            return
        sent_at = self._line.sent_at(self._poller.now) if session.has_turn else session.active_at
        due = max(session.active_at, sent_at) + timeout
        if self._poller.now >= due:
            self.end(session, f"idle for {timeout:g} s")
        else:
            self._poller.at(due)
