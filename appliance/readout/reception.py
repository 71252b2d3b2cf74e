"""The receiving half of one transaction, as a machine that is fed bytes and the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import FrameError
from appliance.mbus.frame import SINGLE_CHARACTER, frame_length, parse
from appliance.readout.answer import Answer, judge

if TYPE_CHECKING:
    from appliance.readout.timing import Timing

MOST = 4096
"""Bytes after which something that never ends is taken as it is: a babbling meter, a wrong device."""


STALL = 0.15
"""Seconds more that we wait in the middle of a frame: what we run on, and what stands between, may stall."""

_HEAD_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """Waits that were learnt of a bus, in place of those that the standard allows; seconds from a request's end."""

    window: float
    """So long it is listened to where somebody has answered."""
    silence: float
    """After so long without an answer there is none."""


class Reception:
    """Collects what follows a request, and knows when it is over.

    The end of a frame is known from its length; where that cannot be, from a gap of 33 bit times (EN 13757-2). Some
    converters echo what is sent: an echo is left out. Times are those of whoever feeds it, in seconds.
    """

    def __init__(
        self,
        request: bytes,
        sent_at: float,
        timing: Timing,
        *,
        listens_on: bool = False,
        patience: float = 0.0,
        overlap: float = 0.0,
        pace: Pace | None = None,
        after_overlap: bool = False,
    ) -> None:
        """Begin after `request`, whose last bit leaves at `sent_at`.

        With `listens_on` the whole answer window is waited for, whatever comes before, to hear whether several answer.
        `patience` is added to the window. With `overlap` silence is told so many seconds before the window ends;
        `pace` shortens both.
        `after_overlap`: the request was sent while an answer to the one before could still come; what arrives too
        soon for an answer to this one goes to `early`.
        """
        self._request = request
        self._timing = timing
        self._sent_at = sent_at
        self._listens_on = listens_on
        self._window_end = sent_at + timing.window + patience
        self._silence_at = self._window_end - overlap
        if pace is not None:
            self._window_end = min(self._window_end, sent_at + pace.window)
            self._silence_at = min(self._silence_at, sent_at + pace.silence)
        self._early_until = sent_at + timing.character / 2 if after_overlap else float("-inf")
        self.early = b""
        self._octets = bytearray()
        self._echo: int | None = 0
        """Bytes of the echo that came so far; None when it is settled whether there is one."""
        self._first_at = 0.0
        self._last_at = 0.0

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes that arrived at `now`."""
        if not data:
            return
        if now < self._early_until and not data.startswith(self._request[:1]) and self._echo in (0, None):
            # A character takes its time, and a meter rests 11 bits before its answer.
            self.early += data
            return
        if not self._octets:
            self._first_at = now
        self._last_at = now
        self._octets += data
        self._drop_echo()

    def _drop_echo(self) -> None:
        if self._echo is None:
            return
        length = min(len(self._octets), len(self._request))
        if self._octets[:length] != self._request[:length]:
            self._echo = None
        elif length == len(self._request):
            del self._octets[:length]
            self._echo = None
            # What follows a frame in the same read begins about when the echo ended.
            self._first_at = self._last_at

    @property
    def due(self) -> float:
        """When it is over if nothing more comes."""
        if not self._octets:
            return self._silence_at
        if len(self._octets) >= MOST:
            return self._last_at
        quiet_at = self._last_at + self._timing.gap + (STALL if self._is_begun() else 0.0)
        if self._is_whole():
            quiet_at = self._last_at
        return max(quiet_at, self._window_end) if self._listens_on else quiet_at

    def is_complete(self, now: float) -> bool:
        """Whether the answer is there and nothing else is to be waited for."""
        return bool(self._octets) and self._is_whole() and self.due <= now

    def _is_begun(self) -> bool:
        """Whether it begins as a long frame does, and lacks bytes; several at once hardly ever look so."""
        octets = bytes(self._octets[:4])
        try:
            return len(octets) == _HEAD_LENGTH and frame_length(octets) > len(self._octets)
        except FrameError:
            return False

    def _is_whole(self) -> bool:
        """Whether one sound frame is there and no more; where several talk, a length that was read means nothing."""
        if self._echo is not None:
            return False
        octets = bytes(self._octets)
        try:
            return frame_length(octets[:4]) == len(octets) and bool(parse(octets))
        except FrameError:
            return False

    def answer(self) -> Answer:
        """Judge what came."""
        octets = bytes(self._octets)
        if octets[:1] == bytes([SINGLE_CHARACTER]) and not self._listens_on:
            # Whoever does not listen on takes the first E5 for the answer, whether or not more came in the same read.
            octets = octets if octets.strip(b"\xe5") else octets[:1]
        if not octets:
            return judge(octets, 0.0)
        return judge(octets, self._first_at - self._sent_at, self._last_at - self._sent_at)
