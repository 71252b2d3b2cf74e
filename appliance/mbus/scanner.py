"""Finds frames in a stream of bytes with anything between them."""

from __future__ import annotations

from appliance.errors import FrameError
from appliance.mbus.frame import Frame, frame_length, parse


class Scanner:
    """Takes bytes as they arrive and gives frames as soon as their last byte is there.

    A beginning that turns out to be none costs one byte; the search goes on with the next one, so a frame that
    follows garbage is found even without a pause. What garbage that looks like the head of a long frame can do is hold
    the search back until as many bytes have come as it promised: `reset` after an idle line ends that, as EN 13757-2
    wants it. Holds at most one frame of bytes.
    """

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._pending = bytearray()
        self.discarded = 0
        """Bytes that belonged to no frame, since the scanner was made."""

    @property
    def pending(self) -> int:
        """Bytes held that may become a frame."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes and return the frames that they complete, in order. Never raises."""
        frames: list[Frame] = []
        for byte in data:
            self._pending.append(byte)
            while self._pending:
                try:
                    length = frame_length(bytes(self._pending[:4]))
                    if length == 0 or len(self._pending) < length:
                        break
                    frames.append(parse(bytes(self._pending[:length])))
                except FrameError:
                    length = 1
                    self.discarded += 1
                del self._pending[:length]
        return frames

    def reset(self) -> None:
        """Forget an unfinished frame: the line was idle for longer than a frame allows."""
        self.discarded += len(self._pending)
        self._pending.clear()
