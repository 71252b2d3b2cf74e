"""A recording in the test's hands: what goes over the line is played to it, with a clock that the test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from appliance.line.branch import Branch
from appliance.mbus.frame import Control, LongFrame, ShortFrame
from appliance.monitor.line_monitor import LineMonitor

if TYPE_CHECKING:
    from appliance.line.line import Line
    from appliance.monitor.line_telegram import LineTelegram

WALL = 1_700_000_000.0
"""Seconds since 1970 at the zero of the test's clock: 2023-11-14 22:13:20 UTC."""
CHARACTER = 11 / 2400

REQUEST = bytes(ShortFrame(Control.REQ_UD2, 5))
ANSWER = bytes(LongFrame(Control.RSP_UD, 5, 0x72, bytes.fromhex("78563412a5113307010000000413e8030000")))


@dataclass
class Client:
    """Who holds the bus."""

    name: str = "192.0.2.7:51512"
    in_background: bool = False

    def __str__(self) -> str:
        return self.name

    def lease_granted(self) -> None: ...


@dataclass
class FakeLine:
    baud: int = 2400
    tap: object = None


@dataclass
class Recording:
    now: float = 1000.0
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.two_wire, self.optical = Branch("two-wire", ""), Branch("optical", "")
        self.line = FakeLine()
        self.monitor = LineMonitor(cast("Line", self.line), clock=lambda: self.now, wall=lambda: WALL + self.now)

    def send(self, octets: bytes, client: Client | None = None) -> None:
        """Send, and wait for the end."""
        self.monitor.sent(client or self.client, octets, self.now, self.now + len(octets) * CHARACTER)
        self.now += len(octets) * CHARACTER

    def hear(self, octets: bytes, *, lump: int = 8, branch: Branch | None = None) -> None:
        """Hear the octets as a UART hands them over."""
        for place in range(0, len(octets), lump):
            part = octets[place : place + lump]
            self.now += len(part) * CHARACTER
            self.monitor.heard(branch or self.two_wire, part, self.now)

    def rest(self, seconds: float) -> None:
        self.now += seconds

    def exchange(self, request: bytes = REQUEST, answer: bytes = ANSWER, client: Client | None = None) -> None:
        self.send(request, client)
        self.rest(0.02)
        self.hear(answer)
        self.rest(0.2)

    def all(self) -> list[LineTelegram]:
        self.rest(10)
        return list(self.monitor.after(0))
