"""What was typed, out of what a terminal sends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPE = 0x1B
_PASTE_BEGINS, _PASTE_ENDS = b"[200~", b"[201~"

_PATIENCE = 0.1
"""Seconds after which a lone Escape was the key itself, and not the beginning of a sequence."""

_PASTE_PAUSE = 0.3
"""Seconds of silence that end what was pasted, whether or not the terminal said so."""

_LONGEST = 32
"""Bytes of the longest sequence that a terminal sends; a longer one is none."""

TYPED_AT_ONCE = 16
"""Bytes that fingers and key repeat can make between two reads. More was pasted or is noise, and means nothing."""


class KeyReader:
    """Takes bytes as they come and gives the keys that have a meaning: ASCII characters, one each.

    Arrow and function keys (escape sequences of ECMA-48), keys with Alt, characters beyond ASCII, and whatever was
    pasted (in brackets, where the terminal knows them) are swallowed whole: the letters in them were not typed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing typed."""
        self._clock = clock
        self._sequence: bytearray | None = None
        """What came after an Escape so far."""
        self._touched = 0.0
        self._is_pasting = self._is_flooded = False

    def feed(self, data: bytes) -> str:
        """Return the keys in `data`, which may begin and end in the middle of a sequence."""
        now = self._clock()
        silence, self._touched = now - self._touched, now
        if silence > _PATIENCE:
            self._sequence = None
        if silence > _PASTE_PAUSE:
            self._is_pasting = self._is_flooded = False
        if len(data) > TYPED_AT_ONCE:
            self._is_flooded = True
        keys = "".join(self._take(byte) for byte in data)
        return "" if self._is_flooded else keys

    def _take(self, byte: int) -> str:
        if byte == _ESCAPE:
            self._sequence = bytearray()
            return ""
        if self._sequence is not None:
            self._sequence.append(byte)
            if self._is_complete(self._sequence):
                if self._sequence == _PASTE_BEGINS:
                    self._is_pasting = True
                elif self._sequence == _PASTE_ENDS:
                    self._is_pasting = False
                self._sequence = None
            return ""
        return "" if self._is_pasting or byte > 0x7E else chr(byte)

    @staticmethod
    def _is_complete(sequence: bytearray) -> bool:
        """Whether this is all that follows the Escape."""
        byte = sequence[-1]
        if len(sequence) == 1:
            return byte not in b"[O"  # else Escape and a character: a key with Alt
        return sequence[0] == ord("O") or 0x40 <= byte <= 0x7E or len(sequence) >= _LONGEST
