"""A large body that goes to the disk while it comes."""

from __future__ import annotations

from io import BufferedReader
from typing import TYPE_CHECKING

from appliance.httpd.refusal import Refusal
from appliance.httpd.spool import BUFFER, Spool

if TYPE_CHECKING:
    from pathlib import Path


class Upload:
    """Gathers what comes until it is worth a write.

    `open`, `flush`, `reader` and `close` block: they are for workers.
    """

    def __init__(self, limit: int) -> None:
        """Begin with nothing; `limit` bytes may come."""
        self._limit = limit
        self.received = 0
        """Bytes so far."""
        self.is_over = False
        self._gathered = bytearray()
        self._spool: Spool | None = None

    def add(self, data: bytes) -> bool:
        """Take `data` (the loop's thread); say whether it is time for a `flush`.

        :raises Refusal: with 413 when it is too much.
        """
        self.received += len(data)
        if self.received > self._limit:  # as chunks can, which nobody announced
            raise Refusal(413, f"The file is larger than {self._limit} bytes.")
        self._gathered += data
        return len(self._gathered) >= BUFFER

    def open(self, folder: Path, expected: int) -> None:
        """Open the file; see `Spool`."""
        self._spool = Spool(folder, expected, self._limit)

    def flush(self) -> None:
        """Write what was gathered; see `Spool.write`."""
        data, self._gathered = self._gathered, bytearray()
        if self._spool is not None:
            self._spool.write(data)

    def reader(self) -> BufferedReader:
        """Give the whole for reading."""
        if self._spool is None:
            raise ValueError("nothing was opened")
        self._spool.file.seek(0)
        return BufferedReader(self._spool.file)

    def close(self) -> None:
        """Give the room on the disk back."""
        if self._spool is not None:
            self._spool.close()
