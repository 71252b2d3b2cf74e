"""The master's side of the link layer (EN 13757-2; IEC 60870-5-2): requests, answers, repetition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import CodingError
from appliance.mbus.frame import FCB, Address, Control, Frame, LongFrame, ShortFrame
from appliance.mbus.header import BAUD_RATES, Information
from appliance.mbus.secondary import SELECT, Selection
from appliance.readout.answer import Answer, Outcome
from appliance.readout.reception import Pace, Reception

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.readout.transport import Transport

ATTEMPTS = 3
"""Times that a request is sent before its meter counts as silent (EN 13757-2: up to two repetitions)."""

LATE_PATIENCE = 0.35
"""Seconds beyond the answer window that a repetition waits, for meters slower than the standard allows."""

_LONGEST_REST = 1.5
"""Seconds that somebody who talks unasked can hold us up: no frame at 2400 bit/s lasts longer."""

_TOO_SOON = 0.02
"""Seconds by which the first character of an answer comes before the reckoned end of the request without a wire."""

PUT_PRIMARY = b"\x01\x7a"
PUT_IDENTIFICATION = b"\x0c\x79"
PUT_ADDRESS = b"\x07\x79"
GLOBAL_READOUT = b"\x08\x7e"
"""DIF and VIF of what a master writes (EN 13757-3, clause on special commands)."""

_SELECTION_LENGTH = 17
"""Characters of the shortest selection."""
_SELECT_HIGH_FIRST = int(Information.SELECT_HIGH_FIRST)
_SPEEDS = {baud: code for code, baud in BAUD_RATES.items()}


@dataclass(slots=True)
class LinkCounts:
    """What the master has counted since it was made."""

    requests: int = 0
    silences: int = 0
    garbled: int = 0
    repeated: int = 0


class Master:
    """Talks to meters over a transport; used by one thread.

    The frame count bit is kept for each address: it toggles with every new request, and stays for a repetition, so
    that a meter whose answer was lost tells the same again and nothing is skipped.
    """

    def __init__(self, transport: Transport) -> None:
        """Talk over `transport`."""
        self.transport = transport
        self.counts = LinkCounts()
        self.stray = b""
        """What had arrived unasked before the last request: late answers, noise."""
        self._next_bit: dict[int, int] = {}
        self._patience: dict[int, float] = {}
        self._free_at = float("-inf")
        self._overlaps = False
        self._was_timely = False
        self.is_paced = True
        """Whether a wire sets the pace: not on a simulated bus that waits for nothing, where answers come too soon."""

    # One transaction.

    def ask(
        self,
        frame: Frame,
        *,
        listens_on: bool = False,
        patience: float = 0.0,
        overlap: float = 0.0,
        pace: Pace | None = None,
    ) -> Answer:
        """Send `frame` and take what comes back; see `Reception` for `listens_on` and `patience` (seconds).

        With `overlap` silence is told that many seconds before the answer window ends, because the next request takes
        at least as long: what comes while that is being sent is then in `stray`, and belongs to this one. The same
        with `pace`, which takes the place of the standard's window where it is known how slow the slowest is.

        :raises LineError: when the line is gone.
        """
        transport, request = self.transport, bytes(frame)
        self.stray = self._rest() + transport.discard()
        if self.stray:
            self.stray += self._rest_until_quiet()
        pace = pace if self.is_paced else None
        reception = self._exchange(request, listens_on=listens_on, patience=patience, overlap=overlap, pace=pace)
        answer = reception.answer()
        too_soon = bool(answer.octets) and answer.delay < -_TOO_SOON
        if too_soon and self.is_paced and (answer.frame is None or self._was_timely):
            # Somebody was still talking when the request went out: it tells nothing, and was perhaps not heard.
            self._rest_until_quiet()
            reception = self._exchange(request, listens_on=listens_on, patience=patience, overlap=overlap, pace=pace)
            answer = reception.answer()
        self.stray += reception.early
        self._overlaps = (overlap > 0 or pace is not None) and self.is_paced and not answer.octets
        if answer.outcome in (Outcome.ACKNOWLEDGED, Outcome.FRAME):
            # Once there was an answer in time there is a wire, and what comes too soon is a left-over.
            self._was_timely = self._was_timely or answer.delay > 0
            self.is_paced = self._was_timely or answer.delay >= -_TOO_SOON
        self.counts.requests += 1
        self.counts.silences += answer.outcome is Outcome.SILENCE
        self.counts.garbled += answer.outcome is Outcome.GARBLED
        self._free_at = transport.now() + (transport.timing.rest if answer.octets else 0.0)
        return answer

    def _exchange(
        self, request: bytes, *, listens_on: bool, patience: float, overlap: float, pace: Pace | None
    ) -> Reception:
        transport = self.transport
        sent_at = transport.send(request)
        overlaps, self._overlaps = self._overlaps, False
        reception = Reception(
            request,
            sent_at,
            transport.timing,
            listens_on=listens_on,
            patience=patience,
            overlap=overlap if self.is_paced else 0.0,
            pace=pace,
            after_overlap=overlaps,
        )
        while not reception.is_complete(transport.now()):
            # Also when it is due already: we may have been held up, and what came meanwhile waits to be read.
            due = reception.due
            data = transport.receive(due)
            if data:
                reception.feed(data, transport.now())
            elif transport.now() >= due:
                break
        return reception

    def _rest_until_quiet(self) -> bytes:
        """Let end who talks; give what he said."""
        transport, stray = self.transport, b""
        limit = transport.now() + _LONGEST_REST
        while transport.now() < limit:
            more = transport.receive(transport.now() + transport.timing.gap)
            if not more:
                break
            stray += more
        return stray

    def _rest(self) -> bytes:
        """Leave the bus its rest after an answer, and let end who still talks; give what he said."""
        transport, stray = self.transport, b""
        limit = transport.now() + _LONGEST_REST
        while transport.now() < min(self._free_at, limit):
            data = transport.receive(min(self._free_at, limit))
            if data:
                stray += data
                self._free_at = transport.now() + transport.timing.gap
        return stray

    def ask_until_answered(self, frame: Frame, address: int, attempts: int = ATTEMPTS) -> Answer:
        """Repeat `frame` until the answer is sound, at most `attempts` times; give the last answer.

        A repetition waits longer, and a meter that is found to be slow gets that time from then on.
        """
        answer = Answer(Outcome.SILENCE)
        for attempt in range(attempts):
            patience = self._patience.get(address, 0.0)
            answer = self.ask(frame, patience=max(patience, LATE_PATIENCE) if attempt else patience)
            if answer.outcome in (Outcome.ACKNOWLEDGED, Outcome.FRAME):
                self._learn(address, answer)
                return answer
            self.counts.repeated += attempt + 1 < attempts
        return answer

    def _learn(self, address: int, answer: Answer) -> None:
        late = answer.delay - self.transport.timing.window
        if late > 0:
            self._patience[address] = max(self._patience.get(address, 0.0), 1.5 * late)

    # The services of the link layer.

    def reset(self, address: int, *, attempts: int = 1, listens_on: bool = False) -> Answer:
        """Reset the link of `address` (SND_NKE); at 253 that also ends a selection."""
        frame = ShortFrame(Control.SND_NKE, address)
        self.expect_first(address)
        return self.ask(frame, listens_on=True) if listens_on else self.ask_until_answered(frame, address, attempts)

    def expect_first(self, address: int) -> None:
        """Begin anew with the frame count bit of `address`: its meter was reset or newly selected."""
        self._next_bit[address] = FCB

    def request(self, address: int, *, attempts: int = ATTEMPTS) -> Answer:
        """Ask for data (REQ_UD2), repeating with the same frame count bit; a sound answer toggles it."""
        return self._note_bit(address, self.ask_until_answered(self._request_frame(address), address, attempts))

    def request_once(self, address: int, *, patience: float = 0.0) -> Answer:
        """Ask for data once, and listen to the end of the answer window whether somebody else answers too."""
        return self._note_bit(address, self.ask(self._request_frame(address), listens_on=True, patience=patience))

    def _request_frame(self, address: int) -> ShortFrame:
        return ShortFrame(Control.REQ_UD2 | self._next_bit.setdefault(address, FCB), address)

    def _note_bit(self, address: int, answer: Answer) -> Answer:
        if answer.outcome in (Outcome.FRAME, Outcome.ACKNOWLEDGED):
            self._next_bit[address] ^= FCB
        return answer

    def send_data(self, address: int, information: int, data: bytes = b"", attempts: int = ATTEMPTS) -> Answer:
        """Send data (SND_UD). At 255 nobody answers, so it is sent once.

        The frame count bit is valid and constant, as masters commonly have it: what is sent here comes to the same
        when it is carried out twice.
        """
        frame = LongFrame(Control.SND_UD, address, information, data)
        return self.ask_until_answered(frame, address, 1 if address == Address.BROADCAST else attempts)

    # What an application wants of a meter.

    def select(
        self,
        selection: Selection,
        *,
        high_first: bool = False,
        listens_on: bool = False,
        patience: float = 0.0,
        overlaps: bool = False,
        pace: Pace | None = None,
    ) -> Answer:
        """Select the meters that `selection` matches, and deselect all others (EN 13757-3, secondary addressing).

        With a fabrication number in it this is the enhanced selection. `high_first`: the abandoned mode 2 (CI 56).
        `overlaps`: the next request may be sent while this one's answer window still runs, see `ask`; only where that
        request is a selection too. The same with `pace`, which shortens it.
        """
        data = bytes(selection)
        if high_first:
            mask = bytes(selection.mask)
            data = mask[3::-1] + mask[5:3:-1] + mask[6:] + data[8:]
        self.expect_first(Address.NETWORK_LAYER)
        frame = LongFrame(Control.SND_UD, Address.NETWORK_LAYER, _SELECT_HIGH_FIRST if high_first else SELECT, data)
        overlap = self.transport.timing.on_wire(_SELECTION_LENGTH) if overlaps else 0.0
        return self.ask(frame, listens_on=listens_on, patience=patience, overlap=overlap, pace=pace)

    def reset_application(self, address: int, subcode: int | None = None) -> Answer:
        """Reset the application (CI 50); the high four bits of `subcode` choose what the next readout has."""
        return self.send_data(address, Information.RESET, b"" if subcode is None else bytes([subcode]))

    def set_primary(self, address: int, primary: int) -> Answer:
        """Give the meter at `address` the primary address `primary`.

        :raises CodingError: for one outside 0 to 250.
        """
        if not 0 <= primary <= Address.LAST:
            raise CodingError(f"primary address {primary} is not within 0 to {int(Address.LAST)}")
        return self.send_data(address, Information.SEND, PUT_PRIMARY + bytes([primary]))

    def set_identification(self, address: int, identification: str) -> Answer:
        """Give the meter at `address` another identification number of eight decimal digits.

        :raises CodingError: for anything else.
        """
        if len(identification) != 8 or not (identification.isascii() and identification.isdecimal()):
            raise CodingError(f"identification {identification!r} is not eight decimal digits")
        return self.send_data(address, Information.SEND, PUT_IDENTIFICATION + bytes.fromhex(identification)[::-1])

    def set_speed(self, address: int, baud: int) -> Answer:
        """Tell the meter at `address` to go to `baud`; it acknowledges at the old speed (EN 13757-3, CI B8 to BF).

        The line stays as it is: change it with `Transport.set_baud`.

        :raises CodingError: for a speed that has no CI field.
        """
        if baud not in _SPEEDS:
            raise CodingError(f"{baud} bit/s is none of {', '.join(str(speed) for speed in _SPEEDS)}")
        return self.send_data(address, _SPEEDS[baud])

    def ask_for_everything(self, address: int) -> Answer:
        """Have the next readout tell all that there is (global readout request)."""
        return self.send_data(address, Information.SEND, GLOBAL_READOUT)

    def deselect(self, addresses: Iterable[int] = (Address.NETWORK_LAYER,)) -> None:
        """End the selection, so that what others send to 253 reaches nobody by mistake."""
        for address in addresses:
            self.reset(address)

    def abandon(self) -> None:
        """End the selection after a transaction that was broken off: whoever still answers is let finish."""
        if self.transport.receive(self.transport.now() + self.transport.timing.window):
            self._rest_until_quiet()
        self.deselect()
