"""The body of a request as bytes: what belongs to it, and where it ends (RFC 9112, 6 and 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from appliance.httpd.head import is_field_line
from appliance.httpd.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.httpd.budget import Budget

LONGEST_CHUNK_LINE = 256

_DIGITS = b"0123456789abcdefABCDEF"


class Body(Protocol):
    """What follows the head of a request."""

    @property
    def is_over(self) -> bool:
        """Whether all of it was taken."""

    def take(self, inbox: bytearray, budget: Budget) -> bytes:
        """Take from `inbox` what belongs to the body, as far as it has come; give what it says.

        :raises Refusal: when it is malformed or too large.
        """


class PlainBody:
    """A body of a length that is known."""

    def __init__(self, length: int) -> None:
        """Expect `length` bytes."""
        self._left = length

    @property
    def is_over(self) -> bool:
        """Whether all of it was taken."""
        return not self._left

    def take(self, inbox: bytearray, budget: Budget) -> bytes:
        """Take what has come; see `Body`."""
        if not self._left:
            return b""
        data = bytes(inbox[: self._left])
        del inbox[: len(data)]
        self._left -= len(data)
        budget.spend(len(data))
        return data


class ChunkedBody:
    """A body in chunks; extensions and trailers are dropped."""

    def __init__(self) -> None:
        """Expect the first chunk."""
        self.is_over = False
        self._left = 0
        """Bytes of the present chunk still to come."""
        self._step: Callable[[bytearray, Budget], bool] = self._read_size

    def take(self, inbox: bytearray, budget: Budget) -> bytes:
        """Take what has come; see `Body`."""
        data = bytearray()
        while not self.is_over:
            if not self._left:
                if not self._step(inbox, budget):
                    break
                continue
            part = inbox[: self._left]
            if not part:
                break
            _take(inbox, len(part), budget)
            self._left -= len(part)
            data += part
        return bytes(data)

    # The steps; each says whether enough had come for it.

    def _read_size(self, inbox: bytearray, budget: Budget) -> bool:
        line = _line(inbox, budget)
        if line is None:
            return False
        size = line.partition(b";")[0].rstrip(b" \t")
        if not 1 <= len(size) <= 16 or size.strip(_DIGITS):
            raise Refusal(400, "The size of a chunk is no number.")
        self._left = int(size, 16)
        budget.check(self._left)
        self._step = self._read_end if self._left else self._read_trailer
        return True

    def _read_end(self, inbox: bytearray, budget: Budget) -> bool:
        if len(inbox) < len(b"\r\n"):
            return False
        if not inbox.startswith(b"\r\n"):
            raise Refusal(400, "A chunk does not end where it should.")
        _take(inbox, len(b"\r\n"), budget)
        self._step = self._read_size
        return True

    def _read_trailer(self, inbox: bytearray, budget: Budget) -> bool:
        line = _line(inbox, budget)
        if line is None:
            return False
        if line and not is_field_line(line):
            raise Refusal(400, "A trailer line is malformed.")
        self.is_over = not line
        return True


def _line(inbox: bytearray, budget: Budget) -> bytes | None:
    """Take a line; None when it has not come whole."""
    end = inbox.find(b"\r\n")
    if end < 0:
        if len(inbox) > LONGEST_CHUNK_LINE:
            raise Refusal(400, "A line in the body is too long.")
        if b"\n" in inbox:
            raise Refusal(400, "A line in the body does not end as it should.")
        return None
    line = bytes(inbox[:end])
    _take(inbox, end + 2, budget)
    if b"\n" in line or b"\r" in line or b"\0" in line:
        raise Refusal(400, "A line in the body does not end as it should.")
    return line


def _take(inbox: bytearray, size: int, budget: Budget) -> None:
    del inbox[:size]
    budget.spend(size)
