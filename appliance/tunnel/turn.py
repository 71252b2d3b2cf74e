"""Who may talk on the bus, and who hears it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from appliance.line.timing import answer_window

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.line.line import Line
    from appliance.tunnel.line_watch import LineWatch
    from appliance.tunnel.poller import Poller
    from appliance.tunnel.session import Session

LEASE_GRACE = 0.5
"""Seconds beyond the answer window that a client may think between two requests of one conversation."""


class Turn:
    """Passes the bus from client to client, each time over a line that has settled.

    A client gets the bus by the lease, and its turn when the conversation before is over on the wire: until
    then its bytes wait, and what the meters say goes to the one who asked or to nobody.
    """

    def __init__(
        self, poller: Poller, line: Line, watch: LineWatch, *, dismiss: Callable[[Session, str, bool], None]
    ) -> None:
        """Call `dismiss` with a client, the reason, and whether by reset, for those whose time on the bus has ended."""
        self._poller = poller
        self._line = line
        self._watch = watch
        self._dismiss = dismiss
        self._granted: deque[Session] = deque()
        self._heir: Session | None = None
        """Who has the bus and waits for the line to settle."""
        self._heir_limit = 0.0
        self.talker: Session | None = None
        """Whose bytes go to the line."""
        self.ear: Session | None = None
        """Who gets what the meters say."""

    def want(self, session: Session) -> None:
        """Get the bus for a client, or a place in the queue."""
        session.is_waiting = True
        session.mind()
        if self._line.lease.ask(session):
            self._begin(session)
        else:
            self._poller.at(self._poller.now)  # to look how long its holder has been quiet

    def grant(self, session: Session) -> None:
        """Take note that the lease has come to a client (any thread)."""
        self._granted.append(session)
        self._poller.wake()

    def retire(self, session: Session) -> None:
        """Take the bus from a client that has left but may still be answered; it hears that answer."""
        session.has_turn = False
        self.talker = None
        self._line.lease.give_up(session)

    def forget(self, session: Session) -> int:
        """Let go of a client that is gone.

        :returns: the number of its bytes that never reached the wire.
        """
        dropped = 0
        if session is self.talker:
            self.talker = None
            dropped = self._line.discard_output(self._poller.now)
        if session is self._heir:
            self._heir = None
        if session is self.ear:
            self.ear = None
            if not self._watch.is_reading:
                # The kernel holds what the client did not take, part of it where no flush reaches: it comes now.
                self._line.expect_input(self._poller.now)
                self._watch.is_reading = True
                self._watch.mind()
        session.has_turn = False
        self._line.lease.give_up(session)
        return dropped

    def check(self, lease_quiet: float) -> None:
        """Look at what has a deadline; `lease_quiet` seconds of silence end a lease, 0 is reckoned from the speed."""
        while self._granted:
            self._begin(self._granted.popleft())
        self._try()
        if self.talker is not None and self._line.lease.is_wanted:
            self._check_lease(self.talker, lease_quiet)

    def _begin(self, session: Session) -> None:
        if not session.is_open or session.has_turn:
            return
        now = self._poller.now
        self._heir = session
        # A babbling meter never lets the line settle; nothing that is M-Bus goes on for longer than this.
        self._heir_limit = max(now, self._line.sent_at(now)) + self._line.longest_exchange
        self._watch.mind()
        self._try()

    def _try(self) -> None:
        heir, now = self._heir, self._poller.now
        if heir is None:
            return
        settled_at = min(self._line.settled_at(now), self._heir_limit)
        if now < settled_at:
            self._poller.at(settled_at)
            return
        self._heir = None
        leaver = self.ear
        if leaver is not None and leaver.is_leaving and leaver is not heir:
            self._dismiss(leaver, "client has left", False)
        self._line.discard_input()
        self.ear = self.talker = heir
        heir.has_turn, heir.turn_at, heir.is_waiting = True, now, False
        heir.mind()
        self._watch.mind()

    def _check_lease(self, holder: Session, lease_quiet: float) -> None:
        """Pass the bus on when its holder's conversation has ended and somebody waits for it."""
        line, now = self._line, self._poller.now
        quiet = lease_quiet or answer_window(line.baud) + LEASE_GRACE
        began_at = max(line.sent_at(now), holder.turn_at)
        # Whatever a meter babbles: some time after its last word the holder's conversation is over.
        limit = max(holder.spoke_at, began_at) + line.longest_exchange + quiet
        due = min(max(holder.active_at, began_at) + quiet, limit)
        if holder.is_flooding(now) or (holder.pending and now >= limit):
            self._dismiss(holder, "others wait for the line, which it blocks", True)
        elif holder.pending or now < due:
            self._poller.at(limit if holder.pending else due)
        else:
            holder.has_turn = False
            self.talker = self.ear = None
            line.lease.give_up(holder)
            self._watch.mind()
