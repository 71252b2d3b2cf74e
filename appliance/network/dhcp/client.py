"""The DHCP client: a state machine on injected time (RFC 2131, figure 5)."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING

from appliance.errors import quoted
from appliance.network.dhcp import names, timing
from appliance.network.dhcp.events import AddressOffered, Bound, Lost, Refused, Renewed, Unanswered
from appliance.network.dhcp.grant import Grant, read_grant
from appliance.network.dhcp.inquiry import Inquiry
from appliance.network.dhcp.option import MessageType, Option
from appliance.network.dhcp.refusals import Refusals
from appliance.network.dhcp.reply import objection_of_dhcp, read_reply
from appliance.network.dhcp.state import State
from appliance.network.dhcp.timing import Term

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from ipaddress import IPv4Address

    from appliance.network.dhcp.events import Destination, DhcpConfiguration, Event
    from appliance.network.dhcp.lease import Lease
    from appliance.network.dhcp.message import Message


class DhcpClient:
    """Gets an address from a server and keeps it. Pure: it is told what arrives and what time it is.

    `now` is in seconds of a monotonic clock everywhere, and `check` must be called when `due` has come. No input makes
    it raise. Events are told last, when the state is in order; `accept` and `decline` may be called from within one.
    """

    def __init__(
        self,
        *,
        mac: bytes,
        configuration: DhcpConfiguration,
        send: Callable[[bytes, Destination], None],
        on_event: Callable[[Event], None],
        random: random.Random,
        remembered: Lease | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare a client for the interface with the address `mac` (6 octets); nothing is sent before `start`.

        :param send: takes the content of a UDP datagram; what cannot be sent is lost, and is sent again in time.
        :param random: should be `random.SystemRandom` in the product: who can guess an xid can answer in a server's
            stead without being on the same link.
        :param remembered: the last lease, to be asked for again.
        :param wall_clock: used for `Lease.obtained` alone, and to see that `remembered` has expired.
        """
        self.state = State.STOPPED
        self.lease: Lease | None = None
        """The lease in use: accepted and not expired."""
        self.ignored: Counter[str] = Counter()
        """Datagrams that had no effect, by reason."""
        self._mac = mac
        self._tell = on_event
        self._random = random
        self._wall_clock = wall_clock
        self._inquiry = Inquiry(mac, configuration, send, random)
        self._refusals = Refusals(random)
        self._has_carrier = True
        self._known = remembered
        """The lease to ask for again."""
        self._wish: IPv4Address | None = remembered.address if remembered is not None else None
        """The address that any server is asked for, before all others."""
        self._offered: Lease | None = None
        """The offer that is being asked for, or the lease that is being checked for a conflict."""
        self._second_choice: Lease | None = None
        """The offer of a server that is not trusted, for want of a better one."""
        self._is_users = False
        """Whether it is the user who wanted the renewal."""
        self._next = math.inf
        self._term = Term()

    @property
    def due(self) -> float:
        """When `check` must be called next; infinity for never. It may be past: then at once."""
        return min(self._next, self._term.expiry)

    def start(self, now: float) -> None:
        """Begin, with the remembered lease if there is one that is not known to have expired."""
        if self.state is State.STOPPED:
            self._begin(now)

    def stop(self) -> None:
        """Fall silent and forget the lease in use, which stays the one to ask for at the next `start`."""
        self._known = self.lease or self._known
        self.state = State.STOPPED
        self._let_go()
        self._next = math.inf

    def release(self, now: float) -> None:
        """Give the address back to the server and stop. Call it while the interface still has the address."""
        lease = self.lease
        if lease is not None and self._has_carrier:
            self._inquiry.release(now, lease)
        self.stop()
        self._known = None

    def carrier_lost(self, now: float) -> None:  # noqa: ARG002 (every verb of a machine takes the time)
        """Stop sending. An address in use stays, until it expires."""
        self._has_carrier = False
        if self.state is State.STOPPED:
            return
        if self.state is State.CHECKING:
            self._known = self._offered
        self.state = State.INIT if self.lease is None else State.BOUND
        self._next = math.inf

    def carrier_back(self, now: float) -> None:
        """Ask whether the lease is good here too: the cable may be in another network now."""
        if self._has_carrier:
            return
        self._has_carrier = True
        self._refusals.forgive()
        if self.state is not State.STOPPED:
            self._begin(now)

    def accept(self, now: float) -> None:  # noqa: ARG002 (as above)
        """Say that nobody else has the address that was offered."""
        lease = self._offered
        if self.state is not State.CHECKING or lease is None:
            return
        self._hold(lease)
        self._tell(Bound(lease))

    def decline(self, now: float, reason: str) -> None:
        """Say that somebody else has the address that was offered, or the one in use. Another is sought, but not soon.

        :param reason: told to the server, and with `Lost`.
        """
        lost = self.lease
        lease = self._offered if self.state is State.CHECKING else lost
        if lease is None:
            return
        self._let_go()
        self._known = self._wish = None
        if self._has_carrier:
            self._inquiry.decline(now, lease, reason)
        self._start_over(now, at_least=timing.DECLINE_WAIT)
        if lost is not None:
            self._tell(Lost(lost, reason))

    def renew(self, now: float) -> None:
        """Do what the user wants now: renew the lease, or look for a server without any more waiting."""
        if self.state in {State.STOPPED, State.CHECKING, State.REQUESTING} or not self._has_carrier:
            return
        if now - self._inquiry.asked < timing.IMPATIENCE:
            return
        if self.lease is not None and self.state in {State.BOUND, State.RENEWING, State.REBINDING}:
            if self.state is State.BOUND:
                self._new_question(now)
                self._is_users = True
                self.state = State.RENEWING
            self._ask_to_renew(self.lease, now)
        else:
            self._select(now)

    def check(self, now: float) -> None:
        """Do what is due; one thing at a time, so look at `due` again."""
        if self._term.expiry <= now:
            self._lose("the lease has expired", now)
        elif self._next <= now:
            self._next = math.inf
            self._act(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take the content of a datagram that came to port 68, whoever sent it."""
        message = read_reply(data, self._mac, self.ignored)
        if message is None:
            return
        if self.state in {State.STOPPED, State.INIT, State.CHECKING, State.BOUND}:
            reason = "not asked for"
        else:
            reason = objection_of_dhcp(message, self._inquiry.xid)
        if not reason:
            kind = message.message_type
            if kind == MessageType.OFFER:
                reason = self._take_offer(message, now)
            else:
                reason = self._take_answer(message, now, is_granted=kind == MessageType.ACK)
        if reason:
            self.ignored[reason] += 1

    # What is due

    def _act(self, now: float) -> None:
        tries = self._inquiry.tries
        known = self.lease or self._known
        match self.state:
            case State.SELECTING if self._second_choice is not None:
                self._request(self._second_choice, now)
            case State.SELECTING:
                self._ask_for_any(now)
            case State.REQUESTING if self._offered is not None:
                if tries < timing.SELECTIONS:
                    self._next = self._inquiry.select(now, self._offered)
                else:
                    self._refusals.distrusted = self._offered.server
                    self._start_over(now)
            case State.REBOOTING if known is not None and tries < timing.CONFIRMATIONS:
                self._next = self._inquiry.confirm(now, known.address)
            case State.BOUND | State.RENEWING | State.REBINDING if self.lease is not None:
                self._go_on_renewing(self.lease, now)
            case _:
                self._select(now)

    def _go_on_renewing(self, lease: Lease, now: float) -> None:
        if self.state is State.BOUND:
            self._new_question(now)
            self.state = State.RENEWING
        if self._is_users and self._inquiry.tries >= timing.USER_RENEWALS:
            self._is_users = False
            self.state = State.BOUND
            self._next = self._term.t1
            self._tell(Unanswered(lease.server))
        else:
            self._ask_to_renew(lease, now)

    def _begin(self, now: float) -> None:
        known = self.lease or self._known
        if not self._has_carrier:
            self.state = State.INIT
            self._next = math.inf
        elif known is None or (self.lease is None and known.has_expired(self._wall_clock())):
            self._select(now)
        else:
            self._new_question(now)
            self.state = State.REBOOTING
            self._next = self._inquiry.confirm(now, known.address)

    def _select(self, now: float) -> None:
        # RFC 2131 4.4.1 wants one to ten seconds of waiting first, against a crowd after a power cut. A gateway must
        # be there soon, and the repetitions are spread by chance.
        self._new_question(now)
        self.state = State.SELECTING
        self._offered = None
        self._ask_for_any(now)

    def _start_over(self, now: float, *, at_least: float = 0.0) -> None:
        """Begin from nothing, at once the first time, then later each time."""
        delay = self._refusals.delay(at_least)
        self._offered = None
        self.state = State.INIT
        self._next = now + delay if self._has_carrier else math.inf
        if self._has_carrier and not delay:
            self._select(now)

    # What is sent

    def _new_question(self, now: float) -> None:
        self._inquiry.begin(now)
        self._second_choice = None
        self._is_users = False

    def _ask_for_any(self, now: float) -> None:
        self._refusals.question_sent()
        self._next = self._inquiry.discover(now, self.lease.address if self.lease is not None else self._wish)

    def _request(self, offer: Lease, now: float) -> None:
        self.state = State.REQUESTING
        self._offered = offer
        self._second_choice = None
        self._inquiry.tries = 0
        self._next = self._inquiry.select(now, offer)

    def _ask_to_renew(self, lease: Lease, now: float) -> None:
        """Ask the server, or from T2 on all servers, and settle when to ask again."""
        if now >= self._term.t2:
            self.state = State.REBINDING
            self._is_users = False
        to_all = self.state is State.REBINDING
        repetition = self._inquiry.renew(now, lease, to_all=to_all)
        # The user waits for the outcome; otherwise half of what is left is soon enough.
        later = self._term.next_renewal(now, to_all=to_all)
        self._next = min(repetition, self._term.t2) if self._is_users else later

    # What is received

    def _take_offer(self, message: Message, now: float) -> str:
        if self.state is not State.SELECTING:
            return "not asked for"
        grant = self._read(message)
        offer = grant.lease
        if offer is None:
            self._tell_refusal(message, grant)
            return "an unusable offer"
        held = self.lease
        if held is not None and offer.address != held.address and offer.address in held.interface.network:
            # The same network after all, so the lease holds, whatever else this server would have for us.
            return "an offer of another address in the network of the lease"
        if offer.server == self._refusals.distrusted:
            self._second_choice = offer
            return ""
        self._request(offer, now)
        return ""

    def _take_answer(self, message: Message, now: float, *, is_granted: bool) -> str:
        """Take an ACK or a NAK."""
        expected = None
        if self.state is State.REQUESTING and self._offered is not None:
            expected = self._offered.server
        elif self.state is State.RENEWING and self.lease is not None:
            expected = self.lease.server
        elif self.state is State.SELECTING:
            return "not asked for"
        if expected is not None and message.server != expected:
            return "of another server"
        if not is_granted:
            self._refused(message, now)
            return ""
        grant = self._read(message, elapsed=now - self._inquiry.granted)
        if grant.lease is not None:
            self._granted_lease(grant.lease, grant.remarks)
            return ""
        if self.state is State.REQUESTING:
            self._refusals.distrusted = message.server
            self._start_over(now)
        self._tell_refusal(message, grant)
        return "an unusable lease"

    def _read(self, message: Message, elapsed: float = 0.0) -> Grant:
        return read_grant(message, obtained=self._wall_clock() - elapsed)

    def _tell_refusal(self, message: Message, grant: Grant) -> None:
        if self._refusals.is_new(message.server, grant.reason):
            self._tell(Refused(message.server, grant.reason))

    def _granted_lease(self, lease: Lease, remarks: tuple[str, ...]) -> None:
        held = self.lease
        if held is not None and held.address == lease.address:
            self._hold(lease)
            self._tell(Renewed(lease, remarks))
            return
        self._let_go()
        self._offered = lease
        self.state = State.CHECKING
        self._next = math.inf
        if held is not None:
            self._tell(Lost(held, f"the server {lease.server} has another address for this device: {lease.address}"))
        self._tell(AddressOffered(lease, remarks))

    def _refused(self, message: Message, now: float) -> None:
        """Take a NAK."""
        lost = self.lease
        words = names.text_of(message.options.get(Option.MESSAGE, b""))
        reason = "the server refuses" + (f": {quoted(words)}" if words else "")
        self._refusals.distrusted = message.server if self.state is State.REQUESTING else None
        self._let_go()
        self._known = self._wish = None
        self._start_over(now)
        self._tell(Refused(message.server, reason))
        if lost is not None:
            self._tell(Lost(lost, reason))

    # The lease

    def _hold(self, lease: Lease) -> None:
        self.lease = self._known = lease
        self._wish = lease.address
        self._offered = None
        self._refusals.forgive()
        self.state = State.BOUND
        self._term = Term.of(lease, self._inquiry.granted, self._random)
        self._next = self._term.t1

    def _let_go(self) -> None:
        self.lease = self._offered = None
        self._term = Term()

    def _lose(self, reason: str, now: float) -> None:
        lost = self.lease
        self._let_go()
        self._known = None
        if self._has_carrier:
            self._select(now)
        else:
            self.state = State.INIT
            self._next = math.inf
        if lost is not None:
            self._tell(Lost(lost, reason))
