"""The M-Bus line: two physical ports on one logical bus."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import LineError
from appliance.line.branch import Branch, BranchSnapshot
from appliance.line.lease import Lease
from appliance.line.tap import DeafTap
from appliance.line.timing import LONGEST_FRAME, UART_FIFO, answer_window, character_time, silence
from appliance.settings import Settings, Transition, Values
from appliance.settings import line as declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.line.lease import Party
    from appliance.line.tap import Tap

log = logging.getLogger(__name__)

ALLOWANCE = 2048
"""Bytes that may wait for the wire: 9.4 s at 2400 bit/s. More would block the bus long after their sender has left."""


@dataclass(frozen=True, slots=True)
class LineSnapshot:
    """State of the line."""

    baud: int
    is_up: bool
    branches: tuple[BranchSnapshot, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, a sentence a port that should be there and is not."""
        return tuple(branch.fault for branch in self.branches if branch.url and branch.fault)


class Line:
    """Moves bytes for whoever has the line in hand; the `LineKeeper` opens its ports.

    Methods are for the one thread that holds the line, unless they say *any thread*. A request goes to every
    branch that is up; answers come from either.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Build the line from the settings; nothing is open yet."""
        self.lease = Lease()
        self.on_change: Callable[[], None] = lambda: None
        """Called from any thread when `refresh` has something to do."""
        self.on_missing: Callable[[], None] = lambda: None
        """Called from any thread when a port is to be opened."""
        self.left_to: Party | None = None
        """Who has the ports in hand besides the tunnel: set by the tunnel's thread when it has left them to a holder of
        the lease that is no client, and unset when it takes them back."""
        self.on_left: Callable[[], None] = lambda: None
        """Called by the tunnel's thread when `left_to` has changed."""
        self.tap: Tap = DeafTap()
        """Who hears every byte."""
        values = settings.in_force
        self.baud: int = values[declared.BAUD_RATE]
        self.wanted_baud = self.baud
        self._note_speed()
        self.up: tuple[Branch, ...] = ()
        self._two_wire = Branch("two-wire", values[declared.TWO_WIRE])
        self._optical = Branch("optical", values[declared.OPTICAL])
        self.branches = (self._two_wire, self._optical)
        self._clock = clock
        self._room = 0
        self._received_at = self._written_at = self._sent_at = float("-inf")
        self._unsubscribe = settings.subscribe(self._prepare)

    def close(self) -> None:
        """Give the devices back, after everybody who uses the line has ended."""
        self._unsubscribe()
        for branch in self.branches:
            branch.close()
        self.up = ()

    def _prepare(self, old: Values, new: Values) -> Transition | None:
        baud, two_wire, optical = new[declared.BAUD_RATE], new[declared.TWO_WIRE], new[declared.OPTICAL]
        if (baud, two_wire, optical) == (old[declared.BAUD_RATE], old[declared.TWO_WIRE], old[declared.OPTICAL]):
            return None

        def apply() -> None:
            self.wanted_baud, self._two_wire.url, self._optical.url = baud, two_wire, optical
            self._room = 0
            self.on_missing()
            self.on_change()

        return Transition(apply=apply, abandon=lambda: None)

    # What the holder of the line does.

    def refresh(self) -> bool:
        """Take opened ports into use and leave those that are no longer wanted.

        :returns: whether the set of ports changed.
        """
        changed = False
        for branch in self.branches:
            try:
                changed |= branch.refresh(self.baud)
            except LineError as error:
                branch.lose(str(error))
                changed = True
        if changed:
            self._note_ports()
        return changed

    def read(self, branch: Branch, size: int, now: float) -> bytes:
        """Read what has arrived on `branch`; nothing (``b""``) too when the device has just vanished."""
        try:
            data = branch.read(size)
        except BlockingIOError:
            return b""
        except OSError as error:
            self.lose(branch, f"{branch.url}: {error.strerror}")
            return b""
        if not data:
            self.lose(branch, f"{branch.url}: device disconnected")
            return b""
        branch.received += len(data)
        self._received_at = now
        self.tap.heard(branch, data, now)
        return data

    def write(self, data: bytes, now: float) -> bool:
        """Send `data` on every branch. Ask `room` first how much may be given.

        :returns: whether the kernel took it all; if not, a branch has `pending` bytes or has vanished.
        """
        self._room -= len(data)
        self._written_at = now
        # More than the allowance never waits, whatever a line without a pace of its own has swallowed.
        if self._sent_at < now:
            self._sent_at = now + len(data) * self._character
        else:
            self._sent_at = min(self._sent_at + len(data) * self._character, now + self._most_waiting)
        taken = True
        for branch in self.up:
            if branch.pending:
                branch.pending += data
                taken = False
            elif self._give(branch, data) < len(data):
                taken = False
        # The bytes are on their way: this costs the client's request no time.
        self.tap.sent(self.lease.holder, data, now, self._sent_at)
        return taken

    def write_pending(self, branch: Branch) -> None:
        """Go on writing what the kernel would not take before."""
        data = bytes(branch.pending)
        branch.pending.clear()
        self._give(branch, data)

    def _give(self, branch: Branch, data: bytes) -> int:
        """Hand `data` to the kernel and keep what it does not take as pending; give the number of bytes taken."""
        try:
            sent = branch.write(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.lose(branch, f"{branch.url}: {error.strerror}")
            return 0
        branch.transmitted += sent
        if sent < len(data):
            branch.pending += data[sent:]
        return sent

    def lose(self, branch: Branch, reason: str) -> None:
        """Note that the device of `branch` has vanished; the keeper tries to get it back."""
        branch.lose(reason)
        self._note_ports()
        self.on_missing()

    def room(self) -> int:
        """Bytes that may be given to `write` now, so that never more than `ALLOWANCE` wait for the wire.

        None while a new speed waits for the end of what is on the wire.
        """
        if self._room < ALLOWANCE // 2:
            # The kernel is asked only when the bytes given since the last answer might have used up the room.
            self._room = 0 if self.must_change_speed else ALLOWANCE - self.waiting()
        return max(0, self._room)

    def waiting(self) -> int:
        """Bytes that wait for the wire on the branch that has most of them."""
        return max((branch.waiting() for branch in self.up), default=0)

    def room_again_in(self) -> float:
        """Seconds until about half of the allowance is free again."""
        return max(0.01, (self.waiting() - ALLOWANCE // 2) * self._character)

    def discard_output(self, now: float) -> int:
        """Drop what waits for the wire, since its sender has left.

        :returns: the number of bytes dropped.
        """
        dropped = self.waiting()
        for branch in self.up:
            branch.pending.clear()
            branch.in_use.discard_output()
        self._sent_at = min(self._sent_at, now + UART_FIFO * self._character)
        self._room = 0
        if dropped:
            self.tap.dropped(dropped, self._sent_at)
        return dropped

    def expect_input(self, now: float) -> None:
        """Reckon with bytes that were received and are yet to be read: the line has not settled before they are."""
        self._received_at = now

    def discard_input(self) -> None:
        """Drop what was received and not yet read."""
        for branch in self.up:
            branch.in_use.discard_input()

    def sent_at(self, now: float) -> float:
        """When the last byte given to `write` has left or will have: measured where the device tells, else reckoned."""
        if self._sent_at > now and all(branch.in_use.has_wire for branch in self.up):
            self._sent_at = min(self._sent_at, now + (self.waiting() + UART_FIFO) * self._character)
        return self._sent_at

    def settled_at(self, now: float) -> float:
        """When the conversation on the wire is over, if nothing more arrives.

        After an answer that is a short silence; after a request without one, the whole answer window. Where no wire
        sets the pace (a pty, a socket) an answer may come before the request's reckoned end.
        """
        sent = self.sent_at(now)
        wired = all(branch.in_use.has_wire for branch in self.up)
        answered = self._received_at > (sent if wired else self._written_at)
        quiet = silence(self.baud) + max((branch.in_use.jitter for branch in self.up), default=0.0)
        return max(self._received_at + quiet, float("-inf") if answered else sent + answer_window(self.baud))

    @property
    def must_change_speed(self) -> bool:
        """Whether the settings want another baud rate than the line has now."""
        return self.wanted_baud != self.baud

    @property
    def longest_exchange(self) -> float:
        """Seconds that the slowest allowed answer of full length takes: nothing that is M-Bus lasts longer."""
        return answer_window(self.baud) + LONGEST_FRAME * self._character

    def take_speed(self) -> None:
        """Change to the wanted baud rate; the caller has waited for the end of what is on the wire."""
        if not self.must_change_speed:
            return
        self.baud = self.wanted_baud
        self._note_speed()
        for branch in self.up:
            try:
                branch.in_use.set_baud(self.baud)
            except LineError as error:
                self.lose(branch, str(error))
        log.info("line runs at %d bit/s", self.baud)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, a sentence a port that should be there and is not (any thread)."""
        return tuple(fault for branch in self.branches if branch.url and (fault := branch.fault))

    @property
    def url(self) -> str:
        """Where the ports are, in words (any thread)."""
        return " and ".join(branch.url for branch in self.branches if branch.url)

    def octets(self) -> int:
        """Bytes that were read and written so far (any thread)."""
        first, second = self._two_wire, self._optical  # a sum in a loop takes twice as long, all day long
        return first.received + first.transmitted + second.received + second.transmitted

    def line_errors(self) -> int:
        """Parity, framing, overrun and break errors that the ports have counted (any thread)."""
        return sum(branch.line_errors() for branch in self.branches)

    def snapshot(self) -> LineSnapshot:
        """State and statistics (any thread)."""
        return LineSnapshot(self.baud, bool(self.up), tuple(branch.snapshot() for branch in self.branches))

    def _note_speed(self) -> None:
        self._character = character_time(self.baud)
        self._most_waiting = (ALLOWANCE + UART_FIFO) * self._character

    def _note_ports(self) -> None:
        self.up = tuple(branch for branch in self.branches if branch.port is not None)
        self._room = 0
        if not self.up:
            self._sent_at = self._written_at = self._received_at = float("-inf")
