"""One slave of EN 13757-2 and -3: hears frames, keeps its link state, and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import CodingError
from appliance.mbus.frame import (
    FCB,
    FCV,
    FROM_MASTER,
    Acknowledge,
    Address,
    Control,
    Frame,
    LinkFunction,
    LongFrame,
    ShortFrame,
)
from appliance.mbus.header import BAUD_RATES, Information
from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.simulator.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.contents import Contents

MIN_DELAY_BITS = 11
MAX_DELAY_BITS = 330
MAX_DELAY_EXTRA = 0.05
"""A slave answers after 11 bit times at the earliest, after 330 bit times and 50 ms at the latest (EN 13757-2)."""

LATE_EXTRA = 0.25
"""Seconds by which a late meter misses that."""

REPEAT_WINDOW = 30.0
"""Seconds for which the last answer is kept for a repetition; later the same telegram is told with fresh values."""

BAUD_TRIAL = 120.0
"""Seconds in which a meter must hear a frame at the speed that it was switched to, or it goes back (EN 13757-3)."""

_ACKNOWLEDGED = bytes(Acknowledge())
_SELECTIONS = (Information.SELECT, Information.SELECT_HIGH_FIRST)


@dataclass
class _Link:
    """Frame count state for one way of being addressed."""

    count_bit: int = 0
    telegram: int = 0
    answer: bytes = b""
    """What was answered last, nothing since a reset."""
    answered_at: float = 0.0

    def reset(self) -> None:
        """Forget all: the next request is a new one, for the first telegram."""
        self.telegram, self.answer = 0, b""


class Meter:
    """A meter with its two link states (as primary address, and as the selected slave) and its contents.

    Belongs to the bus thread; `fault` and `fault_every` may be set from any thread.
    """

    def __init__(
        self,
        primary: int,
        address: SecondaryAddress,
        contents: Contents,
        *,
        fabrication: str = "00000000",
        speeds: tuple[int, ...] = (300, 2400),
        baud: int = 2400,
        automatic: bool = False,
        delay_bits: int = 60,
        peculiarity: str = "",
    ) -> None:
        """Describe the meter: `speeds` are what it can be switched to, `automatic` hears all of them at any time."""
        self.primary = primary
        self.address = address
        self.contents = contents
        self.fabrication = fabrication
        self.speeds = speeds
        self.automatic = automatic
        self.delay_bits = min(max(delay_bits, MIN_DELAY_BITS), MAX_DELAY_BITS)
        self.peculiarity = peculiarity
        self.selected = False
        self.fault_every = 1
        """With `Fault.CHECKSUM`: 1 spoils each answer, 3 every third."""
        self.on_fault: Callable[[], None] = lambda: None
        """Called after `fault` was set."""
        self._baud = baud
        self._former_baud = 0
        self._switched_at = 0.0
        self._fault = Fault.NONE
        self._spoilable = 0
        self._access = 0
        self._primary_link = _Link()
        self._selected_link = _Link()

    @property
    def baud(self) -> int:
        """Bit/s that it is set to; an automatic one takes that of the frame instead."""
        return self._baud

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        self._spoilable = 0
        self.on_fault()

    def delay(self, baud: int) -> float:
        """Seconds from the end of a request to the beginning of the answer."""
        if self.fault is Fault.LATE:
            return MAX_DELAY_BITS / baud + MAX_DELAY_EXTRA + LATE_EXTRA
        return self.delay_bits / baud

    def lose_power(self) -> None:
        """Forget what is not kept in permanent memory."""
        self.selected = False
        self._restart_readout()

    def hear(self, frame: Frame, baud: int, moment: float, now: float) -> bytes:
        """Obey a frame and return the answer, empty for none.

        `moment` is the time on the wire, `now` the time of day that the readings are taken at.
        """
        if self.fault is Fault.DEAD or not self._hears(baud, moment):
            return b""
        answer = self._obey(frame, moment, now)
        if self.fault is Fault.MUTE:
            return b""
        if self.fault is Fault.CHECKSUM and len(answer) > 1:
            return self._spoil(answer)
        return answer

    def _hears(self, baud: int, moment: float) -> bool:
        if self.automatic:
            return baud in self.speeds
        if self._former_baud and moment - self._switched_at > BAUD_TRIAL:
            self._baud, self._former_baud = self._former_baud, 0
        if baud != self._baud:
            return False
        self._former_baud = 0
        return True

    def _obey(self, frame: Frame, moment: float, now: float) -> bytes:
        # Bit 7 is reserved, bit 6 tells a master's frame from an answer.
        if isinstance(frame, Acknowledge) or frame.control & 0xC0 != FROM_MASTER:
            return b""
        function = frame.control & 0x0F
        if frame.address == Address.NETWORK_LAYER:
            if isinstance(frame, LongFrame) and function == LinkFunction.SEND and frame.information in _SELECTIONS:
                return self._select(frame)
            if not self.selected:
                return b""
            link = self._selected_link
        elif frame.address in (self.primary, Address.POINT_TO_POINT, Address.BROADCAST):
            link = self._primary_link
        else:
            return b""
        answer = self._serve(frame, function, link, moment, now)
        return b"" if frame.address == Address.BROADCAST else answer

    def _serve(self, frame: ShortFrame | LongFrame, function: int, link: _Link, moment: float, now: float) -> bytes:
        if isinstance(frame, LongFrame):
            if function != LinkFunction.SEND:
                return b""
            self._take(frame, moment)
            return _ACKNOWLEDGED
        if function == LinkFunction.RESET:
            link.reset()
            if link is self._selected_link:
                self.selected = False
            return _ACKNOWLEDGED
        if function == LinkFunction.REQUEST_CLASS_1:
            # No alarm is pending, ever.
            return _ACKNOWLEDGED
        if function == LinkFunction.REQUEST_CLASS_2:
            return self._request(frame, link, moment, now)
        return b""

    def _select(self, frame: LongFrame) -> bytes:
        self.selected = False
        if frame.information != Information.SELECT:
            return b""
        try:
            selection = Selection.from_bytes(frame.data)
        except CodingError:
            return b""
        if not selection.matches(self.address, self.fabrication):
            return b""
        self.selected = True
        self._selected_link.reset()
        return _ACKNOWLEDGED

    def _request(self, frame: ShortFrame, link: _Link, moment: float, now: float) -> bytes:
        count_bit = frame.control & FCB
        if link.answer:
            repeated = bool(frame.control & FCV) and count_bit == link.count_bit
            if repeated and moment - link.answered_at < REPEAT_WINDOW:
                return link.answer
            if not repeated:
                link.telegram = (link.telegram + 1) % self.contents.count
        self._access = (self._access + 1) & 0xFF
        information, data = self.contents.answer(self.address, self._access, link.telegram, now)
        link.answer = bytes(LongFrame(Control.RSP_UD, self.primary, information, data))
        link.count_bit = count_bit
        link.answered_at = moment
        return link.answer

    def _take(self, frame: LongFrame, moment: float) -> None:
        # Data sent twice is carried out twice, whatever the frame count bit says: each of these comes to the same
        # when repeated, and many masters never toggle the bit of SND_UD.
        if frame.information == Information.RESET:
            self._restart_readout()
        elif frame.information == Information.SEND:
            self._write(frame.data)
        elif frame.information in BAUD_RATES:
            self._switch(BAUD_RATES[frame.information], moment)

    def _write(self, data: bytes) -> None:
        head, value = data[:2], data[2:]
        if head in (b"\x08\x7e", b"\x7f\x7e"):
            # Global readout request: everything, from the first telegram on.
            self._restart_readout()
        elif head == b"\x01\x7a" and len(value) == 1 and value[0] <= Address.LAST:
            self.primary = value[0]
            self._restart_readout()
        elif head == b"\x0c\x79" and len(value) == 4:
            self._readdress(value + bytes(self.address)[4:])
        elif head == b"\x07\x79" and len(value) == 8:
            self._readdress(value)

    def _readdress(self, data: bytes) -> None:
        address = SecondaryAddress.from_bytes(data)
        if address.identification.isdecimal():
            self.address = address
            self._restart_readout()

    def _switch(self, baud: int, moment: float) -> None:
        if baud in self.speeds and baud != self._baud:
            self._former_baud, self._baud, self._switched_at = self._baud, baud, moment

    def _restart_readout(self) -> None:
        for link in (self._primary_link, self._selected_link):
            link.reset()

    def _spoil(self, answer: bytes) -> bytes:
        self._spoilable += 1
        if self._spoilable % self.fault_every:
            return answer
        return answer[:-2] + bytes([answer[-2] ^ 0x55, answer[-1]])
