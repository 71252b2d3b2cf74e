"""The BOOTP client: a state machine on injected time (RFC 951, RFC 1542)."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.network.dhcp.events import TO_ALL, Destination, Refused
from appliance.network.dhcp.grant import read_grant
from appliance.network.dhcp.lease import is_host
from appliance.network.dhcp.message import REQUEST, Message
from appliance.network.dhcp.option import Option
from appliance.network.dhcp.reply import read_reply
from appliance.network.dhcp.timing import DECLINE_WAIT, IMPATIENCE, wait_before_repetition

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from appliance.network.dhcp.lease import Lease


@dataclass(frozen=True, slots=True)
class BootpAnswered:
    """A server has given an address, without any end to it; nobody has checked it for a conflict yet."""

    lease: Lease
    remarks: tuple[str, ...] = ()
    """What of the server's lesser values was dropped, and why."""


BootpEvent = BootpAnswered | Refused


class BootpClient:
    """Asks until a server answers, then is silent. Pure, and driven as `DhcpClient` is; no input makes it raise."""

    def __init__(
        self,
        *,
        mac: bytes,
        send: Callable[[bytes, Destination], None],
        on_event: Callable[[BootpEvent], None],
        random: random.Random,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare a client for the interface with the address `mac` (6 octets); nothing is sent before `start`."""
        self.due = math.inf
        """When `check` must be called next; infinity for never."""
        self.lease: Lease | None = None
        """What the last answer gave. The manager decides whether it is used."""
        self.ignored: Counter[str] = Counter()
        """Datagrams that had no effect, by reason."""
        self._mac = mac
        self._send = send
        self._tell = on_event
        self._random = random
        self._wall_clock = wall_clock
        self._is_on = False
        self._has_carrier = True
        self._is_asking = False
        self._is_refusal_told = False
        self._xid = self._tries = 0
        self._began = self._asked = -math.inf

    def start(self, now: float) -> None:
        """Begin to ask."""
        if not self._is_on:
            self._is_on = True
            self._begin(now)

    def stop(self) -> None:
        """Fall silent."""
        self._is_on = self._is_asking = False
        self.lease = None
        self.due = math.inf

    def renew(self, now: float) -> None:
        """Ask (again) at once, as the user wants."""
        if self._is_on and now - self._asked >= IMPATIENCE:
            self._begin(now)

    def decline(self, now: float) -> None:
        """Somebody else has the address: ask again later. BOOTP has no way to tell the server."""
        if self._is_on and self.lease is not None:
            self.lease = None
            self._begin(now, delay=DECLINE_WAIT)

    def carrier_lost(self, now: float) -> None:  # noqa: ARG002 (every verb of a machine takes the time)
        """Stop sending."""
        self._has_carrier = self._is_asking = False
        self.due = math.inf

    def carrier_back(self, now: float) -> None:
        """Ask anew: the cable may be in another network now. An address in use stays meanwhile."""
        if not self._has_carrier:
            self._has_carrier = True
            if self._is_on:
                self._begin(now)

    def check(self, now: float) -> None:
        """Do what is due."""
        if self.due <= now:
            self._is_asking = True
            self._ask(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take the content of a datagram that came to port 68, whoever sent it."""
        message = read_reply(data, self._mac, self.ignored)
        if message is None:
            return
        reason = ""
        if not self._is_asking:
            reason = "not asked for"
        elif message.xid != self._xid:
            reason = "with another xid"
        elif Option.MESSAGE_TYPE in message.options:
            reason = "not BOOTP"
        if reason:
            self.ignored[reason] += 1
            return
        grant = read_grant(message, obtained=self._wall_clock() - (now - self._asked), timed=False)
        if grant.lease is not None:
            self._is_asking = False
            self.due = math.inf
            self.lease = grant.lease
            self._tell(BootpAnswered(grant.lease, grant.remarks))
            return
        self.ignored["an unusable answer"] += 1
        if not self._is_refusal_told:
            self._is_refusal_told = True
            server = message.server or message.siaddr
            self._tell(Refused(server if is_host(server) else None, grant.reason))

    def _begin(self, now: float, delay: float = 0.0) -> None:
        self._tries = 0
        self._xid = self._random.getrandbits(32)
        self._began = now + delay
        self._is_asking = False
        self.due = math.inf
        if not self._has_carrier:
            return
        if delay > 0:
            self.due = now + delay
        else:
            self._is_asking = True
            self._ask(now)

    def _ask(self, now: float) -> None:
        self._tries += 1
        self._asked = now
        self._is_refusal_told = False
        self.due = now + wait_before_repetition(self._tries, self._random)
        secs = min(max(int(now - self._began), 0), 0xFFFF)
        # The magic cookie tells the server in which form we read its vendor area (RFC 1497).
        self._send(Message(op=REQUEST, xid=self._xid, chaddr=self._mac, secs=secs).encode(), TO_ALL)
